//! The binaries under test: those of `BANYAN_BIN_DIR`, or freshly built ones.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::tree;

/// The gateway.
pub fn banyan() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| find("gateway")).join("banyan")
}

/// The shop's stub backends.
pub fn stubs() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| find("stubs")).join("stubs")
}

/// The BFF of rich pages.
pub fn bff_web() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| find("bff-web")).join("bff-web")
}

/// The BFF of small screens.
pub fn bff_mobile() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| find("bff-mobile")).join("bff-mobile")
}

/// The shop and the gateway in one.
pub fn demo() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| find("demo")).join("demo")
}

/// The folder where a package's binary is.
fn find(package: &str) -> PathBuf {
    std::env::var_os("BANYAN_BIN_DIR").map_or_else(|| build(package), PathBuf::from)
}

/// Builds it: a moment when nothing has changed. An old binary would test yesterday's code.
fn build(package: &str) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--bins", "-p", package])
        .current_dir(tree::root())
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{package} does not build:\n{said}");
    tree::target().join("debug")
}
