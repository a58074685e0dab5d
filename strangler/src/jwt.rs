//! Signed tokens in a text, which are as good as a password wherever they stand.

use std::borrow::Cow;

/// What stands for a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// How every token begins: `{"`, in base64url.
const START: &str = "eyJ";

/// What begins like a token and is longer is taken for one.
const LONGEST: usize = 4096;

/// The text with each token redacted that begins within the first `shown` bytes. What comes behind may be left out.
pub(crate) fn without_tokens(text: &str, shown: usize) -> Cow<'_, str> {
    let end = text.floor_char_boundary(shown.saturating_add(LONGEST));
    let mut rest = text.get(..end).unwrap_or(text);
    let cut = rest.len() < text.len();
    let mut kept = String::new();
    // Where what has been looked at ends.
    let mut looked = 0;
    while let Some(found) = rest.get(looked..).and_then(|rest| rest.find(START)) {
        let start = looked + found;
        if kept.len() + start > shown {
            break;
        }
        let (before, token) = rest.split_at(start);
        let length = token.find(|char| !is_of_token(char));
        let (token, behind) = token.split_at(length.unwrap_or(token.len()));
        // Header, claims and signature; of an encrypted one there are five.
        let longer = cut && behind.is_empty();
        if longer || token.matches('.').count() >= 2 {
            kept.push_str(before);
            kept.push_str(REDACTED);
            rest = behind;
            looked = 0;
        } else {
            looked = start + token.len();
        }
    }
    if kept.is_empty() {
        return Cow::Borrowed(rest);
    }
    kept.push_str(rest);
    Cow::Owned(kept)
}

fn is_of_token(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl_-";

    #[test]
    fn tokens_are_taken_out_wherever_they_stand() {
        for (text, expected) in [
            ("{}", "[redacted]"),
            ("Bearer {}", "Bearer [redacted]"),
            ("/a?t={}&b=1", "/a?t=[redacted]&b=1"),
            ("{} {}", "[redacted] [redacted]"),
            ("eyJ {}", "eyJ [redacted]"),
            ("a eyJa.b {}ü", "a eyJa.b [redacted]ü"),
        ] {
            let text = text.replace("{}", TOKEN);
            assert_eq!(without_tokens(&text, 256), expected);
        }
        for text in ["", "eyJ", "eyJa.b", "hey.you.there", "a.b.c"] {
            assert!(matches!(without_tokens(text, 256), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn a_long_token_is_known_by_its_beginning() {
        let long = format!("eyJ{}.{}.c", "a".repeat(1000), "b".repeat(1000));
        assert_eq!(without_tokens(&long, 256), "[redacted]");
        let many = "eyJ".repeat(1_000_000);
        assert_eq!(without_tokens(&many, 256), "[redacted]");
        let few = "eyJ ".repeat(1_000_000);
        assert!(few.starts_with(&*without_tokens(&few, 256)));
    }
}
