//! Text that others wrote, as it may be shown: in a terminal, in a log, on a page.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with each character that moves the cursor, breaks a line, turns the direction of writing, or cannot be seen,
/// as `\uXXXX`.
///
/// ```
/// use strangler::printable::printable;
/// assert_eq!(printable("caf\u{e9}"), "caf\u{e9}");
/// assert_eq!(printable("\u{9b}2J\u{202e}"), r"\u009b2J\u202e");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(acts) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        push(&mut shown, char);
    }
    Cow::Owned(shown)
}

/// Adds one character likewise.
pub fn push(shown: &mut String, char: char) {
    if acts(char) {
        // Writing to a string cannot fail.
        let _ = write!(shown, "\\u{:04x}", u32::from(char));
    } else {
        shown.push(char);
    }
}

/// Whether it does something to the text around it: controls, separators of lines, marks of direction.
fn acts(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_acts_on_a_terminal_is_spelled_out() {
        let acting = [
            '\0', '\t', '\n', '\u{1b}', '\u{7f}', '\u{80}', '\u{9b}', '\u{9f}', '\u{61c}',
            '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202e}', '\u{2066}',
            '\u{2069}', '\u{feff}',
        ];
        for char in acting {
            let expected = format!("a\\u{:04x}b", u32::from(char));
            assert_eq!(printable(&format!("a{char}b")), expected);
        }
        for text in ["", "a b", "\\u", "grüße", "日本", "👩\u{200d}💻", "\u{a0}"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text));
        }
    }
}
