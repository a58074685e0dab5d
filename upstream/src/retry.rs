//! Which failed tries are made again, and when.

use std::time::Duration;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, Method, StatusCode};

use crate::error::Kind;

/// A client's promise that the same request sent twice is done once.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// As written: `[upstream.NAME.retry]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Tries in all; at least one.
    pub attempts: u32,
    /// How long a try may take after which another may follow.
    pub per_try_timeout: Option<Duration>,
    /// What the first wait is drawn below; it doubles with each try.
    pub backoff: Duration,
    /// It grows to no more.
    pub backoff_max: Duration,
    /// Retries, as a share of the upstream's requests.
    pub budget: f64,
    /// After what.
    pub on: On,
    /// What may be repeated although it was sent.
    pub methods: Vec<Method>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            attempts: 2,
            per_try_timeout: None,
            backoff: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
            budget: 0.2,
            on: On::default(),
            methods: vec![Method::GET, Method::HEAD, Method::OPTIONS],
        }
    }
}

impl Settings {
    /// One try and no more.
    pub fn once() -> Self {
        Self {
            attempts: 1,
            ..Self::default()
        }
    }

    /// Whether a request may be sent again although a backend may have acted on it.
    pub fn repeats(&self, method: &Method, fields: &HeaderMap) -> bool {
        let is_safe_with_key = *method == Method::POST || *method == Method::PATCH;
        self.methods.contains(method) && (!is_safe_with_key || fields.contains_key(IDEMPOTENCY_KEY))
    }

    /// What the wait before try number `next` (the second is 2) is drawn below: full jitter.
    pub fn wait_below(&self, next: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(next.saturating_sub(2));
        self.backoff.saturating_mul(doubled).min(self.backoff_max)
    }
}

/// After which failures another try is made. No connection is always among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set, as the file names it")]
pub struct On {
    /// `connect`: no connection came about.
    pub connect: bool,
    /// `refused`: the backend said that it did not begin with the request.
    pub refused: bool,
    /// `reset_before_head`: the connection ended before the first byte of an answer.
    pub reset_before_head: bool,
    /// `timeout`: a try took longer than `per_try_timeout`.
    pub timeout: bool,
    /// `500`
    pub internal: bool,
    /// `502`
    pub bad_gateway: bool,
    /// `503`
    pub unavailable: bool,
    /// `504`
    pub gateway_timeout: bool,
}

impl Default for On {
    fn default() -> Self {
        Self {
            connect: true,
            refused: true,
            reset_before_head: true,
            timeout: false,
            internal: false,
            bad_gateway: false,
            unavailable: true,
            gateway_timeout: false,
        }
    }
}

impl On {
    /// When no connection came about, and after nothing else.
    pub fn no_connection() -> Self {
        Self {
            connect: true,
            refused: false,
            reset_before_head: false,
            timeout: false,
            internal: false,
            bad_gateway: false,
            unavailable: false,
            gateway_timeout: false,
        }
    }

    /// Whether there is another try after a try without an answer.
    pub fn failed(self, kind: Kind) -> bool {
        match kind {
            Kind::Connect | Kind::ConnectTimeout => self.connect,
            Kind::Refused => self.refused,
            Kind::ResetBeforeHead => self.reset_before_head,
            Kind::Timeout => self.timeout,
            Kind::NoEndpoint
            | Kind::Malformed
            | Kind::RequestBody
            | Kind::BreakerOpen
            | Kind::BulkheadFull => false,
        }
    }

    /// Whether there is another try after this answer.
    pub fn answered(self, status: StatusCode) -> bool {
        match status.as_u16() {
            500 => self.internal,
            502 => self.bad_gateway,
            503 => self.unavailable,
            504 => self.gateway_timeout,
            _ => false,
        }
    }
}

/// How long an answer asks to be left alone (RFC 9110, section 10.2.3). A date counts from the answer's own.
pub fn retry_after(fields: &HeaderMap) -> Option<Duration> {
    let text = |name| fields.get(name)?.to_str().ok().map(str::trim);
    let asked = text(RETRY_AFTER)?;
    if let Ok(seconds) = asked.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(asked).ok()?;
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn an_answer_is_asked_for_again_only_where_its_status_is_listed() {
        let some = On {
            internal: true,
            gateway_timeout: true,
            ..On::no_connection()
        };
        for (on, again) in [(On::default(), vec![503]), (some, vec![500, 504])] {
            let asked = [200, 404, 500, 501, 502, 503, 504].into_iter();
            let asked = asked.filter(|code| on.answered(StatusCode::from_u16(*code).unwrap()));
            assert_eq!(asked.collect::<Vec<_>>(), again);
        }
    }

    #[test]
    fn a_backend_says_when_in_seconds_or_as_a_date() {
        let asks = |when: &'static str, now: Option<&'static str>| {
            let mut fields = HeaderMap::new();
            fields.insert(RETRY_AFTER, HeaderValue::from_static(when));
            if let Some(now) = now {
                fields.insert(DATE, HeaderValue::from_static(now));
            }
            retry_after(&fields).map(|wait| wait.as_secs())
        };
        let now = "Mon, 30 Nov 2026 23:59:50 GMT";
        let later = "Tue, 01 Dec 2026 00:00:05 GMT";
        assert_eq!(asks("3", None), Some(3));
        assert_eq!(asks(later, Some(now)), Some(15));
        assert_eq!(asks(now, Some(later)), Some(0));
        assert_eq!(asks(later, None), None);
        for nonsense in ["soon", "-1", "1e9", ""] {
            assert_eq!(asks(nonsense, Some(now)), None, "{nonsense}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }
}
