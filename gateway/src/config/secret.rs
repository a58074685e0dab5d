//! Secrets: from the environment or a file, never written in routes.toml itself, never in a message.

use chassis::secret::{self, ExposeSecret, SecretString};

use crate::config::env::filled;
use crate::config::report::Diagnostic;
use crate::config::table::Table;
use crate::config::value::Value;

/// `NAME = "${…}"` or `NAME_file = "/run/secrets/…"`, not both.
pub(super) fn read(
    table: &Table<'_>,
    key: &'static str,
    file_key: &'static str,
) -> Option<SecretString> {
    match (table.get(key), table.get(file_key)) {
        (None, None) => None,
        (Some(value), None) => from_environment(&value),
        (None, Some(file)) => from_file(&file),
        (Some(value), Some(file)) => {
            let error = Diagnostic::error(&file.key, format!("{key} is given as well"));
            let error = error.also(&value.key, "here");
            table.reading.report(error.help("keep one of the two"));
            None
        }
    }
}

fn from_environment(value: &Value<'_>) -> Option<SecretString> {
    let Some(written) = value.raw.as_str() else {
        return value.text().map(SecretString::from);
    };
    if !is_reference(written) {
        value.wrong(
            "stands in the file itself",
            "write the name of a variable, \"${NAME}\", or use the key with _file",
        );
        return None;
    }
    match filled(written, value.reading.env) {
        Ok(secret) => not_empty(value, SecretString::from(secret.into_owned())),
        Err(error) => {
            value.wrong(error.to_string(), error.help_with_secret());
            None
        }
    }
}

fn from_file(value: &Value<'_>) -> Option<SecretString> {
    let path = value.reading.file(&value.word()?);
    match secret::from_file(&path) {
        Ok(secret) => not_empty(value, secret),
        Err(error) => {
            let said = format!("{} cannot be read: {error}", path.display());
            value.wrong(
                said,
                "the path starts at this file's folder, unless it starts with /",
            );
            None
        }
    }
}

fn not_empty(value: &Value<'_>, secret: SecretString) -> Option<SecretString> {
    if secret.expose_secret().trim().is_empty() {
        value.wrong("is empty", "an empty secret protects nothing");
        return None;
    }
    Some(secret)
}

/// `${NAME}` and nothing else: a default would be a secret in the file.
pub(super) fn is_reference(text: &str) -> bool {
    text.strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'))
        .is_some_and(|name| !name.contains([':', '}']))
}
