//! Paths in the one form on which routes are matched, callers authorised and requests forwarded.
//!
//! RFC 3986 section 6.2.2: unreserved characters stand for themselves, other escapes in upper case, dot segments gone;
//! repeated slashes are one. Whatever could be read in two ways by two servers is refused.

use std::borrow::Cow;

/// Why a path is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Not `/…`.
    #[error("a path starts with a slash")]
    NoSlash,
    /// `%` without two hexadecimal digits.
    #[error("a % in a path is followed by two hexadecimal digits")]
    BrokenEscape,
    /// NUL or another control character, encoded or not.
    #[error("a path has no control characters")]
    Control,
    /// A backslash: a slash to some servers.
    #[error("a path has no backslash")]
    Backslash,
    /// `..;x`, `..%2f`: a dot segment to some servers.
    #[error("a dot segment is followed by a slash or by nothing")]
    DisguisedDots,
    /// `//`, where the path leads elsewhere when it is one slash.
    #[error("a // in this path leads elsewhere than one slash would")]
    RepeatedSlash,
}

/// Brings a path (without its query) into normal form. Costs nothing when it already is.
///
/// ```
/// use gateway::route::path::{PathError, normalise};
/// assert_eq!(normalise("/api/%70ayments").unwrap(), "/api/payments");
/// assert_eq!(normalise("/api/x/%2e%2e//payments").unwrap(), "/api/payments");
/// assert_eq!(normalise("/x/..;/api/payments"), Err(PathError::DisguisedDots));
/// ```
pub fn normalise(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NoSlash);
    }
    if is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let decoded = decode(path)?;
    without_dots(&decoded, true).map(Cow::Owned)
}

/// The same, but `//` stays. Never holds a dot segment either.
pub fn normalise_unmerged(path: &str) -> Result<String, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::NoSlash);
    }
    without_dots(&decode(path)?, false)
}

/// A path in normal form with its encoded slashes and backslashes decoded: no normal form any more.
pub fn decode_slashes(path: &str) -> String {
    path.replace("%2F", "/").replace("%5C", "\\")
}

/// Whether a path in normal form holds an encoded slash or backslash.
pub fn has_encoded_slash(path: &str) -> bool {
    let bytes = path.as_bytes();
    memchr_percent(bytes).is_some_and(|first| {
        bytes[first..]
            .windows(3)
            .any(|window| matches!(window, b"%2F" | b"%5C"))
    })
}

fn memchr_percent(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'%')
}

/// A byte that stands for itself wherever it is, except that a dot behind a slash may be a dot segment.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b'\\')
}

fn is_normal(bytes: &[u8]) -> bool {
    let mut behind_slash = false;
    for byte in bytes {
        if !is_plain(*byte) || (behind_slash && matches!(byte, b'/' | b'.')) {
            return false;
        }
        behind_slash = *byte == b'/';
    }
    true
}

fn decode(path: &str) -> Result<String, PathError> {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(bytes.len() + 8);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'%' => {
                let escaped = bytes
                    .get(at..at + 2)
                    .and_then(hex_pair)
                    .ok_or(PathError::BrokenEscape)?;
                at += 2;
                push(&mut out, escaped)?;
            }
            b'\\' => return Err(PathError::Backslash),
            _ if byte.is_ascii_control() => return Err(PathError::Control),
            _ if byte.is_ascii_graphic() => out.push(char::from(byte)),
            _ => escape(&mut out, byte),
        }
    }
    Ok(out)
}

fn push(out: &mut String, escaped: u8) -> Result<(), PathError> {
    match escaped {
        _ if escaped.is_ascii_control() => return Err(PathError::Control),
        b'-' | b'.' | b'_' | b'~' => out.push(char::from(escaped)),
        _ if escaped.is_ascii_alphanumeric() => out.push(char::from(escaped)),
        _ => escape(out, escaped),
    }
    Ok(())
}

fn escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn hex_pair(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(pair[0])? << 4 | digit(pair[1])?;
    u8::try_from(value).ok()
}

fn without_dots(path: &str, merge: bool) -> Result<String, PathError> {
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    // A path that ends in a slash or a dot segment names a folder and keeps its last slash.
    let mut folder = false;
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        folder = last && matches!(segment, "" | "." | "..");
        match segment {
            "" if !merge && !last => kept.push(segment),
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            _ if is_disguised(segment) => return Err(PathError::DisguisedDots),
            _ => kept.push(segment),
        }
    }
    let mut out = String::with_capacity(path.len());
    for segment in &kept {
        out.push('/');
        out.push_str(segment);
    }
    if folder || out.is_empty() {
        out.push('/');
    }
    Ok(out)
}

