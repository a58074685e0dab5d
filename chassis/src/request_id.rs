//! The name of one request in every log line that it causes: 128 random bits in hexadecimal.

use http::{HeaderName, HeaderValue};

use crate::hex;

/// The field that carries it.
pub const FIELD: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids of callers are not taken over.
const LONGEST: usize = 128;

/// One request's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// A new id. It is unique, not secret: the generator is fast, not cryptographic.
    pub fn random() -> Self {
        let mut text = [0; 32];
        hex::write_u128(fastrand::u128(..), &mut text);
        // Hexadecimal digits are always a valid field value.
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("0")))
    }

    /// Takes over a believed caller's id: 1 to 128 visible ASCII characters without quotes or backslashes.
    pub fn accept(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let fits = (1..=LONGEST).contains(&bytes.len())
            && bytes
                .iter()
                .all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\\'));
        fits.then(|| Self(value.clone()))
    }

    /// As a field value.
    pub fn to_value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_32_digits_and_differ() {
        let (a, b) = (RequestId::random(), RequestId::random());
        assert_eq!(a.as_str().len(), 32);
        assert_ne!(a, b);
    }

    #[test]
    fn an_id_that_could_break_a_log_line_is_not_taken_over() {
        let accept = |text: &'static str| RequestId::accept(&HeaderValue::from_static(text));
        assert!(accept("trace-7").is_some());
        assert!(accept("").is_none());
        assert!(accept("a b").is_none());
        assert!(accept("a\"b").is_none());
    }
}
