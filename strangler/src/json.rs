//! JSON as two answers are compared by it: numbers keep their text, the order of members says nothing.
//!
//! Text is read by `serde_json` alone. A number never passes through a float. Of members with the same name the last
//! one counts, as in every browser.

mod number;

use std::collections::BTreeMap;
use std::hash::Hash;

use serde_json::value::RawValue;

pub use number::{Decimal, Number};

/// How deep containers may stand in each other. Deeper text is read as no JSON at all.
pub const MAX_DEPTH: usize = 128;

/// How many values one text may have. More would take long to compare, and much memory.
pub const MAX_VALUES: usize = 200_000;

/// How much may be read of one text: all of it counts once for each container that it stands in.
const MAX_READ: usize = 48 * 1024 * 1024;

/// How long the names of all members on the way to a value may be together.
const MAX_NAMES: usize = 4096;

/// A value. Equal by meaning: `1`, `1.0` and `10e-1` are one number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(Number),
    /// A string, its escapes resolved.
    Text(String),
    /// Elements, in order.
    Array(Vec<Self>),
    /// Members by name: sorted, each name once.
    Object(Vec<(String, Self)>),
}

/// Why a text is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unread {
    /// It is no JSON, or stands too deep in itself.
    #[error("not JSON, or deeper than {MAX_DEPTH} containers")]
    NotJson,
    /// It has more values than anybody can look at in time, or is nested so that it is read again and again.
    #[error("too complex: more than {MAX_VALUES} values, or long and deep")]
    TooComplex,
}

/// What may still be read.
struct Left {
    values: usize,
    bytes: usize,
}

impl Json {
    /// Reads one value that is all of the text.
    ///
    /// ```
    /// use strangler::json::Json;
    /// let left = Json::parse(br#"{"id": 12345678901234567890123, "n": 1.0}"#);
    /// let right = Json::parse(br#"{"n": 1, "id": 12345678901234567890123}"#);
    /// assert_eq!(left, right);
    /// assert!(Json::parse(b"{").is_err());
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, Unread> {
        let raw: &RawValue = serde_json::from_slice(text).map_err(|_| Unread::NotJson)?;
        let mut left = Left {
            values: MAX_VALUES - 1,
            bytes: MAX_READ,
        };
        left.read(raw, 0, 0)
    }

    /// The member of that name, of an object.
    pub fn member(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else {
            return None;
        };
        let at = members
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
            .ok()?;
        members.get(at).map(|(_, value)| value)
    }
}

impl Left {
    /// Container by container, because only a raw value still has the text of a number.
    fn read(&mut self, raw: &RawValue, depth: usize, names: usize) -> Result<Json, Unread> {
        let text = raw.get();
        let first = text.bytes().next().ok_or(Unread::NotJson)?;
        if depth >= MAX_DEPTH && matches!(first, b'{' | b'[') {
            return Err(Unread::NotJson);
        }
        Ok(match first {
            b'{' => {
                self.take_bytes(text.len())?;
                let members: BTreeMap<String, &RawValue> = typed(text)?;
                self.take_values(members.len())?;
                let read = |(name, raw): (String, &RawValue)| {
                    let names = names.saturating_add(name.len());
                    if names > MAX_NAMES {
                        return Err(Unread::TooComplex);
                    }
                    let value = self.read(raw, depth + 1, names)?;
                    Ok((name, value))
                };
                Json::Object(members.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            b'[' => {
                self.take_bytes(text.len())?;
                let elements: Vec<&RawValue> = typed(text)?;
                self.take_values(elements.len())?;
                let read = |raw| self.read(raw, depth + 1, names);
                Json::Array(elements.into_iter().map(read).collect::<Result<_, _>>()?)
            }
            b'"' => Json::Text(typed(text)?),
            b't' | b'f' => Json::Bool(typed(text)?),
            b'n' => Json::Null,
            _ => Json::Number(Number::new(text)),
        })
    }

    fn take_bytes(&mut self, bytes: usize) -> Result<(), Unread> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or(Unread::TooComplex)?;
        Ok(())
    }

    fn take_values(&mut self, values: usize) -> Result<(), Unread> {
        self.values = self.values.checked_sub(values).ok_or(Unread::TooComplex)?;
        Ok(())
    }
}

fn typed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, Unread> {
    serde_json::from_str(text).map_err(|_| Unread::NotJson)
}

#[cfg(test)]
mod tests;
