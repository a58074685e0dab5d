//! Every answer that the gateway itself gives: what a stage found, as `application/problem+json`.
//!
//! The one place that knows statuses and codes. A code is stable; `docs/operations.md` lists them all.

mod proxy_status;

use chassis::problem::Problem;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use upstream::{CallError, Kind};

use crate::auth::stage::Denied;
use crate::forward::body::RequestBodyError;
use crate::rate_limit::stage::{Limited, whole_seconds};
use crate::route::path::PathError;
use crate::route::slashes::Refused;

/// What is forwarded, as far as methods have names that everybody knows.
pub const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// Why a request is not answered by an upstream.
#[derive(Debug)]
pub enum Rejection {
    /// The message breaks a rule of HTTP.
    BadRequest(&'static str),
    /// A version of HTTP that is not spoken here.
    Version,
    /// The path could be read in two ways.
    BadPath(PathError),
    /// An encoded slash, where the route does not take one.
    EncodedSlash,
    /// TRACE or CONNECT.
    MethodRefused,
    /// The request target is too long.
    UriTooLong,
    /// The fields are too many or too long.
    HeadTooLarge,
    /// The head took too long to come.
    HeadTimeout,
    /// A peer that may not speak on the internal listener.
    CallerRefused,
    /// No route takes it.
    RouteNotFound,
    /// It has been at this listener before.
    LoopDetected,
    /// A limit is over.
    Limited(Limited),
    /// The caller may not.
    Denied(Denied),
    /// The declared length is over the route's `max_body`, bytes.
    BodyTooLarge(u64),
    /// The caller's own deadline passed before an upstream was asked.
    DeadlinePassed,
    /// No upstream's answer.
    Upstream(CallError),
}

impl Rejection {
    /// The status and the stable code.
    pub fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadRequest(_) => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::Version => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, "version_refused"),
            Self::BadPath(_) => (StatusCode::BAD_REQUEST, "bad_path"),
            Self::EncodedSlash => (StatusCode::BAD_REQUEST, "encoded_slash"),
            Self::MethodRefused => (StatusCode::METHOD_NOT_ALLOWED, "method_refused"),
            Self::UriTooLong => (StatusCode::URI_TOO_LONG, "uri_too_long"),
            Self::HeadTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "head_too_large",
            ),
            Self::HeadTimeout => (StatusCode::REQUEST_TIMEOUT, "head_timeout"),
            Self::CallerRefused => (StatusCode::FORBIDDEN, "caller_refused"),
            Self::RouteNotFound => (StatusCode::NOT_FOUND, "route_not_found"),
            Self::LoopDetected => (StatusCode::LOOP_DETECTED, "loop_detected"),
            Self::Limited(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limited"),
            Self::Denied(Denied::NoToken) => (StatusCode::UNAUTHORIZED, "token_missing"),
            Self::Denied(Denied::BadToken(_)) => (StatusCode::UNAUTHORIZED, "token_invalid"),
            Self::Denied(Denied::Scope(_)) => (StatusCode::FORBIDDEN, "scope_missing"),
            Self::Denied(Denied::Group) => (StatusCode::FORBIDDEN, "group_missing"),
            Self::BodyTooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::DeadlinePassed => (StatusCode::GATEWAY_TIMEOUT, "deadline_passed"),
            Self::Upstream(error) => upstream_kind(error),
        }
    }

    /// What follows such a message on its connection cannot be trusted to be another one.
    pub fn ends_the_connection(&self) -> bool {
        matches!(
            self,
            Self::BadRequest(_)
                | Self::Version
                | Self::UriTooLong
                | Self::HeadTooLarge
                | Self::HeadTimeout
        )
    }

    /// The answer, but for what names the request. `causes` is for callers who may hear them.
    pub fn problem(&self, causes: Causes) -> Problem {
        let (status, code) = self.kind();
        let said = proxy_status::of(self, causes);
        let problem = Problem::new(status, code, title(code)).field(proxy_status::FIELD, said);
        let problem = match self.detail(causes) {
            Some(detail) => problem.detail(detail),
            None => problem,
        };
        match self {
            Self::Limited(limited) => {
                let seconds = whole_seconds(limited.retry_after).max(1);
                problem
                    .field(RETRY_AFTER, seconds.into())
                    .with("limit", limited.standing.limit().into())
            }
            Self::Denied(denied) => match challenge(denied) {
                Some(challenge) => problem.field(WWW_AUTHENTICATE, challenge),
                None => problem,
            },
            Self::MethodRefused => problem.field(ALLOW, METHODS),
            Self::Upstream(error) => match error.retry_after {
                Some(wait) => problem.field(RETRY_AFTER, whole_seconds(wait).max(1).into()),
                None => problem,
            },
            _ => problem,
        }
    }

    fn detail(&self, causes: Causes) -> Option<String> {
        match self {
            Self::BadRequest(reason) => Some((*reason).to_owned()),
            Self::BadPath(error) => Some(error.to_string()),
            Self::Denied(denied) => Some(denied.to_string()),
            Self::Limited(limited) => Some(format!(
                "try again in {} s",
                whole_seconds(limited.retry_after).max(1)
            )),
            Self::BodyTooLarge(max) => Some(format!("at most {max} bytes")),
            Self::Upstream(error) if causes == Causes::Shown => Some(error.to_string()),
            _ => None,
        }
    }
}

/// Whether the client may hear what went wrong behind us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causes {
    /// In words.
    Shown,
    /// Only the code.
    Hidden,
}

