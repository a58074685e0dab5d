//! `Proxy-Status` (RFC 9209): what went wrong, in the words that all intermediaries share.
//!
//! Strangers hear the type of the error. Where it happened and why is for those who may hear causes.

use std::io;

use http::{HeaderName, HeaderValue};
use upstream::{CallError, Kind};

use super::{Causes, Rejection};

/// The field.
pub(super) const FIELD: HeaderName = HeaderName::from_static("proxy-status");

/// What of a cause is said: fields are no place for long stories.
const DETAILS_MAX: usize = 256;

/// The value for an answer of ours.
pub(super) fn of(rejection: &Rejection, causes: Causes) -> HeaderValue {
    let kind = kind(rejection);
    match rejection {
        Rejection::Upstream(error) if causes == Causes::Shown => {
            let at = error.endpoint.as_ref();
            let at = at.and_then(|endpoint| endpoint.authority().to_str().ok());
            let next_hop = at.map(|authority| string("next-hop", authority));
            let details = string("details", &error.to_string());
            let told = format!("{kind}{}{details}", next_hop.unwrap_or_default());
            HeaderValue::try_from(told).unwrap_or(HeaderValue::from_static(kind))
        }
        _ => HeaderValue::from_static(kind),
    }
}

/// Registered types only (section 2.3).
fn kind(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::BadRequest(_)
        | Rejection::Version
        | Rejection::BadPath(_)
        | Rejection::EncodedSlash
        | Rejection::MethodRefused
        | Rejection::UriTooLong
        | Rejection::HeadTooLarge
        | Rejection::HeadTimeout
        | Rejection::BodyTooLarge(_)
        | Rejection::Limited(_) => "banyan; error=http_request_error",
        Rejection::CallerRefused | Rejection::Denied(_) => "banyan; error=http_request_denied",
        Rejection::RouteNotFound => "banyan; error=destination_not_found",
        Rejection::LoopDetected => "banyan; error=proxy_loop_detected",
        Rejection::DeadlinePassed => "banyan; error=proxy_internal_response",
        Rejection::Upstream(error) => of_a_call(error),
    }
}

fn of_a_call(error: &CallError) -> &'static str {
    match error.kind {
        Kind::NoEndpoint | Kind::BreakerOpen => "banyan; error=destination_unavailable",
        Kind::Connect => match error.cause::<io::Error>().map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "banyan; error=connection_refused",
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof) => {
                "banyan; error=connection_terminated"
            }
            Some(io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable) => {
                "banyan; error=destination_ip_unroutable"
            }
            _ => "banyan; error=destination_unavailable",
        },
        Kind::ConnectTimeout => "banyan; error=connection_timeout",
        Kind::Refused | Kind::ResetBeforeHead => "banyan; error=connection_terminated",
        Kind::Malformed => "banyan; error=http_protocol_error",
        Kind::Timeout => "banyan; error=http_response_timeout",
        Kind::BulkheadFull => "banyan; error=connection_limit_reached",
        Kind::RequestBody => "banyan; error=http_request_error",
    }
}

/// `; name="text"`: a parameter that is a string (RFC 9651, section 3.3.3), which has visible ASCII and spaces only.
fn string(name: &str, text: &str) -> String {
    let mut out = format!("; {name}=\"");
    for letter in text.chars().take(DETAILS_MAX) {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            ' '..='~' => out.push(letter),
            _ => out.push('?'),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(kind: io::ErrorKind) -> Rejection {
        let cause = io::Error::new(kind, "\"10.0.0.5\" said no\u{e4}");
        Rejection::from(CallError::caused(Kind::Connect, cause))
    }

    #[test]
    fn the_type_is_for_everybody_and_the_cause_for_those_who_may_hear_it() {
        let rejection = refused(io::ErrorKind::ConnectionRefused);
        assert_eq!(
            of(&rejection, Causes::Hidden),
            "banyan; error=connection_refused"
        );
        let shown = of(&rejection, Causes::Shown);
        assert_eq!(
            shown,
            "banyan; error=connection_refused; \
             details=\"connecting failed: \\\"10.0.0.5\\\" said no?\""
        );
    }

    #[test]
    fn what_kept_a_connection_from_coming_about_is_told_apart() {
        for (cause, said) in [
            (io::ErrorKind::ConnectionReset, "connection_terminated"),
            (
                io::ErrorKind::NetworkUnreachable,
                "destination_ip_unroutable",
            ),
            (io::ErrorKind::Other, "destination_unavailable"),
        ] {
            let told = of(&refused(cause), Causes::Hidden);
            assert_eq!(told, format!("banyan; error={said}"));
        }
    }

    #[test]
    fn a_rejection_is_no_error_of_the_backend() {
        for (rejection, said) in [
            (Rejection::RouteNotFound, "destination_not_found"),
            (Rejection::BadRequest("x"), "http_request_error"),
            (Rejection::CallerRefused, "http_request_denied"),
        ] {
            assert_eq!(
                of(&rejection, Causes::Shown),
                format!("banyan; error={said}")
            );
        }
    }

    #[test]
    fn details_end_somewhere() {
        let long = CallError::caused(Kind::Malformed, io::Error::other("x".repeat(10_000)));
        let told = of(&Rejection::from(long), Causes::Shown);
        assert!(told.len() < 400, "{told:?}");
    }
}
