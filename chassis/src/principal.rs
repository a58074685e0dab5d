//! Who is calling, once somebody has verified it, and the fields in which a backend is told.
//!
//! Verifying is the gateway's business. A backend behind it believes these fields because the gateway removes
//! whatever a stranger wrote into them.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// The caller's id.
pub const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
/// The caller's scopes, separated by spaces.
pub const USER_SCOPES: HeaderName = HeaderName::from_static("x-user-scopes");
/// The caller's groups, separated by commas.
pub const USER_GROUPS: HeaderName = HeaderName::from_static("x-user-groups");

/// What may not stand in an element as it is: everything outside visible ASCII, the separators and `%` itself.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

/// A verified caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// The subject, unique within its issuer.
    pub user: String,
    /// What the caller's token allows.
    pub scopes: Vec<String>,
    /// Which groups the caller belongs to.
    pub groups: Vec<String>,
    /// The plan that sets the caller's limits.
    pub plan: Option<String>,
}

impl Principal {
    /// `x-user-id`: percent-encoded where it is not visible ASCII.
    pub fn user_value(&self) -> HeaderValue {
        value(&escape(&self.user))
    }

    /// `x-user-scopes`.
    pub fn scopes_value(&self) -> HeaderValue {
        value(&join(&self.scopes, " "))
    }

    /// `x-user-groups`.
    pub fn groups_value(&self) -> HeaderValue {
        value(&join(&self.groups, ","))
    }
}

/// Any text as a field value, percent-encoded where it is not visible ASCII. [`unescape`] reads it back.
///
/// ```
/// let value = chassis::principal::escaped("ana b");
/// assert_eq!(value, "ana%20b");
/// assert_eq!(chassis::principal::unescape(value.to_str().unwrap()), "ana b");
/// ```
pub fn escaped(text: &str) -> HeaderValue {
    value(&escape(text))
}

/// Reads one element of such a field back.
pub fn unescape(element: &str) -> Cow<'_, str> {
    percent_decode_str(element).decode_utf8_lossy()
}

fn escape(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ESCAPED).into()
}

fn join(parts: &[String], separator: &str) -> String {
    parts
        .iter()
        .map(|part| escape(part))
        .collect::<Vec<_>>()
        .join(separator)
}

fn value(text: &str) -> HeaderValue {
    // Everything outside visible ASCII was escaped, so this cannot fail.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_foreign_letters_are_escaped_and_read_back() {
        let caller = Principal {
            user: "ana b\u{e9}".into(),
            scopes: vec!["orders:read".into(), "a b".into()],
            groups: vec!["staff,all".into(), "100%".into()],
            plan: None,
        };
        assert_eq!(caller.user_value(), "ana%20b%C3%A9");
        assert_eq!(caller.scopes_value(), "orders:read a%20b");
        assert_eq!(caller.groups_value(), "staff%2Call,100%25");
        assert_eq!(unescape("ana%20b%C3%A9"), "ana b\u{e9}");
    }
}
