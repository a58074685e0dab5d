//! What was found in a file: mistakes and warnings, each with its place and what to do.

use std::fmt;
use std::ops::Range;

use crate::config::source::{Position, Source};

/// Everything that was found in one file, in the file's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub source: Source,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// The key, such as `route.products.canary.percent`; empty for a mistake of syntax.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// The bytes that are underlined.
    pub span: Range<usize>,
    /// Other places that have to do with it, each with what it is.
    pub also: Vec<(Range<usize>, String)>,
    /// What to do.
    pub help: Option<String>,
    /// It speaks of what the whole file does not say, so it may be wrong when part of the file could not be read.
    pub(super) needs_all: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but somebody should look.
    Warning,
}

/// A key's path and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) span: Range<usize>,
}

/// A value that was read, and where.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

impl Report {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Where a finding stands.
    pub fn position(&self, diagnostic: &Diagnostic) -> Position {
        self.source.position(diagnostic.span.start)
    }

    /// One line for a log: how many, and the first.
    pub fn summary(&self) -> String {
        let Some(first) = self.diagnostics.first() else {
            return "nothing to say".to_owned();
        };
        let one = match first.severity {
            Severity::Error => "mistake",
            Severity::Warning => "warning",
        };
        let Position { line, column } = self.position(first);
        let place = format!("{}:{line}:{column}", self.source.path.display());
        let said = first.titled();
        match self.diagnostics.len() {
            1 => format!("1 {one}: {place}: {said}"),
            many => format!("{many} {one}s, first: {place}: {said}"),
        }
    }
}

/// The one line for a log.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary())
    }
}

impl std::error::Error for Report {}

impl Diagnostic {
    pub(super) fn error(place: &Place, message: impl AsRef<str>) -> Self {
        Self {
            severity: Severity::Error,
            path: plain(&place.path),
            message: plain(message.as_ref()),
            span: place.span.clone(),
            also: Vec::new(),
            help: None,
            needs_all: false,
        }
    }

    pub(super) fn warning(place: &Place, message: impl AsRef<str>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(place, message)
        }
    }

    pub(super) fn help(mut self, help: impl AsRef<str>) -> Self {
        self.help = Some(plain(help.as_ref()));
        self
    }

    pub(super) fn also(mut self, place: &Place, what: impl AsRef<str>) -> Self {
        self.also.push((place.span.clone(), plain(what.as_ref())));
        self
    }

    /// See [`Self::needs_all`].
    pub(super) fn needs_all(mut self) -> Self {
        self.needs_all = true;
        self
    }

    /// The key and what is wrong with it.
    pub(super) fn titled(&self) -> String {
        if self.path.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.path, self.message)
        }
    }
}

/// A value in quotes, short enough for a message.
pub(super) fn quoted(text: &str) -> String {
    const LONG: usize = 60;
    if text.chars().count() > LONG {
        let start: String = text.chars().take(LONG).collect();
        format!("\"{start}…\"")
    } else {
        format!("\"{text}\"")
    }
}

/// "a", "a and b", "a, b and c".
pub(super) fn listed<S: AsRef<str>>(words: &[S], and: &str) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {and} {last}", first.join(", ")),
    }
}

/// Without control characters, which could repaint a terminal or break a log line.
fn plain(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let itself = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(itself)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_summary_is_one_line_whatever_the_file_holds() {
        let place = Place {
            path: "route.a".to_owned(),
            span: 2..3,
        };
        let mistake = Diagnostic::error(&place, "\u{1b}[31m\nis not known").help("a\tb");
        let mut report = Report {
            source: Source {
                path: PathBuf::from("routes.toml"),
                text: "\nab\n".to_owned(),
            },
            diagnostics: vec![mistake.clone()],
        };
        assert_eq!(
            report.to_string(),
            "1 mistake: routes.toml:2:2: route.a: \\u{1b}[31m\\nis not known"
        );
        report.diagnostics.push(mistake);
        assert!(report.to_string().starts_with("2 mistakes, first: "));
    }
}
