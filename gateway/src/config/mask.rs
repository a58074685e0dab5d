//! Secrets and passwords out of a text before it is shown. Works on a text that does not parse, too.

use std::ops::Range;

/// Keys whose value is a secret.
pub(super) const SECRET_KEYS: [&str; 2] = ["secret", "token"];

/// The text with every secret written as stars, each byte in its place; a mere `"${NAME}"` stays.
pub(crate) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in secrets(text).into_iter().chain(passwords(text)) {
        for byte in &mut bytes[range] {
            if !byte.is_ascii_whitespace() {
                *byte = b'*';
            }
        }
    }
    // Whole characters were replaced, byte by byte.
    String::from_utf8(bytes).unwrap_or_default()
}

fn secrets(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for key in SECRET_KEYS {
        for (at, _) in text.match_indices(key) {
            if let Some(start) = value_start(text, at, key) {
                let end = value_end(text, start);
                if !is_reference(text[start..end].trim()) {
                    found.push(start..end);
                }
            }
        }
    }
    found
}

/// What stands before the @ of an address.
fn passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = &text[start..];
        // Whatever is special in a password, and should have been written otherwise, is part of it here.
        let redis = text[..at].ends_with("redis") || text[..at].ends_with("rediss");
        let ends = if redis { "\"'" } else { "\"'/?#," };
        let end = rest.find(|c: char| c.is_whitespace() || ends.contains(c));
        let authority = &rest[..end.unwrap_or(rest.len())];
        if let Some(length) = authority.rfind('@') {
            found.push(start..start + length);
        }
    }
    found
}

/// Where the value of the key at `at` starts, when it is a key at all.
fn value_start(text: &str, at: usize, key: &str) -> Option<usize> {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    if text[..at].ends_with(part_of_a_word) {
        return None;
    }
    let behind = &text[at + key.len()..];
    let equals = behind
        .trim_start_matches(['"', '\''])
        .trim_start_matches([' ', '\t'])
        .strip_prefix('=')?;
    Some(text.len() - equals.len())
}

/// The end of its line; of the closing quotes, where it is a string of several lines.
fn value_end(text: &str, start: usize) -> usize {
    let value = &text[start..];
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inner) = value.trim_start().strip_prefix(quotes) {
            let inner_start = text.len() - inner.len();
            return inner
                .find(quotes)
                .map_or(text.len(), |length| inner_start + length + quotes.len());
        }
    }
    value.find('\n').map_or(text.len(), |length| start + length)
}

/// `"${NAME}"`, with nothing but a comment behind it.
fn is_reference(value: &str) -> bool {
    let Some(inner) = value.strip_prefix("\"${") else {
        return false;
    };
    let Some((name, behind)) = inner.split_once("}\"") else {
        return false;
    };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let behind = behind.trim_start();
    plain && (behind.is_empty() || behind.starts_with(['#', ',', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_to_write_a_secret_shows_it() {
        for text in [
            "secret = \"hunter2\"",
            "shop.secret=\"hunter2\" # the old one",
            "x = { \"token\" = 'hunter2' }",
            "token = \"${NAME:-hunter2}\"",
            "token = \"${NAME}hunter2\"",
            "secret = \"\"\"\nhunter2\nhunter2\"\"\"\nnext = 1",
            "secret = '''\nhunter2 is never closed",
            "secret = hunter2",
            "token = \"caf\u{e9} hunter2",
            "jwks_url = \"https://me:hunter2@id.example/jwks\"",
            "redis = \"redis://:pass/hunter2#hunter2@redis.internal:6379\"",
            "endpoints = [\"http://x@hunter2@a:1\", \"http://hunter2@b",
        ] {
            let masked = masked(text);
            assert!(!masked.contains("hunter2"), "{masked}");
            assert_eq!(masked.len(), text.len());
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        for text in [
            "token = \"${BANYAN_ADMIN_TOKEN}\" # needed",
            "max_token = \"8KiB\"\nforward_token = true",
            "token_file = \"/run/secrets/token\"",
            "metrics = \"token\"",
            "endpoints = [\"http://a:1/x@y\"]",
            "x = { secret = \"${A}\", y = 1 }",
        ] {
            assert_eq!(masked(text), text);
        }
    }
}
