//! How a problem is said to callers of gRPC: a head alone, in which the fields of a call's end stand (Trailers-Only).

use std::fmt::Write as _;

use bytes::Bytes;
use chassis::problem::Problem;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

const GRPC: &[u8] = b"application/grpc";
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether the fields are those of a call.
pub fn is_call(fields: &HeaderMap) -> bool {
    let content = fields.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content.is_some_and(|content| content.starts_with(GRPC))
}

/// The whole answer. Whatever else the problem says in fields stays.
pub(super) fn render<B: From<Bytes>>(problem: &Problem) -> Response<B> {
    let mut answer =
        problem.to_response_of(HeaderValue::from_static("application/grpc"), Bytes::new());
    *answer.status_mut() = StatusCode::OK;
    let fields = answer.headers_mut();
    fields.remove(CONTENT_LENGTH);
    fields.insert(STATUS, code(problem.status()).into());
    if let Ok(message) = HeaderValue::try_from(message(problem)) {
        fields.insert(MESSAGE, message);
    }
    answer
}

/// What a status of HTTP is among those of gRPC.
fn code(status: StatusCode) -> u16 {
    match status.as_u16() {
        499 => 1,                   // CANCELLED
        408 | 504 => 4,             // DEADLINE_EXCEEDED
        404 | 405 => 12,            // UNIMPLEMENTED
        403 => 7,                   // PERMISSION_DENIED
        413 | 414 | 429 | 431 => 8, // RESOURCE_EXHAUSTED
        400 | 508 => 13,            // INTERNAL
        502 | 503 => 14,            // UNAVAILABLE
        401 => 16,                  // UNAUTHENTICATED
        _ => 2,                     // UNKNOWN
    }
}

/// The code for programs, then words. Bytes that no such field may have, and `%`, are percent-encoded.
fn message(problem: &Problem) -> String {
    let mut message = String::new();
    let detail = problem.text("detail");
    let parts = [problem.code(), ": ", problem.title()];
    let more = detail.map(|detail| ["; ", detail]).unwrap_or_default();
    for byte in parts.iter().chain(&more).flat_map(|part| part.bytes()) {
        if matches!(byte, b' '..=b'~') && byte != b'%' {
            message.push(char::from(byte));
        } else {
            // Writing to text cannot fail.
            let _ = write!(message, "%{byte:02X}");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_the_end_of_a_call() {
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many")
            .detail("100 % of \u{fc}ber\n7")
            .field(http::header::RETRY_AFTER, 7.into());
        let answer: Response<Bytes> = render(&problem);
        assert_eq!(answer.status(), 200);
        let fields = answer.headers();
        assert_eq!(fields[CONTENT_TYPE], "application/grpc");
        assert_eq!(fields[STATUS], "8");
        assert_eq!(
            fields[MESSAGE],
            "rate_limited: Too many; 100 %25 of %C3%BCber%0A7"
        );
        assert_eq!(fields["retry-after"], "7");
        assert!(answer.body().is_empty());
    }

    #[test]
    fn each_status_is_one_of_grpcs() {
        for (http, grpc) in [
            (400, 13),
            (401, 16),
            (403, 7),
            (404, 12),
            (405, 12),
            (408, 4),
            (413, 8),
            (429, 8),
            (431, 8),
            (499, 1),
            (502, 14),
            (503, 14),
            (504, 4),
            (508, 13),
            (418, 2),
        ] {
            let status = StatusCode::from_u16(http).unwrap();
            assert_eq!(code(status), grpc, "{http}");
        }
    }
}
