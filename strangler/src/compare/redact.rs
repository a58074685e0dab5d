//! What is never shown: the places that a route names, and whatever its own name calls a secret.

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

/// Whether a member or header of that name is a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name: String = name
        .chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}
