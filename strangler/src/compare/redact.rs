//! What is never shown: the places that a route names, and whatever its own name calls a secret.

use std::borrow::Cow;

use super::trail::Trail;
use crate::json_path::{Location, PathPattern, Step};

pub(super) use crate::jwt::REDACTED;

/// Looked for in names that are written small and without separators.
const SECRET_NAMES: [&str; 20] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "authorization",
    "cookie",
    "apikey",
    "privatekey",
    "creditcard",
    "cardnumber",
    "cvv",
    "cvc",
    "iban",
    "credential",
    "bearer",
    "jwt",
    "pwd",
    "sessionid",
    "sessid",
];

/// Looked for among the words of a name, in the singular: other words have them within (`opinion`, `classname`).
const SECRET_WORDS: [&str; 5] = ["session", "sid", "pin", "otp", "ssn"];

/// Fields whose values are addresses. What is asked there may be anything, so it is not shown.
const ADDRESSES: [&str; 4] = ["location", "content-location", "link", "refresh"];

/// The place from which on a way leads through secrets, as a number of its steps.
pub(super) fn secret_from(patterns: &[PathPattern], way: &[Step<'_>]) -> Option<usize> {
    let mut trail = Trail::new(patterns, []);
    if trail.fits_inherited() {
        return Some(0);
    }
    for (nth, step) in way.iter().enumerate() {
        trail.enter(*step);
        if names_secret(*step) || trail.fits_inherited() {
            return Some(nth + 1);
        }
    }
    None
}

/// The place as it is shown: within a secret the names of members may be secrets too.
pub(super) fn shown(way: &[Step<'_>], secret_from: Option<usize>) -> String {
    let Some((open, secret)) = secret_from.and_then(|from| way.split_at_checked(from)) else {
        return Location(way).to_string();
    };
    let mut shown = Location(open).to_string();
    for step in secret {
        shown.push_str(match step {
            Step::Name(_) => ".*",
            Step::Index(_) => "[*]",
        });
    }
    shown
}

/// Whether the step leads to a member whose name calls it a secret.
pub(super) fn names_secret(step: Step<'_>) -> bool {
    matches!(step, Step::Name(name) if is_secret(name))
}

/// Whether a member or header of that name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let small: String = name
        .chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.iter().any(|secret| small.contains(secret)) || words(name).any(is_secret_word)
}

fn is_secret_word(word: &str) -> bool {
    let is = |word: &str| {
        let mut secrets = SECRET_WORDS.iter();
        secrets.any(|secret| word.eq_ignore_ascii_case(secret))
    };
    is(word) || word.strip_suffix(['s', 'S']).is_some_and(is)
}

/// `user`, `S`, `ID` of `user_sID`; `JWT`, `Value` of `JWTValue`; digits stand between words.
fn words(name: &str) -> impl Iterator<Item = &str> {
    let parts = name.split(|char: char| !char.is_alphabetic());
    parts.flat_map(|part| {
        let mut rest = part;
        std::iter::from_fn(move || {
            let (word, behind) = rest.split_at(word_end(rest)?);
            rest = behind;
            Some(word)
        })
    })
}

/// Where the first word ends: before a capital behind a small letter, or before the last capital of several.
fn word_end(part: &str) -> Option<usize> {
    let mut before = part.chars().next()?;
    let mut rest = part.char_indices().skip(1).peekable();
    while let Some((at, char)) = rest.next() {
        let small_next = rest.peek().is_some_and(|(_, next)| next.is_lowercase());
        if char.is_uppercase() && (!before.is_uppercase() || small_next) {
            return Some(at);
        }
        before = char;
    }
    Some(part.len())
}

/// The value of a field without what is asked of an address.
pub(super) fn without_queries<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    let is_address = ADDRESSES
        .iter()
        .any(|other| name.eq_ignore_ascii_case(other));
    if !is_address || !value.contains(['?', '#']) {
        return Cow::Borrowed(value);
    }
    let mut shown = String::new();
    let mut rest = value;
    while let Some((before, query)) = rest.split_once(['?', '#']) {
        shown.push_str(before);
        shown.push_str("?…");
        // Links stand in brackets, the others end with the field.
        rest = query.find('>').map_or("", |end| query.split_at(end).1);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}
