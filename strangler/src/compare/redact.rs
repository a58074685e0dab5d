//! What is never shown: the places that a route names, and whatever its own name calls a secret.

use super::trail::Trail;
use crate::json_path::{Location, PathPattern, Step};

/// What stands for a secret.
pub(super) const REDACTED: &str = "[redacted]";

/// Looked for in names that are written small and without separators.
const SECRET_NAMES: [&str; 14] = [
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
];

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
    let name: String = name
        .chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}
