//! Reads a pattern, and says at which byte it is none.

use super::{Child, MAX_STEPS, PathPattern, PatternStep, is_plain_char};

/// Why a text is no pattern, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct NotAPath {
    /// Counted from 0.
    pub at: usize,
    problem: &'static str,
}

/// What is left of the text, and where that begins.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

pub(super) fn pattern(text: &str) -> Result<PathPattern, NotAPath> {
    let mut reader = Reader { text, at: 0 };
    if !reader.take("$") {
        return reader.fail("expected `$`");
    }
    let mut steps = Vec::new();
    while !reader.rest().is_empty() {
        if steps.len() == MAX_STEPS {
            return reader.fail("more than 63 steps");
        }
        steps.push(reader.step()?);
    }
    Ok(PathPattern { steps })
}

impl Reader<'_> {
    fn step(&mut self) -> Result<PatternStep, NotAPath> {
        let anywhere = self.take("..");
        let child = if self.take("[") {
            self.bracket()?
        } else if anywhere || self.take(".") {
            self.after_dot()?
        } else {
            return self.fail("expected `.`, `..` or `[`");
        };
        Ok(PatternStep { anywhere, child })
    }

    fn after_dot(&mut self) -> Result<Child, NotAPath> {
        if self.take("*") {
            return Ok(Child::AnyMember);
        }
        let rest = self.rest();
        let length = rest.find(|c| !is_plain_char(c)).unwrap_or(rest.len());
        let name = rest.get(..length).unwrap_or_default().to_owned();
        if name.is_empty() {
            return self.fail("expected a name or `*` (an odd name is written `['odd name']`)");
        }
        self.at += length;
        Ok(Child::Name(name))
    }

    fn bracket(&mut self) -> Result<Child, NotAPath> {
        let child = if self.take("*") {
            Child::AnyElement
        } else if self.take("'") {
            Child::Name(self.quoted('\'')?)
        } else if self.take("\"") {
            Child::Name(self.quoted('"')?)
        } else {
            Child::Index(self.index()?)
        };
        if !self.take("]") {
            return self.fail("expected `]`");
        }
        Ok(child)
    }

    fn index(&mut self) -> Result<usize, NotAPath> {
        let rest = self.rest();
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        let digits = rest.get(..length).unwrap_or_default();
        if digits.is_empty() {
            return self.fail("expected a number, `*` or a name in quotes");
        }
        let Ok(index) = digits.parse() else {
            return self.fail("a number too large for an index");
        };
        self.at += length;
        Ok(index)
    }

    fn quoted(&mut self, quote: char) -> Result<String, NotAPath> {
        let start = self.at;
        let mut name = String::new();
        let mut chars = self.rest().char_indices();
        while let Some((offset, char)) = chars.next() {
            match char {
                '\\' => {
                    let Some(escaped) = escaped(chars.as_str()) else {
                        self.at = start + offset;
                        return self.fail("expected a quote, `\\` or `uXXXX` after the `\\`");
                    };
                    name.push(escaped);
                    let length = if chars.as_str().starts_with('u') {
                        5
                    } else {
                        1
                    };
                    chars.by_ref().take(length).for_each(drop);
                }
                _ if char == quote => {
                    self.at = start + offset + char.len_utf8();
                    return Ok(name);
                }
                _ => name.push(char),
            }
        }
        self.at = self.text.len();
        self.fail("the name has no closing quote")
    }

    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Goes past the token if it comes next.
    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn fail<T>(&self, problem: &'static str) -> Result<T, NotAPath> {
        let at = self.at;
        Err(NotAPath { at, problem })
    }
}

/// What is meant by the text after a `\`.
fn escaped(text: &str) -> Option<char> {
    match text.chars().next()? {
        plain @ ('\'' | '"' | '\\') => Some(plain),
        'u' => char::from_u32(u32::from_str_radix(text.get(1..5)?, 16).ok()?),
        _ => None,
    }
}
