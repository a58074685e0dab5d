//! Published test data, where the folder with it is at hand.

use std::path::PathBuf;

/// What is at this path in the folder; `None`, and a line that says so, where it is not there.
#[expect(
    clippy::disallowed_methods,
    reason = "the folder of published data may be elsewhere"
)]
#[expect(
    clippy::print_stdout,
    reason = "whoever reads a test's output sees what it did without"
)]
pub fn published(path: &str) -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var("BANYAN_VECTORS").map_or(beside, PathBuf::from);
    let found = folder.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED: {} is not there", found.display());
    None
}
