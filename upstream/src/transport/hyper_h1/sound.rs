//! Whether everybody on the way would read the same message in an answer (RFC 9112, section 6).
//!
//! hyper itself refuses what is no HTTP: status lines, control characters in fields, lines that are folded, lengths that
//! differ or are no numbers where it needs them. What it puts up with is refused here.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

/// What is wrong with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsound {
    #[error("the answer has both Content-Length and Transfer-Encoding")]
    TwoLengths,
    #[error("the answer's Content-Length is not one number")]
    Length,
    #[error("the answer's Transfer-Encoding is not exactly `chunked`")]
    Coding,
    #[error("the answer switches protocols, which nobody asked for")]
    Switched,
    #[error("the answer switches protocols and does not say to which")]
    SwitchedToNothing,
}

/// Refuses an answer that two readers could read differently, and has it say its length once.
pub(super) fn check<B>(asked: &Request<()>, answer: &mut Response<B>) -> Result<(), Unsound> {
    let status = answer.status();
    if status == StatusCode::SWITCHING_PROTOCOLS {
        if !asked.headers().contains_key(UPGRADE) {
            return Err(Unsound::Switched);
        }
        if !answer.headers().contains_key(UPGRADE) {
            return Err(Unsound::SwitchedToNothing);
        }
    }
    let fields = answer.headers_mut();
    let coded = fields.contains_key(TRANSFER_ENCODING);
    if coded && !is_chunked(fields) {
        return Err(Unsound::Coding);
    }
    let Some(first) = fields.get(CONTENT_LENGTH) else {
        return Ok(());
    };
    if coded {
        return Err(Unsound::TwoLengths);
    }
    let once = is_number(first) && fields.get_all(CONTENT_LENGTH).iter().nth(1).is_none();
    if !once {
        let length = the_one_length(fields).ok_or(Unsound::Length)?;
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if status == StatusCode::NO_CONTENT {
        fields.remove(CONTENT_LENGTH);
    }
    Ok(())
}

fn is_chunked(fields: &HeaderMap) -> bool {
    let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_some_and(chunked) && codings.next().is_none()
}

fn is_number(length: &HeaderValue) -> bool {
    let digits = length.as_bytes();
    // No longer than what surely fits.
    (1..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

/// The length that is said several times, if it is always the same.
fn the_one_length(fields: &HeaderMap) -> Option<u64> {
    let mut known = None;
    for line in fields.get_all(CONTENT_LENGTH) {
        for said in line.to_str().ok()?.split(',') {
            let said = said.trim_matches([' ', '\t']);
            // `parse` would take a sign.
            if !said.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let length: u64 = said.parse().ok()?;
            if known.is_some_and(|known| known != length) {
                return None;
            }
            known = Some(length);
        }
    }
    known
}
