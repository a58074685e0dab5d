//! Every problem that a BFF answers with, by its stable code.

use chassis::problem::Problem;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};

use crate::reason::Reason;
use crate::run::Failure;

/// Codes with their status and title, in the order in which documents list them.
pub const CODES: [(&str, StatusCode, &str); 15] = [
    (
        "bad_request",
        StatusCode::BAD_REQUEST,
        "The request cannot be understood",
    ),
    (
        "unauthorized",
        StatusCode::UNAUTHORIZED,
        "This is for somebody who is known",
    ),
    ("forbidden", StatusCode::FORBIDDEN, "This is not for you"),
    ("not_found", StatusCode::NOT_FOUND, "There is no such thing"),
    (
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "Not with this method",
    ),
    (
        "not_acceptable",
        StatusCode::NOT_ACCEPTABLE,
        "There is nothing here in a form that the request accepts",
    ),
    (
        "app_upgrade_required",
        StatusCode::UPGRADE_REQUIRED,
        "This version of the app is no longer served",
    ),
    (
        "internal_error",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The request failed",
    ),
    (
        "backend_unreachable",
        StatusCode::BAD_GATEWAY,
        "A needed part could not be reached",
    ),
    (
        "backend_failed",
        StatusCode::BAD_GATEWAY,
        "A needed part failed",
    ),
    (
        "backend_refused",
        StatusCode::BAD_GATEWAY,
        "A needed part was refused",
    ),
    (
        "backend_undecodable",
        StatusCode::BAD_GATEWAY,
        "A needed part is not as agreed",
    ),
    (
        "backend_busy",
        StatusCode::SERVICE_UNAVAILABLE,
        "A needed part is too busy",
    ),
    (
        "backend_timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "A needed part took too long",
    ),
    (
        "deadline_exceeded",
        StatusCode::GATEWAY_TIMEOUT,
        "There was too little time",
    ),
];

/// The problem with this code. None of them is for keeping.
pub fn problem(code: &'static str) -> Problem {
    let known = CODES.iter().find(|(known, ..)| *known == code);
    let (_, status, title) = known.copied().unwrap_or((
        code,
        StatusCode::INTERNAL_SERVER_ERROR,
        "The request failed",
    ));
    Problem::new(status, code, title).field(CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

/// 400, and what would be right.
pub fn bad_request(detail: impl Into<String>) -> Problem {
    problem("bad_request").detail(detail)
}

/// The answer when a required part is lost. It names the part and the reason, and nothing of its backend.
pub(crate) fn failed(failure: &Failure) -> Problem {
    let lost = &failure.lost;
    let code = match (lost.status, lost.reason) {
        (Some(StatusCode::UNAUTHORIZED), _) => "unauthorized",
        (Some(StatusCode::FORBIDDEN), _) => "forbidden",
        (Some(StatusCode::NOT_FOUND | StatusCode::GONE), _) if failure.is_root => "not_found",
        (Some(StatusCode::TOO_MANY_REQUESTS), _)
        | (_, Reason::BreakerOpen | Reason::BulkheadFull) => "backend_busy",
        (_, Reason::Timeout) => "backend_timeout",
        (_, Reason::Deadline | Reason::Budget) => "deadline_exceeded",
        (_, Reason::Connect) => "backend_unreachable",
        (_, Reason::Status5xx) => "backend_failed",
        (_, Reason::Status4xx) => "backend_refused",
        (_, Reason::Decode) => "backend_undecodable",
    };
    let mut problem = problem(code)
        .with("part", failure.part.into())
        .with("reason", lost.reason.as_str().into());
    if let Some(challenge) = &lost.challenge {
        problem = problem.field(WWW_AUTHENTICATE, challenge.clone());
    }
    if code == "backend_busy" {
        problem = problem.field(RETRY_AFTER, lost.retry_after.unwrap_or(1).into());
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cohort::Provenance;
    use crate::lost::Lost;
    use http::HeaderMap;

    fn of(lost: Lost, is_root: bool) -> (u16, &'static str) {
        let failure = Failure {
            part: "order",
            lost,
            is_root,
            reports: Vec::new(),
        };
        let problem = failed(&failure);
        (problem.status().as_u16(), problem.code())
    }

    #[test]
    fn each_loss_has_its_status() {
        for (reason, expected) in [
            (Reason::Timeout, (504, "backend_timeout")),
            (Reason::Deadline, (504, "deadline_exceeded")),
            (Reason::Budget, (504, "deadline_exceeded")),
            (Reason::Connect, (502, "backend_unreachable")),
            (Reason::Status5xx, (502, "backend_failed")),
            (Reason::Decode, (502, "backend_undecodable")),
            (Reason::BreakerOpen, (503, "backend_busy")),
            (Reason::BulkheadFull, (503, "backend_busy")),
        ] {
            assert_eq!(of(Lost::new(reason), true), expected, "{reason}");
        }
        let answered = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            Lost::answered(status, &HeaderMap::new(), Provenance::default())
        };
        assert_eq!(of(answered(404), true), (404, "not_found"));
        assert_eq!(of(answered(404), false), (502, "backend_refused"));
        assert_eq!(of(answered(401), false), (401, "unauthorized"));
        assert_eq!(of(answered(403), false), (403, "forbidden"));
        assert_eq!(of(answered(429), true), (503, "backend_busy"));
        assert_eq!(of(answered(422), true), (502, "backend_refused"));
    }

    #[test]
    fn how_to_authenticate_and_when_to_come_back_are_passed_on() {
        let mut fields = HeaderMap::new();
        fields.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        fields.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let told = |status: StatusCode| {
            let failure = Failure {
                part: "order",
                lost: Lost::answered(status, &fields, Provenance::default()),
                is_root: true,
                reports: Vec::new(),
            };
            failed(&failure).to_response::<bytes::Bytes>()
        };
        let refused = told(StatusCode::UNAUTHORIZED);
        assert_eq!(refused.headers()[WWW_AUTHENTICATE], "Bearer");
        let busy = told(StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(busy.headers()[RETRY_AFTER], "7");
    }
}
