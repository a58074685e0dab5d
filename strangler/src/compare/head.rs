//! What is compared besides JSON: status, header fields, and bodies of another kind.

use super::Answer;
use super::difference::Kind;
use super::found::{Found, Samples};
use super::redact::{REDACTED, is_secret};
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
        if l == r {
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
    let Some(value) = field(answer, "content-type") else {
        return false;
    };
    let value = String::from_utf8_lossy(&value).to_ascii_lowercase();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    media_type == "application/json" || media_type.ends_with("+json")
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
        Some(value) => sample::plain(&String::from_utf8_lossy(value)),
    }
}
