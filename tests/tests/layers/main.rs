//! Arrows point one way, between crates and between the modules inside one.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod references;
mod order;
mod arrows;

use std::path::Path;

use tests::tree;

use crate::order::Sources;

#[test]
fn no_module_uses_a_later_one() {
    let mut found = Vec::new();
    for name in tree::crates() {
        let sources = sources(&name);
        assert!(!sources.is_empty(), "{name} has no source");
        let violations = order::violations(&sources);
        found.extend(violations.into_iter().map(|line| format!("{name}: {line}")));
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn no_crate_uses_one_above_it() {
    let workspace = tree::crates();
    let found: Vec<String> = workspace
        .iter()
        .flat_map(|name| {
            let manifest = tree::read(&Path::new(name).join("Cargo.toml"));
            arrows::violations(name, &manifest.parse().unwrap(), &workspace)
        })
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_use_of_a_later_module_is_found_however_it_is_written() {
    let lib = (
        "lib.rs",
        "pub mod low;\nmod middle;\npub(crate) mod high;\n",
    );
    for guilty in [
        "use crate::high::Thing;",
        "use crate::{low::A, high::{B}};",
        "use crate::{\n    low,\n    high as above,\n};",
        "fn f() { super::high::g() }",
        "type T = Vec<crate::high::T>;",
    ] {
        let found = violations(&[lib, ("middle.rs", guilty), ("high.rs", ""), ("low.rs", "")]);
        assert_eq!(found.len(), 1, "{guilty}: {found:?}");
        assert!(found[0].starts_with("middle.rs uses"), "{found:?}");
        assert!(found[0].ends_with("lists high after middle"), "{found:?}");
    }
}

#[test]
fn what_stands_lower_or_in_tests_or_comments_may_be_used() {
    let lib = (
        "lib.rs",
        "pub mod low;\nmod middle;\npub mod high;\nuse crate::high::X;",
    );
    for innocent in [
        "use crate::low::{A, B};",
        "use super::low;",
        "/// See [`crate::high`].\nstruct S;",
        "use high::Other;",
        "macro_rules! m { () => { $crate::high::f() } }",
        "#[cfg(test)]\nmod tests {\n    use crate::high::X;\n}",
    ] {
        let found = violations(&[lib, ("middle.rs", innocent)]);
        assert!(found.is_empty(), "{innocent}: {found:?}");
    }
}

#[test]
fn the_order_holds_between_submodules_too() {
    let tree = [
        ("lib.rs", "mod route;\nmod side;"),
        ("route.rs", "mod path;\nmod table;"),
        (
            "route/table.rs",
            "use super::path::P; use crate::route::path;",
        ),
        ("side.rs", "mod stage;\n"),
    ];
    assert_eq!(violations(&tree), Vec::<String>::new());
    for guilty in [
        "use super::table::T;",
        "use crate::route::table::T;",
        "use super::super::side;",
    ] {
        let mut tree = tree.to_vec();
        tree.push(("route/path.rs", guilty));
        assert_eq!(violations(&tree).len(), 1, "{guilty}");
    }
}

#[test]
fn an_arrow_that_points_up_is_found() {
    let workspace: Vec<String> = ["chassis", "upstream", "gateway", "newcomer"]
        .map(str::to_owned)
        .into();
    let manifest = |text: &str| text.parse().unwrap();
    let up = manifest(
        "[dependencies]\nchassis.workspace = true\nserde = \"1\"\ngateway = { path = \"../gateway\" }",
    );
    assert_eq!(
        arrows::violations("upstream", &up, &workspace),
        ["upstream may not use gateway"]
    );
    let hidden = manifest("[dev-dependencies]\nupstream.workspace = true");
    assert_eq!(
        arrows::violations("chassis", &hidden, &workspace),
        ["chassis may not use upstream"]
    );
    assert_eq!(
        arrows::violations("newcomer", &manifest(""), &workspace).len(),
        1
    );
}

fn violations(files: &[(&str, &str)]) -> Vec<String> {
    let owned = |(file, text): &(&str, &str)| ((*file).to_owned(), (*text).to_owned());
    order::violations(&files.iter().map(owned).collect())
}

/// The sources of a crate. A binary beside a library is a user of it, and no part.
fn sources(name: &str) -> Sources {
    let folder = Path::new(name).join("src");
    let files = tree::files();
    let own = files
        .iter()
        .filter(|file| file.extension().is_some_and(|end| end == "rs"))
        .filter_map(|file| Some((file, file.strip_prefix(&folder).ok()?)));
    let mut sources: Sources = own
        .map(|(file, below)| (below.to_str().unwrap().to_owned(), tree::read(file)))
        .collect();
    if sources.contains_key("lib.rs") {
        sources.remove("main.rs");
    }
    sources
}
