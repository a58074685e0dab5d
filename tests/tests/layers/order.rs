//! Modules stand lowest first: one may use those listed before it, never those after.

use std::collections::BTreeMap;

use crate::references::{Path, declared, references};

/// A crate's files by their path below `src`, with their text.
pub(crate) type Sources = BTreeMap<String, String>;

/// Every use of a module that stands later, in words.
pub(crate) fn violations(sources: &Sources) -> Vec<String> {
    let listed: BTreeMap<Path, Vec<String>> = sources
        .iter()
        .map(|(file, text)| (module_of(file), declared(text)))
        .collect();
    let mut found = Vec::new();
    for (file, text) in sources {
        let module = module_of(file);
        if module.last().is_some_and(|name| name == "tests") {
            continue;
        }
        for reference in references(text) {
            if let Some(used) = resolve(&module, &reference)
                && let Some((lower, higher)) = later(&listed, &module, &used)
            {
                let (shown, list) = (reference.join("::"), listing(&module, &used));
                found.push(format!(
                    "{file} uses {shown}, but {list} lists {higher} after {lower}"
                ));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// `route/table.rs` is the module `route::table`; the crate's root is empty.
fn module_of(file: &str) -> Path {
    let stem = file.trim_end_matches(".rs");
    match stem {
        "lib" | "main" => Path::new(),
        _ => stem.split('/').map(str::to_owned).collect(),
    }
}

/// A path as written in `module`, from the crate's root.
fn resolve(module: &[String], reference: &[String]) -> Option<Path> {
    let (root, rest) = reference.split_first()?;
    let mut path = match root.as_str() {
        "crate" => Path::new(),
        "self" => module.to_vec(),
        _ => module.split_last()?.1.to_vec(),
    };
    for word in rest {
        if word == "super" {
            path.pop()?;
        } else {
            path.push(word.clone());
        }
    }
    Some(path)
}

/// Where the two paths part: the user's module there and the used one, when that one stands later.
fn later(
    listed: &BTreeMap<Path, Vec<String>>,
    user: &[String],
    used: &[String],
) -> Option<(String, String)> {
    let shared = shared(user, used);
    let (mine, theirs) = (user.get(shared)?, used.get(shared)?);
    let order = listed.get(&user[..shared])?;
    let place = |name: &String| order.iter().position(|listed| listed == name);
    (place(theirs)? > place(mine)?).then(|| (mine.clone(), theirs.clone()))
}

fn shared(user: &[String], used: &[String]) -> usize {
    user.iter().zip(used).take_while(|(a, b)| a == b).count()
}

/// The file whose list decides.
fn listing(user: &[String], used: &[String]) -> String {
    match &user[..shared(user, used)] {
        [] => "the crate's root".to_owned(),
        path => format!("{}.rs", path.join("/")),
    }
}
