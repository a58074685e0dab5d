//! Laws about the tree that no lint knows.

use std::path::{Path, PathBuf};

use tests::tree;

/// A file holds one idea; where it is longer, it holds two.
const LONGEST_FILE: usize = 400;

#[test]
fn no_source_file_is_longer_than_one_idea() {
    let mut found = Vec::new();
    for file in sources() {
        let lines = own_lines(&tree::read(&file));
        if lines > LONGEST_FILE {
            found.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_source_file_opens_by_saying_what_it_is_for() {
    let silent: Vec<PathBuf> = sources()
        .into_iter()
        // The tests of x.rs, in x/tests.rs, are part of x.rs.
        .filter(|file| !file.ends_with("tests.rs"))
        .filter(|file| !tree::read(file).starts_with("//! "))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn a_module_with_submodules_is_a_file_beside_its_folder() {
    let inside: Vec<PathBuf> = sources()
        .into_iter()
        .filter(|file| file.ends_with("mod.rs"))
        .collect();
    assert!(inside.is_empty(), "{inside:?}");
}

/// Whoever reads the tree elsewhere finds nothing that only makes sense where it was written.
#[test]
fn nothing_names_the_place_where_it_was_written() {
    let mut found = Vec::new();
    for file in tree::files() {
        // What is not text names nothing.
        let Ok(text) = std::fs::read_to_string(tree::root().join(&file)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = place_in(line) {
                found.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_laws_find_what_they_forbid() {
    assert_eq!(own_lines("a\nb\n#[cfg(test)]\nmod tests {}\n"), 2);
    assert!(place_in(&["see /ho", "me/ann/x"].concat()).is_some());
    assert!(place_in(&["as asked for in is", "sue #12"].concat()).is_some());
    assert_eq!(place_in("the issuer's issues with 12 keys"), None);
}

fn sources() -> Vec<PathBuf> {
    let is_rust = |file: &PathBuf| file.extension() == Some(Path::new("rs").as_os_str());
    tree::files().into_iter().filter(is_rust).collect()
}

/// The lines before the tests.
fn own_lines(text: &str) -> usize {
    text.lines()
        .take_while(|line| line.trim() != "#[cfg(test)]")
        .count()
}

/// A folder of somebody's machine, or the number of a ticket.
fn place_in(line: &str) -> Option<&str> {
    // In two halves, so that this file passes its own law.
    let places = [
        ["/wo", "rk/"],
        ["/ho", "me/"],
        ["/ro", "ot/"],
        ["/tmp/", "h/"],
        ["sha", "red/spec"],
        ["sha", "red/style"],
    ];
    let folder = places.iter().find_map(|halves| {
        let at = line.find(&halves.concat())?;
        Some(&line[at..])
    });
    folder.or_else(|| {
        let ticket = ["is", "sue"].concat();
        let mut mentions = line.match_indices(&ticket);
        mentions.find_map(|(at, _)| {
            let after = line[at + ticket.len()..].strip_prefix(' ')?;
            let number = after.trim_start_matches('#');
            number
                .starts_with(|first: char| first.is_ascii_digit())
                .then_some(&line[at..])
        })
    })
}
