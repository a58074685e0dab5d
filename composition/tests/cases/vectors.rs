//! Published cases, where the folder with them is at hand.

use std::path::PathBuf;

/// What is at this path in the folder; `None`, and a line that says so, where it is not there.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder of published cases may be elsewhere"
)]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads a test's output sees what it did without"
)]
pub(crate) fn published(path: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var("BANYAN_VECTORS").map_or(beside, PathBuf::from);
    let found = folder.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("only our own cases: {} is not there", found.display());
    None
}
