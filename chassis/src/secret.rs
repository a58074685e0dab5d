//! Secrets: never in a log line, never in a `Debug`, wiped when dropped.

pub use secrecy::{ExposeSecret, SecretString};

use std::path::Path;

/// Reads a secret from a file; a trailing line break is not part of it.
pub fn from_file(path: &Path) -> std::io::Result<SecretString> {
    let text = std::fs::read_to_string(path)?;
    Ok(SecretString::from(text.trim_end_matches(['\r', '\n'])))
}
