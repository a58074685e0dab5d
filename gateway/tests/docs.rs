//! The book is complete: every key that the gateway reads stands in docs/routes.md and every key in it is read; every
//! code that a client may meet stands in docs/operations.md.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

use std::collections::BTreeSet;
use std::path::Path;

use gateway::config::keys;

/// The keys in the first column of the reference's tables of keys; it has other tables, too.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/routes.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut keys = BTreeSet::new();
    let mut among_keys = false;
    for line in text.lines() {
        among_keys = match line {
            _ if !line.starts_with('|') => false,
            _ if line.starts_with("| key |") => true,
            _ => among_keys,
        };
        let cell = line
            .strip_prefix("| `")
            .and_then(|rest| rest.split_once('`'));
        if let (true, Some((key, _))) = (among_keys, cell) {
            keys.insert(key.to_owned());
        }
    }
    keys
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_known() {
    let known = keys::all();
    let documented = documented();
    let missing: Vec<_> = known.difference(&documented).collect();
    let unknown: Vec<_> = documented.difference(&known).collect();
    assert!(missing.is_empty(), "docs/routes.md lacks {missing:#?}");
    assert!(
        unknown.is_empty(),
        "docs/routes.md has, but no file may have {unknown:#?}"
    );
    assert!(known.len() > 80);
}

#[test]
fn every_code_of_a_problem_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let codes = gateway::rejection::CODES.iter().map(|(code, _)| *code);
    let missing: Vec<_> = codes
        .filter(|code| !text.contains(&format!("| `{code}` |")))
        .collect();
    assert!(missing.is_empty(), "docs/operations.md lacks {missing:#?}");
}
