//! A call without a usable answer: the reason, and the little of it that a client may be told.

use std::time::Duration;

use chassis::handover;
use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use upstream::{CallError, Kind};

use crate::cohort::Provenance;
use crate::reason::Reason;

/// When to come back after a full bulkhead, seconds.
const COME_BACK: u64 = 1;

/// Why there is no answer. Shared by all who waited for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why.
    pub reason: Reason,
    /// The backend's status, when it answered.
    pub status: Option<StatusCode>,
    /// How to authenticate, from a 401 or 403.
    pub challenge: Option<HeaderValue>,
    /// When to come back, seconds.
    pub retry_after: Option<u64>,
    /// Whose answer it was, where there was one.
    pub from: Box<Provenance>,
}

/// What the gateway answers to a BFF that may not speak there, or to a call that no route takes: something is set up
/// wrongly, and clients can do nothing about it.
const OUR_OWN_FAULT: [&str; 5] = [
    "caller_refused",
    "route_not_found",
    "bad_path",
    "encoded_slash",
    "method_refused",
];

impl Lost {
    /// Without an answer.
    pub fn new(reason: Reason) -> Self {
        Self::of(reason, Provenance::default())
    }

    /// Nobody was asked: the backend has as many calls as it may have.
    pub fn busy() -> Self {
        Self {
            retry_after: Some(COME_BACK),
            ..Self::new(Reason::BulkheadFull)
        }
    }

    /// From an answer that is of no use.
    pub fn of(reason: Reason, from: Provenance) -> Self {
        Self {
            reason,
            status: None,
            challenge: None,
            retry_after: None,
            from: Box::new(from),
        }
    }

    /// From an answer that is no success.
    pub fn answered(status: StatusCode, fields: &HeaderMap, from: Provenance) -> Self {
        let code = fields.get(handover::REJECTED);
        let code = code.and_then(|code| code.to_str().ok()).unwrap_or_default();
        // No backend was asked: whatever the status says, it says it of our own way there.
        if OUR_OWN_FAULT.contains(&code) {
            return Self::of(Reason::Status5xx, from);
        }
        let number = |value: &HeaderValue| value.to_str().ok()?.parse().ok();
        Self {
            status: Some(status),
            challenge: fields.get(WWW_AUTHENTICATE).cloned(),
            retry_after: fields.get(RETRY_AFTER).and_then(number),
            ..Self::of(reason_of(status, code), from)
        }
    }

    /// What is kept of it is wrong from now on.
    pub fn purges(&self) -> bool {
        matches!(
            self.status,
            Some(
                StatusCode::UNAUTHORIZED
                    | StatusCode::FORBIDDEN
                    | StatusCode::NOT_FOUND
                    | StatusCode::GONE
            )
        )
    }

    /// An older copy may be given instead: the backend has said nothing that speaks against it.
    pub fn may_be_masked(&self) -> bool {
        self.reason != Reason::Status4xx
            || matches!(
                self.status,
                Some(StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
            )
    }

    /// It is about who asked, not about what was asked for.
    pub fn is_about_the_caller(&self) -> bool {
        matches!(
            self.status,
            Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        )
    }
}

impl From<&CallError> for Lost {
    fn from(error: &CallError) -> Self {
        let reason = match error.kind {
            Kind::NoEndpoint
            | Kind::Connect
            | Kind::ConnectTimeout
            | Kind::Refused
            | Kind::ResetBeforeHead => Reason::Connect,
            Kind::Malformed => Reason::Decode,
            Kind::Timeout | Kind::RequestBody => Reason::Timeout,
            Kind::BreakerOpen => Reason::BreakerOpen,
            Kind::BulkheadFull => Reason::BulkheadFull,
        };
        Self {
            retry_after: error.retry_after.map(whole_seconds),
            ..Self::new(reason)
        }
    }
}

/// Rounded up: who comes back earlier is refused again.
fn whole_seconds(wait: Duration) -> u64 {
    let begun = u64::from(wait.subsec_nanos() > 0);
    (wait.as_secs() + begun).max(1)
}

/// The codes of the gateway's own problems say more than their status: what went wrong behind it.
fn reason_of(status: StatusCode, code: &str) -> Reason {
    match code {
        "upstream_unreachable" | "upstream_refused" | "upstream_reset" => Reason::Connect,
        "upstream_timeout" | "upstream_connect_timeout" => Reason::Timeout,
        "upstream_malformed" => Reason::Decode,
        "breaker_open" => Reason::BreakerOpen,
        "bulkhead_full" => Reason::BulkheadFull,
        _ if status == StatusCode::GATEWAY_TIMEOUT => Reason::Timeout,
        _ if status.is_client_error() => Reason::Status4xx,
        // A redirect is nothing that a composed answer could use.
        _ => Reason::Status5xx,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Side;

    fn answered(status: u16, rejected: &'static str) -> Lost {
        let mut fields = HeaderMap::new();
        if !rejected.is_empty() {
            fields.insert(handover::REJECTED, HeaderValue::from_static(rejected));
        }
        let status = StatusCode::from_u16(status).unwrap();
        Lost::answered(status, &fields, Provenance::default())
    }

    #[test]
    fn the_gateways_problems_say_what_went_wrong_behind_it() {
        let reason = |status, rejected| answered(status, rejected).reason;
        assert_eq!(reason(502, "upstream_unreachable"), Reason::Connect);
        assert_eq!(reason(504, "upstream_timeout"), Reason::Timeout);
        assert_eq!(reason(504, ""), Reason::Timeout);
        assert_eq!(reason(500, ""), Reason::Status5xx);
        assert_eq!(reason(302, ""), Reason::Status5xx);
        assert_eq!(reason(429, ""), Reason::Status4xx);
    }

    #[test]
    fn nobody_is_told_to_come_back_too_early() {
        let told = |millis| {
            let wait = Duration::from_millis(millis);
            Lost::from(&CallError::until_later(Kind::BreakerOpen, wait)).retry_after
        };
        assert_eq!(
            (told(0), told(2000), told(2001)),
            (Some(1), Some(2), Some(3))
        );
    }

    #[test]
    fn a_gateway_that_does_not_take_our_calls_is_no_backends_word() {
        for (status, code) in [(403, "caller_refused"), (404, "route_not_found")] {
            let lost = answered(status, code);
            assert_eq!(
                (lost.reason, lost.status),
                (Reason::Status5xx, None),
                "{code}"
            );
            assert!(!lost.purges() && lost.may_be_masked());
        }
    }

    #[test]
    fn whatever_came_of_an_answer_it_says_whose_it_was() {
        let from = Provenance {
            side: Some(Side::Service),
            ..Provenance::default()
        };
        for (status, code) in [(403, "caller_refused"), (405, "method_refused"), (500, "")] {
            let mut fields = HeaderMap::new();
            fields.insert(handover::REJECTED, HeaderValue::from_static(code));
            let status = StatusCode::from_u16(status).unwrap();
            let lost = Lost::answered(status, &fields, from.clone());
            assert_eq!(*lost.from, from, "{code}");
        }
    }

    #[test]
    fn only_what_a_backend_says_of_the_thing_or_the_caller_purges() {
        for status in [401, 403, 404, 410] {
            assert!(answered(status, "").purges(), "{status}");
        }
        for status in [400, 429, 500, 503] {
            assert!(!answered(status, "").purges(), "{status}");
        }
        assert!(answered(401, "").is_about_the_caller());
        assert!(!answered(404, "").is_about_the_caller());
    }
}
