//! Reads the file that a command is about.

use std::path::Path;
use std::sync::Arc;

use crate::app::{self, Options, Ready, StartError};
use crate::reload::Environment;
use crate::snapshot::Snapshot;

/// The process's own environment.
#[expect(
    clippy::disallowed_methods,
    reason = "a command's environment is the process's"
)]
pub(super) fn environment() -> Environment {
    Arc::new(|name| std::env::var(name).ok())
}

/// Options for a file and the process's environment.
pub(super) fn options(path: &Path) -> Options {
    Options {
        path: path.to_owned(),
        environment: environment(),
    }
}

/// Reads and validates a file.
pub(super) fn ready(path: &Path) -> Result<Ready, StartError> {
    app::read(&options(path))
}

/// Compiles a file for looking at.
pub(super) fn snapshot(path: &Path) -> Result<Snapshot, StartError> {
    Ok(Snapshot::of_file(ready(path)?.config)?)
}
