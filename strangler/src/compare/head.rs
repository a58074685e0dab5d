//! What is compared besides JSON: status, header fields, and bodies of another kind.

use std::collections::BTreeSet;

use super::Answer;
use super::difference::Kind;
use super::found::{Found, Samples};
use super::redact::{self, REDACTED, is_secret};
use super::sample;

pub(super) fn status(left: &Answer<'_>, right: &Answer<'_>, found: &mut Found) {
    if left.status != right.status {
        found.add("status".to_owned(), Kind::Value, false, || Samples {
            left: left.status.to_string(),
            right: right.status.to_string(),
        });
    }
}

pub(super) fn headers(names: &[String], left: &Answer<'_>, right: &Answer<'_>, found: &mut Found) {
    for name in names {
        let (l, r) = (field(left, name), field(right, name));
        if l == r || says_the_same(name, l.as_deref(), r.as_deref()) {
            continue;
        }
        let path = format!("header:{}", name.to_ascii_lowercase());
        let kind = kind(l.is_some(), r.is_some());
        found.add(path, kind, false, || Samples {
            left: shown(name, l.as_deref()),
            right: shown(name, r.as_deref()),
        });
    }
}

/// A body's content is never shown: only how long it is, and from where on it is another.
pub(super) fn body(left: &[u8], right: &[u8], found: &mut Found) {
    let same = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let shown = |body: &[u8]| match body.len() {
        0 => String::new(),
        length => format!("{length} bytes, first different at byte {same}"),
    };
    let kind = kind(!left.is_empty(), !right.is_empty());
    found.add("body".to_owned(), kind, false, || Samples {
        left: shown(left),
        right: shown(right),
    });
}

/// `application/json`, `application/problem+json` and the like.
pub(super) fn says_json(answer: &Answer<'_>) -> bool {
    let value = field(answer, CONTENT_TYPE);
    value.is_some_and(|value| is_json(&MediaType::of(&value).name))
}

fn is_json(media_type: &str) -> bool {
    media_type == "application/json" || media_type.ends_with("+json")
}

/// Two spellings of one media type are no difference.
fn says_the_same(name: &str, left: Option<&[u8]>, right: Option<&[u8]>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) if name.eq_ignore_ascii_case(CONTENT_TYPE) => {
            MediaType::of(left) == MediaType::of(right)
        }
        _ => false,
    }
}

const CONTENT_TYPE: &str = "content-type";

/// A media type as it is meant: in small letters, its parameters in order. JSON is UTF-8 whether a `charset` says so or
/// not (RFC 8259, sections 8.1 and 11).
#[derive(Debug, PartialEq, Eq)]
struct MediaType {
    name: String,
    parameters: BTreeSet<String>,
}

impl MediaType {
    fn of(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value).to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_owned();
        let parameters = parts.map(|parameter| parameter.replace('"', ""));
        let said = |parameter: &String| {
            !(parameter.is_empty() || is_json(&name) && parameter == "charset=utf-8")
        };
        Self {
            parameters: parameters.filter(said).collect(),
            name,
        }
    }
}

/// All values of a field, as one.
fn field(answer: &Answer<'_>, name: &str) -> Option<Vec<u8>> {
    let values: Vec<&[u8]> = answer
        .headers
        .iter()
        .filter(|(other, _)| other.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_ascii())
        .collect();
    (!values.is_empty()).then(|| values.join(&b", "[..]))
}

fn kind(on_left: bool, on_right: bool) -> Kind {
    match (on_left, on_right) {
        (true, false) => Kind::Missing,
        (false, true) => Kind::Extra,
        _ => Kind::Value,
    }
}

fn shown(name: &str, value: Option<&[u8]>) -> String {
    match value {
        None => String::new(),
        Some(_) if is_secret(name) => REDACTED.to_owned(),
        Some(value) => {
            let value = String::from_utf8_lossy(value);
            sample::plain(&redact::without_queries(name, &value))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_spellings_of_a_media_type_are_one() {
        let same = |left: &str, right: &str| {
            says_the_same(
                "Content-Type",
                Some(left.as_bytes()),
                Some(right.as_bytes()),
            )
        };
        assert!(same("application/json", "application/json; charset=utf-8"));
        assert!(same(
            "Text/HTML;charset=\"UTF-8\"",
            "text/html; charset=utf-8"
        ));
        assert!(!same("text/html", "text/html; charset=utf-8"));
        assert!(!same(
            "application/json; charset=latin1",
            "application/json"
        ));
        assert!(!same("application/json", "text/html"));
        assert!(!says_the_same("etag", Some(b"a"), Some(b"A")));
    }
}