/// Some servers cut `;parameters` off a segment, or decode a slash before they look for dots.
fn is_disguised(segment: &str) -> bool {
    segment.contains('.')
        && segment
            .split("%2F")
            .flat_map(|part| part.split("%5C"))
            .any(|part| {
                let name = part.split(';').next().unwrap_or_default();
                let name = name.split("%3B").next().unwrap_or_default();
                matches!(name, "." | "..")
            })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_normal_path_is_not_copied() {
        for path in [
            "/",
            "/api/products/7",
            "/a/b.c/",
            "/a;v=1/@b:c,d",
            "/x.y/z..w",
        ] {
            assert!(
                matches!(normalise(path), Ok(Cow::Borrowed(same)) if same == path),
                "{path}"
            );
        }
    }

    #[test]
    fn different_spellings_come_to_one_form() {
        for (given, normal) in [
            ("/api/%70ayments", "/api/payments"),
            ("/%7euser/%2D%5f", "/~user/-_"),
            ("/a%2fb%3a", "/a%2Fb%3A"),
            ("/api/x/%2e%2e/payments", "/api/payments"),
            ("/a/./b/../c", "/a/c"),
            ("/a/b/..", "/a/"),
            ("/a/b/.", "/a/b/"),
            ("/..", "/"),
            ("/../../etc/passwd", "/etc/passwd"),
            ("//api///payments//", "/api/payments/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/a b", "/a%20b"),
            ("/caf\u{e9}", "/caf%C3%A9"),
        ] {
            // A raw space never gets this far from a client; a file may have one.
            assert_eq!(normalise(given).as_deref(), Ok(normal), "{given}");
        }
    }

    #[test]
    fn what_two_servers_could_read_differently_is_refused() {
        for (given, error) in [
            ("", PathError::NoSlash),
            ("*", PathError::NoSlash),
            ("/x/..;/api/payments", PathError::DisguisedDots),
            ("/x/.;a=b/api", PathError::DisguisedDots),
            ("/x/..%3b/api", PathError::DisguisedDots),
            ("/x/%2e%2e%3B/api", PathError::DisguisedDots),
            ("/x/..%2fapi/payments", PathError::DisguisedDots),
            ("/x/a%5c..%5cb", PathError::DisguisedDots),
            ("/a\\b", PathError::Backslash),
            ("/a%00b", PathError::Control),
            ("/a%0d%0ab", PathError::Control),
            ("/a\u{1}b", PathError::Control),
            ("/a%", PathError::BrokenEscape),
            ("/a%4", PathError::BrokenEscape),
            ("/a%zz", PathError::BrokenEscape),
            ("/a%+1", PathError::BrokenEscape),
        ] {
            assert_eq!(normalise(given), Err(error), "{given}");
        }
    }

    #[test]
    fn encoded_slashes_are_seen() {
        assert!(has_encoded_slash("/a%2Fb"));
        assert!(has_encoded_slash("/a%20%5Cb"));
        assert!(!has_encoded_slash("/a%20b"));
        assert!(!has_encoded_slash("/ab"));
    }

    proptest! {
        #[test]
        fn the_normal_form_is_its_own_normal_form(path in "/([a-zA-Z0-9./;%\\\\~ -]|%2[eEfF]|%5c|%41|\\.\\.){0,40}") {
            if let Ok(once) = normalise(&path) {
                let again = normalise(&once);
                prop_assert_eq!(again.as_deref(), Ok(&*once));
                prop_assert!(!once.contains("/../") && !once.contains("//") && !once.ends_with("/.."));
                prop_assert!(!once.contains("/./") && !once.ends_with("/."));
            }
        }

        #[test]
        fn so_is_the_form_that_keeps_its_slashes(path in "/([a-z./;%\\\\~ -]|%2[eEfF]|%5c|//|\\.\\.){0,40}") {
            if let Ok(once) = normalise_unmerged(&path) {
                let again = normalise_unmerged(&once);
                prop_assert_eq!(again.as_deref(), Ok(&*once));
                prop_assert!(once.split('/').all(|segment| !matches!(segment, "." | "..")));
            }
        }
    }
}
