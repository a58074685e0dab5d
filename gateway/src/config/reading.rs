//! What all readers of one file share: where findings go, the environment, which keys and names there are.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::config::env::Lookup;
use crate::config::names::Names;
use crate::config::nearest::nearest;
use crate::config::report::{Diagnostic, Place, Severity, listed};
use crate::config::source::Source;

/// One pass over one file.
pub(super) struct Reading<'a> {
    pub(super) source: &'a Source,
    pub(super) env: Lookup<'a>,
    found: RefCell<Vec<Diagnostic>>,
    known: RefCell<BTreeSet<String>>,
    unknown: RefCell<Vec<Unknown>>,
    pub(super) names: RefCell<Names>,
}

/// A key that nobody asked for.
pub(super) struct Unknown {
    pub(super) place: Place,
    /// The key alone.
    pub(super) key: String,
    /// Its table, with `NAME` for what the operator may name.
    pub(super) table: String,
}

impl<'a> Reading<'a> {
    pub(super) fn new(source: &'a Source, env: Lookup<'a>) -> Self {
        Self {
            source,
            env,
            found: RefCell::default(),
            known: RefCell::default(),
            unknown: RefCell::default(),
            names: RefCell::default(),
        }
    }

    pub(super) fn report(&self, diagnostic: Diagnostic) {
        self.found.borrow_mut().push(diagnostic);
    }

    /// The file as a whole, for what it does not say.
    pub(super) fn beginning(&self) -> Place {
        let first_line = self.source.text.lines().next().map_or(0, str::len);
        Place {
            path: String::new(),
            span: 0..first_line,
        }
    }

    /// Where a path in the file leads.
    pub(super) fn file(&self, path: &str) -> PathBuf {
        self.source.folder().join(Path::new(path))
    }

    /// How many errors there are so far.
    pub(super) fn mistakes(&self) -> usize {
        let found = self.found.borrow();
        let errors = found.iter().filter(|d| d.severity == Severity::Error);
        errors.count()
    }

    /// Notes that this key is one that the file may have.
    pub(super) fn know(&self, shape: &str, key: &str) {
        self.known.borrow_mut().insert(join(shape, key));
    }

    pub(super) fn does_not_know(&self, unknown: Unknown) {
        self.unknown.borrow_mut().push(unknown);
    }

    /// Every key that a reader has asked for.
    pub(super) fn known(&self) -> BTreeSet<String> {
        self.known.borrow().clone()
    }

    /// All that was found, in the file's order. Called when the whole file has been read.
    pub(super) fn finish(&self) -> Vec<Diagnostic> {
        for unknown in self.unknown.take() {
            self.report(self.explain(&unknown));
        }
        let mut found = self.found.take();
        found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
        found.dedup();
        found
    }

    fn explain(&self, unknown: &Unknown) -> Diagnostic {
        let known = self.known.borrow();
        let below = match unknown.table.as_str() {
            "" => String::new(),
            table => format!("{table}."),
        };
        let inside: Vec<&str> = known
            .iter()
            .filter_map(|key| key.strip_prefix(&below))
            .collect();
        let here: BTreeSet<&str> = inside
            .iter()
            .filter_map(|key| key.split('.').next())
            .collect();
        let deeper = inside.iter().copied().find(|key| {
            key.rsplit_once('.')
                .is_some_and(|(table, last)| last == unknown.key && !table.contains("NAME"))
        });
        let meant = nearest(&unknown.key, here.iter().copied()).or(deeper);
        let here: Vec<&str> = here.iter().copied().collect();
        let help = match meant {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("the keys here are {}", listed(&here, "and")),
        };
        Diagnostic::error(&unknown.place, "there is no such key")
            .help(help)
            .needs_all()
    }
}

/// `table.key`, at the top only `key`.
pub(super) fn join(table: &str, key: &str) -> String {
    if table.is_empty() {
        key.to_owned()
    } else {
        format!("{table}.{key}")
    }
}

/// The place of `key` in a table.
pub(super) fn place(table: &str, key: &str, span: Range<usize>) -> Place {
    Place {
        path: join(table, key),
        span,
    }
}
