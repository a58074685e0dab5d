//! Mistakes of syntax, as the TOML parser finds them.

use crate::config::report::{Diagnostic, Place};
use crate::config::source::Source;

/// All of them; of several on one line only the first, since the others follow from it.
pub(super) fn explain(source: &Source, errors: &[toml::de::Error]) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = errors
        .iter()
        .map(|error| {
            let end = source.text.len();
            let place = Place {
                path: String::new(),
                span: error.span().unwrap_or(end..end),
            };
            let found = Diagnostic::error(&place, error.message());
            match error.message() {
                "duplicate key" => found.help("a key or table can be given only once in its table"),
                _ => found,
            }
        })
        .collect();
    found.sort_by_key(|diagnostic| diagnostic.span.start);
    found.dedup_by_key(|diagnostic| source.position(diagnostic.span.start).line);
    found
}
