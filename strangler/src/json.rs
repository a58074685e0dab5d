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

/// The text is no JSON, or stands too deep in itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not JSON, or deeper than {MAX_DEPTH} containers")]
pub struct NotJson;

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
    pub fn parse(text: &[u8]) -> Result<Self, NotJson> {
        let raw: &RawValue = serde_json::from_slice(text).map_err(|_| NotJson)?;
        read(raw, 0)
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

/// Container by container, because only a raw value still has the text of a number.
fn read(raw: &RawValue, depth: usize) -> Result<Json, NotJson> {
    let text = raw.get();
    let first = text.bytes().next().ok_or(NotJson)?;
    if depth >= MAX_DEPTH && matches!(first, b'{' | b'[') {
        return Err(NotJson);
    }
    Ok(match first {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = typed(text)?;
            let read = |(name, raw)| Ok((name, read(raw, depth + 1)?));
            Json::Object(members.into_iter().map(read).collect::<Result<_, _>>()?)
        }
        b'[' => {
            let elements: Vec<&RawValue> = typed(text)?;
            let read = |raw| read(raw, depth + 1);
            Json::Array(elements.into_iter().map(read).collect::<Result<_, _>>()?)
        }
        b'"' => Json::Text(typed(text)?),
        b't' | b'f' => Json::Bool(typed(text)?),
        b'n' => Json::Null,
        _ => Json::Number(Number::new(text)),
    })
}

fn typed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, NotJson> {
    serde_json::from_str(text).map_err(|_| NotJson)
}

#[cfg(test)]
mod tests;
