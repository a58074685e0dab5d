//! Backends' answers as JSON: how deep they may be, and values that pass through without being understood.

use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// Deeper answers are nobody's data.
pub const DEPTH_MAX: usize = 64;

/// An answer that is not what was agreed on. It says nothing about the answer's content, because it may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Too deep.
    #[error("deeper than {DEPTH_MAX} levels")]
    TooDeep,
    /// No JSON, or not of the type.
    #[error("not of the agreed type")]
    NotOfType,
}

/// Any JSON value, kept as its text: numbers of any size and any number of digits come out as they came in.
///
/// Half a character (`\ud800` alone) is refused: the grammar allows it, but many readers then refuse all that is around
/// it, which would be the whole answer.
///
/// ```
/// let text = r#"{"big":18446744073709551617,"exact":12.10}"#;
/// let raw: composition::Raw = serde_json::from_str(text)?;
/// assert_eq!(serde_json::to_string(&raw)?, text);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Raw(Box<RawValue>);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        if is_whole(value.get()) {
            Ok(Self(value))
        } else {
            Err(D::Error::custom("half a character"))
        }
    }
}

impl Raw {
    /// The text.
    pub fn text(&self) -> &str {
        self.0.get()
    }
}

/// Reads an answer.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Undecodable> {
    if depth(body) > DEPTH_MAX {
        return Err(Undecodable::TooDeep);
    }
    serde_json::from_slice(body).map_err(|_| Undecodable::NotOfType)
}

/// How deep brackets are nested, those in strings left out. Of what is no JSON it is some number, and no harm.
fn depth(text: &[u8]) -> usize {
    let (mut deepest, mut open) = (0_usize, 0_usize);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Whether all surrogates that are written as escapes in this JSON are pairs.
fn is_whole(json: &str) -> bool {
    let mut rest = json;
    while let Some((_, escape)) = rest.split_once('\\') {
        rest = match utf16_unit(escape) {
            Some((0xD800..=0xDBFF, after)) => match after.strip_prefix('\\').and_then(utf16_unit) {
                Some((0xDC00..=0xDFFF, after)) => after,
                _ => return false,
            },
            Some((0xDC00..=0xDFFF, _)) => return false,
            Some((_, after)) => after,
            // What is escaped may be a backslash.
            None => escape.get(1..).unwrap_or_default(),
        };
    }
    true
}

/// `u` and four digits, and what follows them.
fn utf16_unit(escape: &str) -> Option<(u16, &str)> {
    let (digits, after) = escape.strip_prefix('u')?.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, after))
}

fn skip_string(bytes: &mut std::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_every_digit() {
        for text in ["9007199254740993", "18446744073709551617", "12.10", "-0"] {
            assert_eq!(decode::<Raw>(text.as_bytes()).unwrap().text(), text);
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(br#"{"a":[[1],{"b":"]]}[[[\"["}]}"#), 3);
        let deep = |levels| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(decode::<Raw>(&deep(64)).is_ok());
        assert_eq!(decode::<Raw>(&deep(65)).unwrap_err(), Undecodable::TooDeep);
        assert_eq!(
            decode::<Raw>(&vec![b'['; 100_000]).unwrap_err(),
            Undecodable::TooDeep
        );
    }

    #[test]
    fn half_a_character_is_refused_and_what_only_looks_like_it_is_not() {
        for half in [
            r#""\ud800""#,
            r#"{"\uDC00":1}"#,
            r#"["\ud83d\n"]"#,
            r#""\ud800\ud83d\ude00""#,
            r#""\ud83d\ude00\ude00""#,
            r#""\\\ud800""#,
        ] {
            assert!(decode::<Raw>(half.as_bytes()).is_err(), "{half}");
        }
        for whole in [
            r#""\ud83d\ude00""#,
            r#""\\ud800""#,
            r#"["\u00e9\"","\\\\ud800"]"#,
            r#""\ud7ff\ue000""#,
        ] {
            assert_eq!(decode::<Raw>(whole.as_bytes()).unwrap().text(), whole);
        }
    }

    #[test]
    fn what_is_no_json_or_another_type_is_refused() {
        assert!(decode::<Raw>(b"{\"a\":\xff}").is_err());
        assert!(decode::<u64>(b"12.0").is_err());
        assert!(decode::<u64>(b"7 7").is_err());
    }
}
