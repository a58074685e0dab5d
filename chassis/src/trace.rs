//! W3C trace context (<https://www.w3.org/TR/trace-context/>): one trace id over every hop, a new span id at each.

use http::{HeaderName, HeaderValue};

use crate::hex;

/// The field that carries trace id, span id and the sampling decision.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Where this process stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    sampled: bool,
}

impl TraceContext {
    /// The start of a new trace, not sampled.
    pub fn root() -> Self {
        Self {
            trace_id: fastrand::u128(1..),
            span_id: fastrand::u64(1..),
            sampled: false,
        }
    }

    /// Goes on with a caller's trace under a span id of our own; `None` when the field is not valid.
    pub fn continued(value: &HeaderValue) -> Option<Self> {
        let bytes = value.as_bytes();
        let known_length = if bytes.starts_with(b"00") {
            bytes.len() == 55
        } else {
            bytes.len() >= 55
        };
        let dashes = known_length && bytes[2] == b'-' && bytes[35] == b'-' && bytes[52] == b'-';
        if !dashes || bytes.get(55).is_some_and(|next| *next != b'-') {
            return None;
        }
        let version = hex::read_u128(&bytes[..2])?;
        let trace_id = hex::read_u128(&bytes[3..35])?;
        let parent = hex::read_u128(&bytes[36..52])?;
        let flags = hex::read_u128(&bytes[53..55])?;
        (version != 0xff && trace_id != 0 && parent != 0).then(|| Self {
            trace_id,
            span_id: fastrand::u64(1..),
            sampled: flags & 1 == 1,
        })
    }

    /// The same trace under a further span of this process.
    #[must_use]
    pub fn child(self) -> Self {
        Self {
            span_id: fastrand::u64(1..),
            ..self
        }
    }

    /// The field for the next hop.
    pub fn to_value(self) -> HeaderValue {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        hex::write_u128(self.trace_id, &mut text[3..35]);
        hex::write_u64(self.span_id, &mut text[36..52]);
        text[54] = b'0' + u8::from(self.sampled);
        // Digits and dashes are always a valid field value.
        HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static(""))
    }

    /// The trace's id as 32 digits, for log lines.
    pub fn trace_id_digits(self) -> [u8; 32] {
        let mut digits = [0; 32];
        hex::write_u128(self.trace_id, &mut digits);
        digits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_goes_on_under_a_new_span() {
        let given =
            HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let ours = TraceContext::continued(&given).unwrap();
        let sent = ours.to_value();
        let sent = sent.to_str().unwrap();
        assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(sent.ends_with("-01"));
        assert!(!sent.contains("b7ad6b7169203331"));
    }

    #[test]
    fn broken_fields_start_a_new_trace() {
        for broken in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(
                TraceContext::continued(&HeaderValue::from_static(broken)),
                None,
                "{broken}"
            );
        }
    }
}
