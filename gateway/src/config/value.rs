//! A value of the file, read as what its key asks for. What is wrong is reported; the reader goes on without it.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use strangler::Percent;
use toml::de::DeValue;
use url::Url;

use crate::config::env::filled;
use crate::config::nearest::nearest;
use crate::config::reading::Reading;
use crate::config::report::{At, Diagnostic, Place, listed, quoted};
use crate::config::units;
use crate::rate_limit::config::Rate;

/// One value and where it stands.
#[derive(Clone)]
pub(super) struct Value<'a> {
    pub(super) reading: &'a Reading<'a>,
    /// Its path, and its own text.
    pub(super) place: Place,
    /// The same path, and its key's text.
    pub(super) key: Place,
    /// Its path with `NAME` for what the operator may name.
    pub(super) shape: String,
    pub(super) raw: &'a DeValue<'a>,
}

impl Value<'_> {
    /// Reports a mistake in this value.
    pub(super) fn wrong(&self, message: impl AsRef<str>, help: impl AsRef<str>) {
        self.reading
            .report(Diagnostic::error(&self.place, message).help(help));
    }

    pub(super) fn wrong_type(&self, wanted: &str) -> Diagnostic {
        let found = found(self.raw);
        Diagnostic::error(&self.place, format!("must be {wanted}, found {found}"))
    }

    /// A string, with the environment filled in.
    pub(super) fn text(&self) -> Option<String> {
        self.text_or("a string", "put it in quotes")
    }

    fn text_or(&self, wanted: &str, help: &str) -> Option<String> {
        let Some(text) = self.raw.as_str() else {
            self.reading.report(self.wrong_type(wanted).help(help));
            return None;
        };
        match filled(text, self.reading.env) {
            Ok(text) => Some(text.into_owned()),
            Err(error) => {
                self.wrong(error.to_string(), error.help());
                None
            }
        }
    }

    /// A string that says something.
    pub(super) fn word(&self) -> Option<String> {
        let text = self.text()?;
        if text.trim().is_empty() {
            self.wrong("is empty", "say something, or take the key out");
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        let read = self.raw.as_bool();
        if read.is_none() {
            let error = self.wrong_type("true or false");
            self.reading
                .report(error.help("write true or false, without quotes"));
        }
        read
    }

    /// A whole number within bounds.
    pub(super) fn integer<N>(&self, bounds: RangeInclusive<N>) -> Option<N>
    where
        N: TryFrom<i64> + PartialOrd + std::fmt::Display,
    {
        let DeValue::Integer(number) = self.raw else {
            self.reading.report(self.wrong_type("a whole number"));
            return None;
        };
        let read = i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .and_then(|number| N::try_from(number).ok())
            .filter(|number| bounds.contains(number));
        if read.is_none() {
            let (least, most) = bounds.into_inner();
            let message = format!("must be a whole number from {least} to {most}, found {number}");
            self.reading.report(Diagnostic::error(&self.place, message));
        }
        read
    }

    /// A whole number from 1 on.
    pub(super) fn count(&self) -> Option<NonZeroU32> {
        self.integer(1..=u32::MAX).and_then(NonZeroU32::new)
    }

    /// 0 to 100.
    pub(super) fn percent(&self) -> Option<Percent> {
        let number: f64 = match self.raw {
            DeValue::Integer(number) => number.to_string().parse().unwrap_or(f64::NAN),
            DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN),
            _ => {
                let error = self.wrong_type("a number");
                self.reading
                    .report(error.help("write a number from 0 to 100, without quotes"));
                return None;
            }
        };
        let read = Percent::try_from(number).ok();
        if read.is_none() {
            self.wrong(
                "is no percentage",
                "write a number from 0 to 100, in steps of 0.01",
            );
        }
        read
    }

    /// A time span, possibly none at all.
    pub(super) fn duration(&self) -> Option<Duration> {
        let text = self.text_or("a string with a number and a unit", units::DURATIONS)?;
        let read = units::duration(&text);
        if read.is_none() {
            self.wrong(
                format!("{} is no duration", quoted(&text)),
                units::DURATIONS,
            );
        }
        read
    }

    /// A time span longer than nothing.
    pub(super) fn wait(&self) -> Option<Duration> {
        let read = self.duration()?;
        if read.is_zero() {
            self.wrong("must be longer than nothing", units::DURATIONS);
            return None;
        }
        Some(read)
    }

    /// A number with or without a point.
    pub(super) fn number(&self, fits: impl Fn(f64) -> bool, bounds: &str) -> Option<f64> {
        let number: f64 = match self.raw {
            DeValue::Integer(number) => number.to_string().parse().unwrap_or(f64::NAN),
            DeValue::Float(number) => number.as_str().parse().unwrap_or(f64::NAN),
            _ => {
                let error = self.wrong_type("a number");
                let help = format!("write a number, without quotes: {bounds}");
                self.reading.report(error.help(help));
                return None;
            }
        };
        if number.is_finite() && fits(number) {
            return Some(number);
        }
        self.wrong("is out of bounds", format!("write a number: {bounds}"));
        None
    }

    /// A number of bytes.
    pub(super) fn size(&self) -> Option<u64> {
        let text = self.text_or("a string with a number and a unit", units::SIZES)?;
        let read = units::size(&text);
        if read.is_none() {
            self.wrong(format!("{} is no size", quoted(&text)), units::SIZES);
        }
        read
    }

    /// A number of bytes within bounds.
    pub(super) fn size_within(&self, bounds: RangeInclusive<usize>) -> Option<usize> {
        let read = usize::try_from(self.size()?).unwrap_or(usize::MAX);
        if bounds.contains(&read) {
            return Some(read);
        }
        let show = |size: &usize| units::show_size(*size as u64);
        let (least, most) = (show(bounds.start()), show(bounds.end()));
        self.wrong(
            format!("{} is out of bounds", show(&read)),
            format!("write a size from {least} to {most}"),
        );
        None
    }

    pub(super) fn rate(&self) -> Option<Rate> {
        let text = self.text_or("a string with a rate", units::RATES)?;
        let read = units::rate(&text);
        if read.is_none() {
            self.wrong(format!("{} is no rate", quoted(&text)), units::RATES);
        }
        read
    }

    /// The whole address of something on the web, such as `example`. `no_user` says why nobody's name belongs into it.
    pub(super) fn web_address(&self, example: &str, no_user: &str) -> Option<Url> {
        let text = self.word()?;
        let help = format!("write it whole: {}", quoted(example));
        match Url::parse(&text) {
            Ok(url) if !matches!(url.scheme(), "http" | "https") => {
                self.wrong(format!("{} is no web address", url.scheme()), help);
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.wrong("has a user or password in it", no_user);
            }
            Ok(url) => return Some(url),
            Err(error) => self.wrong(format!("is no web address: {error}"), help),
        }
        None
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let text = self.text_or("a string", &one_of(&known))?;
        if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*meant);
        }
        self.reading
            .report(unknown_word(&self.place, &text, &known));
        None
    }

    /// The entries of a list.
    pub(super) fn list(&self) -> Option<Vec<Self>> {
        let DeValue::Array(entries) = self.raw else {
            let help = match self.raw {
                DeValue::String(_) => "put it in [ ]",
                _ => "write [\"…\", \"…\"]",
            };
            self.reading.report(self.wrong_type("a list").help(help));
            return None;
        };
        let entries = entries.iter().map(|entry| {
            let place = Place {
                path: self.place.path.clone(),
                span: entry.span(),
            };
            Self {
                reading: self.reading,
                key: place.clone(),
                place,
                shape: self.shape.clone(),
                raw: entry.get_ref(),
            }
        });
        Some(entries.collect())
    }

    /// A list of strings that differ, each read by `read`; those that are wrong are left out.
    pub(super) fn each<T: PartialEq>(
        &self,
        read: impl Fn(&Self) -> Option<T>,
    ) -> Option<Vec<At<T>>> {
        let mut all: Vec<At<T>> = Vec::new();
        for entry in self.list()? {
            let Some(value) = read(&entry) else {
                continue;
            };
            match all.iter().find(|other| other.value == value) {
                Some(first) => {
                    let error = Diagnostic::error(&entry.place, "is listed twice");
                    self.reading.report(error.also(&first.place, "here first"));
                }
                None => all.push(At {
                    value,
                    place: entry.place,
                }),
            }
        }
        Some(all)
    }

    /// A list of strings that differ.
    pub(super) fn words(&self) -> Option<Vec<At<String>>> {
        self.each(Self::word)
    }

    pub(super) fn is_table(&self) -> bool {
        self.raw.is_table()
    }

    pub(super) fn is_list(&self) -> bool {
        self.raw.is_array()
    }

    /// This value's place with something read from it.
    pub(super) fn at<T>(&self, value: T) -> At<T> {
        At {
            value,
            place: self.place.clone(),
        }
    }
}

/// "…" is none of those words.
pub(super) fn unknown_word(place: &Place, text: &str, known: &[&str]) -> Diagnostic {
    let error = Diagnostic::error(place, format!("{} is not known here", quoted(text)));
    let all: Vec<String> = known.iter().map(|word| quoted(word)).collect();
    match nearest(text, known.iter().copied()) {
        Some(meant) if known.len() > 5 => error.help(format!("did you mean {}?", quoted(meant))),
        Some(meant) => error.help(format!(
            "did you mean {}? It is one of {}",
            quoted(meant),
            listed(&all, "and")
        )),
        None => error.help(one_of(known)),
    }
}

fn one_of(known: &[&str]) -> String {
    let all: Vec<String> = known.iter().map(|word| quoted(word)).collect();
    let one_of = if known.len() == 1 { "" } else { "one of " };
    format!("write {one_of}{}", listed(&all, "or"))
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
