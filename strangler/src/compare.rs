//! Compares what both sides answered to the same request, by meaning.
//!
//! JSON is compared value by value, anything else byte by byte. What comes out names places and kinds of differences
//! and shows bounded samples; what is secret is redacted before it is kept anywhere.

mod rules;
mod difference;
mod trail;
mod redact;
mod sample;
mod print;
mod pairing;
mod found;
mod walk;
mod head;

pub use difference::{Comparison, Difference, Kind, NotAKind, Outcome};
pub use rules::{Rules, Tolerance, Unordered};

use crate::json::{Json, Unread};
use found::Found;

/// How many differences a pair may have: one for each place and kind.
pub const MAX_DIFFERENCES: usize = 1000;

/// An answer is JSON that takes too long to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an answer is too complex to be compared")]
pub struct TooComplex;

/// One side's answer. The body comes without content-encoding.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The status code.
    pub status: u16,
    /// Header fields: names in any case, one entry for each value.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The whole body.
    pub body: &'a [u8],
}

/// Compares legacy's answer (left) with the service's (right), or with legacy's second answer.
///
/// ```
/// use strangler::compare::{Answer, Kind, Outcome, Rules, compare};
/// let headers: [(&str, &[u8]); 1] = [("content-type", b"application/json")];
/// let answer = |body| Answer { status: 200, headers: &headers, body };
/// let left = answer(br#"{"id": 1, "items": [{"price": 2.50}]}"#);
/// let right = answer(br#"{"items": [{"price": 2.49}], "id": 1.0}"#);
/// let comparison = compare(&Rules::default(), &left, &right)?;
/// let [only] = comparison.differences.as_slice() else { panic!() };
/// assert_eq!((only.path.as_str(), only.kind), ("$.items[*].price", Kind::Value));
/// assert_eq!((only.left.as_str(), only.right.as_str()), ("2.50", "2.49"));
/// assert_eq!(comparison.outcome(), Outcome::Mismatched);
/// # Ok::<(), strangler::compare::TooComplex>(())
/// ```
///
/// # Errors
/// Looking at the bodies would take too long. What is compared takes some tenths of a second and 100 MB at the very most.
pub fn compare(
    rules: &Rules,
    left: &Answer<'_>,
    right: &Answer<'_>,
) -> Result<Comparison, TooComplex> {
    let mut found = Found::default();
    head::status(left, right, &mut found);
    head::headers(&rules.headers, left, right, &mut found);
    if left.body != right.body {
        match both_json(left, right)? {
            Some((left, right)) => walk::compare(rules, &left, &right, &mut found),
            None => head::body(left.body, right.body, &mut found),
        }
    }
    Ok(found.into_comparison())
}

/// Both bodies, where they are JSON. It is enough that one side says so: a monolith that calls its JSON text is common,
/// and the header is compared for itself.
fn both_json(left: &Answer<'_>, right: &Answer<'_>) -> Result<Option<(Json, Json)>, TooComplex> {
    if !head::says_json(left) && !head::says_json(right) {
        return Ok(None);
    }
    let left = Json::parse(left.body);
    if left == Err(Unread::NotJson) {
        return Ok(None);
    }
    match (left, Json::parse(right.body)) {
        (Ok(left), Ok(right)) => Ok(Some((left, right))),
        (_, Err(Unread::NotJson)) => Ok(None),
        _ => Err(TooComplex),
    }
}

#[cfg(test)]
mod tests;
