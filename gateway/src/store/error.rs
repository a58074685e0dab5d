//! Why state cannot be kept, and what to do about it.

use std::path::PathBuf;

/// State that cannot be read or written. Traffic goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or made.
    #[error("{}: cannot be opened: {why}; name a place that can be written in [state] path", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// In the engine's words.
        why: String,
    },
    /// The file is damaged, or something else.
    #[error("{}: is damaged or no state file: {why}; it is left as it is: restore a copy, or move it away to begin anew", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// In the engine's words.
        why: String,
    },
    /// A newer gateway wrote it.
    #[error("{}: was written by a newer gateway (schema {found}, this one knows {known}); it is left as it is: run that version, or name another file in [state] path", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// Somebody removed or replaced the file.
    #[error("{}: was removed or replaced while it was open, so nothing that is said now survives a restart: start the gateway again", path.display())]
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// Writing failed: what was to be written is not.
    #[error("{}: cannot be written: {why}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// In the engine's words.
        why: String,
    },
}
