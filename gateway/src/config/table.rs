//! A table of the file. Asking for a key makes it known; what nobody asked for is refused when the table goes.

use std::cell::RefCell;

use toml::de::{DeTable, DeValue};

use crate::config::reading::{Reading, Unknown, join, place};
use crate::config::report::{At, Diagnostic, Place};
use crate::config::value::Value;

/// A name is a label in metrics and logs, and part of a path in messages.
const LONGEST_NAME: usize = 64;

/// A table, or the empty one where the file has none: its readers then give the defaults.
pub(super) struct Table<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// Its path, and its header in the file.
    pub(super) place: Place,
    /// Its path with `NAME` for what the operator may name.
    shape: String,
    entries: Option<&'a DeTable<'a>>,
    asked: RefCell<Vec<&'static str>>,
}

impl<'a> Table<'a> {
    pub(super) fn root(reading: &'a Reading<'a>, entries: &'a DeTable<'a>) -> Self {
        Self::new(reading, reading.beginning(), String::new(), Some(entries))
    }

    pub(super) fn new(
        reading: &'a Reading<'a>,
        place: Place,
        shape: String,
        entries: Option<&'a DeTable<'a>>,
    ) -> Self {
        Self {
            reading,
            place,
            shape,
            entries,
            asked: RefCell::default(),
        }
    }

    /// The key's value, if the file has it.
    pub(super) fn get(&self, key: &'static str) -> Option<Value<'a>> {
        self.reading.know(&self.shape, key);
        self.find(key)
    }

    /// The same for a key that is only a table: the keys below it are known, not it.
    fn find(&self, key: &'static str) -> Option<Value<'a>> {
        self.asked.borrow_mut().push(key);
        let (written, value) = self.entries?.get_key_value(key)?;
        Some(Value {
            reading: self.reading,
            place: place(&self.place.path, key, value.span()),
            key: place(&self.place.path, key, written.span()),
            shape: join(&self.shape, key),
            raw: value.get_ref(),
        })
    }

    /// The key's value; without it the table makes no sense. `what` is what to write.
    pub(super) fn required(&self, key: &'static str, what: &str) -> Option<Value<'a>> {
        let read = self.get(key);
        if read.is_none() {
            self.reading
                .report(self.missing(key).help(format!("add {key} = {what}")));
        }
        read
    }

    /// The mistake that a key is not there.
    pub(super) fn missing(&self, key: &str) -> Diagnostic {
        let place = place(&self.place.path, key, self.place.span.clone());
        Diagnostic::error(&place, "is missing").needs_all()
    }

    /// Where the key stands, if the file has it. Does not make it known.
    pub(super) fn at(&self, key: &str) -> Option<Place> {
        let (written, _) = self.entries?.get_key_value(key)?;
        Some(place(&self.place.path, key, written.span()))
    }

    /// Whether the file has the table itself, and not something else in its place.
    pub(super) fn is_written(&self) -> bool {
        self.entries.is_some()
    }

    /// Whether the file has the key. Does not make it known.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.is_some_and(|table| table.contains_key(key))
    }

    /// The table below a key; the empty one where there is none.
    pub(super) fn table(&self, key: &'static str) -> Self {
        self.find(key)
            .and_then(|value| value.table())
            .unwrap_or_else(|| self.empty(key))
    }

    /// What the operator named below a key: `[key.NAME]`.
    pub(super) fn named(&self, key: &'static str) -> Vec<(At<String>, Value<'a>)> {
        let Some(all) = self.get(key) else {
            return Vec::new();
        };
        if let DeValue::Array(_) = all.raw {
            let path = &all.place.path;
            let error = Diagnostic::error(&all.key, "must be tables with names, found a list");
            let help = format!("write [{path}.NAME], with a name of your own for NAME");
            self.reading.report(error.help(help));
            return Vec::new();
        }
        let Some(table) = all.table() else {
            return Vec::new();
        };
        table
            .entries()
            .into_iter()
            .filter(|(name, _)| self.check_name(name))
            .collect()
    }

    /// Every entry of a table whose keys the operator chooses.
    pub(super) fn open(&self) -> Vec<(At<String>, Value<'a>)> {
        self.reading.know(&self.shape, "NAME");
        self.entries()
    }

    fn entries(&self) -> Vec<(At<String>, Value<'a>)> {
        self.asked.borrow_mut().push(ANY);
        let entries = self.entries.into_iter().flat_map(|table| table.iter());
        entries
            .map(|(written, value)| {
                let name = written.get_ref();
                let key = place(&self.place.path, name, written.span());
                let read = Value {
                    reading: self.reading,
                    place: place(&self.place.path, name, value.span()),
                    key: key.clone(),
                    shape: join(&self.shape, "NAME"),
                    raw: value.get_ref(),
                };
                let name = At {
                    value: name.as_ref().to_owned(),
                    place: key,
                };
                (name, read)
            })
            .collect()
    }

    fn empty(&self, key: &str) -> Self {
        Self::new(
            self.reading,
            place(&self.place.path, key, self.place.span.clone()),
            join(&self.shape, key),
            None,
        )
    }

    fn check_name(&self, name: &At<String>) -> bool {
        let text = &name.value;
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        let fine = !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(letters);
        if !fine {
            let error = Diagnostic::error(&name.place, "is no name");
            let help = format!(
                "names are labels in metrics and logs: up to {LONGEST_NAME} letters, digits, _ and -"
            );
            self.reading.report(error.help(help));
        }
        fine
    }
}

impl<'a> Value<'a> {
    /// A table of its own: `{ … }`, `[…]`, or dotted keys.
    pub(super) fn table(&self) -> Option<Table<'a>> {
        let DeValue::Table(entries) = self.raw else {
            let help = format!("write [{}], or {{ … }} with its keys", self.place.path);
            self.reading.report(self.wrong_type("a table").help(help));
            return None;
        };
        let (place, shape) = (self.place.clone(), self.shape.clone());
        Some(Table::new(self.reading, place, shape, Some(entries)))
    }
}

/// Stands in `asked` for "whatever is there".
const ANY: &str = "*";

impl Drop for Table<'_> {
    fn drop(&mut self) {
        let asked = self.asked.borrow();
        let Some(entries) = self.entries else {
            return;
        };
        if asked.contains(&ANY) {
            return;
        }
        for key in entries.keys() {
            let name = key.get_ref();
            if !asked.iter().any(|asked| asked == name) {
                self.reading.does_not_know(Unknown {
                    place: place(&self.place.path, name, key.span()),
                    key: name.as_ref().to_owned(),
                    table: self.shape.clone(),
                });
            }
        }
    }
}
