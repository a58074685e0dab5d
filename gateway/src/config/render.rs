//! A report for eyes, with the text underlined, and for machines.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::config::mask::masked;
use crate::config::report::{Diagnostic, Report, Severity};

/// Wide enough for every message of ours; a terminal breaks longer lines by itself.
const WIDTH: usize = 160;

impl Report {
    /// As a compiler shows it: the place, the line with the text underlined, and what to do.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.term_width(WIDTH);
        let text = masked(&self.source.text);
        let blocks: Vec<String> = self
            .diagnostics
            .iter()
            .map(|diagnostic| renderer.render(&[self.group(&text, diagnostic)]))
            .collect();
        if blocks.is_empty() {
            return String::new();
        }
        blocks.join("\n\n") + "\n"
    }

    /// A list of objects: `severity`, `file`, `line`, `column`, `path`, `message`, `help`, `also`.
    pub fn to_json(&self) -> Value {
        self.diagnostics
            .iter()
            .map(|diagnostic| {
                let at = self.position(diagnostic);
                let also: Vec<Value> = diagnostic
                    .also
                    .iter()
                    .map(|(span, what)| {
                        let at = self.source.position(span.start);
                        json!({ "line": at.line, "column": at.column, "message": what })
                    })
                    .collect();
                json!({
                    "severity": diagnostic.severity.as_str(),
                    "file": self.source.path.to_string_lossy(),
                    "line": at.line,
                    "column": at.column,
                    "path": diagnostic.path,
                    "message": diagnostic.message,
                    "help": diagnostic.help,
                    "also": also,
                })
            })
            .collect()
    }

    fn group<'a>(&'a self, text: &'a str, diagnostic: &'a Diagnostic) -> Group<'a> {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let primary = AnnotationKind::Primary.span(self.underlined(&diagnostic.span));
        let others = diagnostic.also.iter().map(|(span, what)| {
            AnnotationKind::Context
                .span(self.underlined(span))
                .label(what)
        });
        let snippet = Snippet::source(text)
            .path(self.source.path.to_string_lossy())
            .annotation(primary)
            .annotations(others);
        let group = level.primary_title(diagnostic.titled()).element(snippet);
        match &diagnostic.help {
            Some(help) => group.element(Level::HELP.message(help)),
            None => group,
        }
    }

    /// Only the first line of what goes over several: the rest says no more.
    fn underlined(&self, span: &Range<usize>) -> Range<usize> {
        let span = self.source.within(span);
        let first = self.source.text[span.clone()].lines().next();
        let length = first.map_or(0, str::len);
        span.start..span.start + length
    }
}

impl Severity {
    /// One word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}