fn upstream_kind(error: &CallError) -> (StatusCode, &'static str) {
    match error.kind {
        Kind::NoEndpoint | Kind::Connect => (StatusCode::BAD_GATEWAY, "upstream_unreachable"),
        Kind::ConnectTimeout => (StatusCode::GATEWAY_TIMEOUT, "upstream_connect_timeout"),
        Kind::Refused => (StatusCode::BAD_GATEWAY, "upstream_refused"),
        Kind::ResetBeforeHead => (StatusCode::BAD_GATEWAY, "upstream_reset"),
        Kind::Malformed => (StatusCode::BAD_GATEWAY, "upstream_malformed"),
        Kind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "upstream_timeout"),
        Kind::BreakerOpen => (StatusCode::SERVICE_UNAVAILABLE, "breaker_open"),
        Kind::BulkheadFull => (StatusCode::SERVICE_UNAVAILABLE, "bulkhead_full"),
        Kind::RequestBody => match error.cause() {
            Some(RequestBodyError::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large"),
            Some(RequestBodyError::Idle) => (StatusCode::REQUEST_TIMEOUT, "body_timeout"),
            // Nobody hears this any more.
            Some(RequestBodyError::Client(_) | RequestBodyError::GivenUp) | None => {
                (StatusCode::BAD_REQUEST, "body_incomplete")
            }
        },
    }
}

/// Every code, with its title. `docs/operations.md` says more about each.
pub const CODES: &[(&str, &str)] = &[
    ("bad_request", "The request breaks a rule of HTTP"),
    ("version_refused", "This version of HTTP is not spoken here"),
    ("bad_path", "The path cannot be read in one way only"),
    (
        "encoded_slash",
        "This route takes no encoded slash or backslash",
    ),
    ("method_refused", "This method is not forwarded"),
    ("uri_too_long", "The request target is too long"),
    (
        "head_too_large",
        "The request's fields are too many or too long",
    ),
    ("head_timeout", "The request's head took too long"),
    ("caller_refused", "This listener is for trusted callers"),
    ("route_not_found", "No route takes this request"),
    (
        "loop_detected",
        "This request comes back to where it has been",
    ),
    ("rate_limited", "Too many requests"),
    ("token_missing", "This needs a token"),
    ("token_invalid", "The token is not valid"),
    ("scope_missing", "The token lacks a scope"),
    ("group_missing", "This is for other groups"),
    ("body_too_large", "The request's body is too large"),
    ("body_timeout", "The request's body stopped coming"),
    ("body_incomplete", "The request's body ended early"),
    (
        "upstream_unreachable",
        "The service behind this route cannot be reached",
    ),
    (
        "upstream_connect_timeout",
        "The service behind this route does not take connections",
    ),
    (
        "upstream_refused",
        "The service behind this route did not begin with the request",
    ),
    (
        "upstream_reset",
        "The service behind this route broke the connection",
    ),
    (
        "upstream_malformed",
        "The service behind this route does not speak HTTP",
    ),
    ("deadline_passed", "The caller's own deadline has passed"),
    (
        "upstream_timeout",
        "The service behind this route took too long",
    ),
    (
        "breaker_open",
        "The service behind this route fails and is left alone for a while",
    ),
    (
        "bulkhead_full",
        "The service behind this route has too many requests",
    ),
];

fn title(code: &str) -> &'static str {
    CODES
        .iter()
        .find(|(known, _)| *known == code)
        .map_or("The request failed", |(_, title)| *title)
}

/// RFC 6750, section 3.
fn challenge(denied: &Denied) -> Option<HeaderValue> {
    let text = match denied {
        Denied::NoToken => "Bearer".to_owned(),
        Denied::BadToken(error) => {
            let reason = error.to_string().replace('"', "'");
            format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"")
        }
        Denied::Scope(scope) => format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
        Denied::Group => return None,
    };
    HeaderValue::try_from(text).ok()
}

impl From<Refused> for Rejection {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Encoded => Self::EncodedSlash,
            Refused::Path(error) => Self::BadPath(error),
        }
    }
}

impl From<PathError> for Rejection {
    fn from(error: PathError) -> Self {
        Self::BadPath(error)
    }
}

impl From<Limited> for Rejection {
    fn from(limited: Limited) -> Self {
        Self::Limited(limited)
    }
}

impl From<Denied> for Rejection {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

impl From<CallError> for Rejection {
    fn from(error: CallError) -> Self {
        Self::Upstream(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::token::TokenError;
    use bytes::Bytes;

    #[test]
    fn a_bad_token_is_challenged_with_the_reason_and_never_the_token() {
        let rejection = Rejection::from(Denied::BadToken(TokenError::Missing("aud".into())));
        let answer: http::Response<Bytes> = rejection.problem(Causes::Hidden).to_response();
        assert_eq!(answer.status(), 401);
        assert_eq!(
            answer.headers()[WWW_AUTHENTICATE],
            "Bearer error=\"invalid_token\", error_description=\"the token has no valid claim 'aud'\""
        );
    }

    #[test]
    fn causes_are_for_those_who_may_hear_them() {
        let refused =
            || CallError::caused(Kind::Connect, std::io::Error::other("10.0.0.5 refused"));
        let hidden = Rejection::from(refused()).problem(Causes::Hidden).to_json();
        let shown = Rejection::from(refused()).problem(Causes::Shown).to_json();
        assert!(!String::from_utf8_lossy(&hidden).contains("10.0.0.5"));
        assert!(String::from_utf8_lossy(&shown).contains("10.0.0.5"));
    }

    #[test]
    fn a_body_over_the_cap_is_the_clients_fault() {
        let error = CallError::caused(Kind::RequestBody, RequestBodyError::TooLarge);
        assert_eq!(
            Rejection::from(error).kind(),
            (StatusCode::PAYLOAD_TOO_LARGE, "body_too_large")
        );
    }
}
