//! The binaries under test: those of `BANYAN_BIN_DIR`, or freshly built ones.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::tree;

/// The gateway.
pub fn banyan() -> PathBuf {
    directory().join("banyan")
}

/// The shop's stub backends.
pub fn stubs() -> PathBuf {
    directory().join("stubs")
}

/// The shop and the gateway in one.
pub fn demo() -> PathBuf {
    directory().join("demo")
}

fn directory() -> &'static PathBuf {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    DIRECTORY.get_or_init(|| std::env::var_os("BANYAN_BIN_DIR").map_or_else(build, PathBuf::from))
}

/// Builds them: a moment when nothing has changed. An old binary would test yesterday's code.
fn build() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--bins"])
        .args(["-p", "gateway", "-p", "stubs", "-p", "demo"])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "the binaries do not build:\n{said}");
    tree::target().join("debug")
}
