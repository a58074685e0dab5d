//! Which crate may know which: arrows point one way.

use toml::Table;

/// Each crate of the workspace and those it may use. `ANYTHING` is for what stands above the whole house.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("chassis", &[]),
    ("wire", &[]),
    ("strangler", &[]),
    ("upstream", &["chassis"]),
    ("composition", &["chassis", "upstream"]),
    ("bff-web", &["chassis", "composition"]),
    ("bff-mobile", &["chassis", "composition"]),
    ("gateway", &["chassis", "strangler", "upstream", "wire"]),
    ("stubs", &["chassis"]),
    ("demo", ANYTHING),
    ("tests", ANYTHING),
    ("bench", ANYTHING),
];

/// Every crate that another one may use.
const ANYTHING: &[&str] = &[
    "bff-mobile",
    "bff-web",
    "chassis",
    "composition",
    "gateway",
    "strangler",
    "stubs",
    "upstream",
];

/// Every arrow of a crate's manifest that points the wrong way, in words.
pub(crate) fn violations(name: &str, manifest: &Table, workspace: &[String]) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
        return vec![format!(
            "{name}: its place among the crates is not written down"
        )];
    };
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = sections
        .iter()
        .filter_map(|section| manifest.get(*section)?.as_table());
    tables
        .flat_map(Table::keys)
        .filter(|used| workspace.contains(used) && !allowed.contains(&used.as_str()))
        .map(|used| format!("{name} may not use {used}"))
        .collect()
}
