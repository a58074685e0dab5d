//! Places in JSON: where a value stands, and patterns that many places fit.
//!
//! The grammar is a part of RFC 9535: `$`, `.name`, `['any name']`, `[3]`, `.*`, `[*]`, and after `..` the same at any
//! depth. Either wildcard fits any child.

mod parse;

use std::fmt;
use std::str::FromStr;

pub use parse::NotAPath;

use crate::jwt::without_tokens;
use crate::printable;

/// How many steps a pattern may have: its state is one machine word.
const MAX_STEPS: usize = 63;

/// How much of one member's name is shown: it may be a client's data.
const MAX_NAME: usize = 64;

/// How much of a whole place is shown.
const MAX_SHOWN: usize = 512;

/// One step from a container to its child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// To the member of an object.
    Name(&'a str),
    /// To the element of an array.
    Index(usize),
}

/// Where a value stands. Written with its indices folded: `$.items[*].price`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location<'a>(pub &'a [Step<'a>]);

/// A pattern that places fit.
///
/// ```
/// use strangler::json_path::{Location, PathPattern, Step};
/// let pattern: PathPattern = "$.items[*].price".parse()?;
/// let place = [Step::Name("items"), Step::Index(3), Step::Name("price")];
/// assert!(pattern.matches(Location(&place)));
/// assert_eq!(Location(&place).to_string(), pattern.to_string());
/// # Ok::<(), strangler::json_path::NotAPath>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern {
    steps: Vec<PatternStep>,
}

/// How far a place fits a pattern: bit `n` is set when the first `n` steps of the pattern have been gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress(u64);

#[derive(Clone, Debug, PartialEq, Eq)]
struct PatternStep {
    /// `..`: any number of steps may come before this one.
    anywhere: bool,
    child: Child,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Child {
    Name(String),
    Index(usize),
    /// `.*`
    AnyMember,
    /// `[*]`. Fits what `.*` fits; only written otherwise.
    AnyElement,
}

impl PathPattern {
    /// Whether the place fits, as a whole.
    pub fn matches(&self, place: Location<'_>) -> bool {
        let start = Progress::START;
        let end = place
            .0
            .iter()
            .fold(start, |progress, step| self.advance(progress, *step));
        self.is_met(end)
    }

    /// One step further into the JSON.
    pub(crate) fn advance(&self, progress: Progress, step: Step<'_>) -> Progress {
        let mut next = 0;
        for (gone, pattern) in self.steps.iter().enumerate() {
            if progress.0 & (1 << gone) == 0 {
                continue;
            }
            if pattern.anywhere {
                next |= 1 << gone;
            }
            if pattern.child.fits(step) {
                next |= 1 << (gone + 1);
            }
        }
        Progress(next)
    }

    /// Whether the place that led to this progress fits.
    pub(crate) fn is_met(&self, progress: Progress) -> bool {
        progress.0 & (1 << self.steps.len()) != 0
    }
}

impl Progress {
    /// At the root.
    pub(crate) const START: Self = Self(1);
}

impl Child {
    fn fits(&self, step: Step<'_>) -> bool {
        match (self, step) {
            (Self::AnyMember | Self::AnyElement, _) => true,
            (Self::Name(wanted), Step::Name(name)) => wanted == name,
            (Self::Index(wanted), Step::Index(index)) => *wanted == index,
            (Self::Name(_), Step::Index(_)) | (Self::Index(_), Step::Name(_)) => false,
        }
    }
}

impl FromStr for PathPattern {
    type Err = NotAPath;

    fn from_str(text: &str) -> Result<Self, NotAPath> {
        parse::pattern(text)
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for PatternStep { anywhere, child } in &self.steps {
            let dots = if *anywhere { ".." } else { "" };
            match child {
                Child::Name(name) if is_plain(name) && *anywhere => write!(f, "..{name}")?,
                Child::Name(name) if is_plain(name) => write!(f, ".{name}")?,
                Child::Name(name) => write!(f, "{dots}{}", Quoted(name))?,
                Child::Index(index) => write!(f, "{dots}[{index}]")?,
                Child::AnyMember if *anywhere => f.write_str("..*")?,
                Child::AnyMember => f.write_str(".*")?,
                Child::AnyElement => write!(f, "{dots}[*]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Location<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::from("$");
        for step in self.0 {
            match step {
                Step::Index(_) => shown.push_str("[*]"),
                Step::Name(name) => push_name(&mut shown, name),
            }
            if shown.len() > MAX_SHOWN {
                shown.truncate(shown.floor_char_boundary(MAX_SHOWN - "…".len()));
                shown.push('…');
                break;
            }
        }
        f.pad(&shown)
    }
}

fn push_name(shown: &mut String, name: &str) {
    let name = &*without_tokens(name, MAX_NAME);
    let cut = name.floor_char_boundary(MAX_NAME);
    if cut < name.len() {
        let start = name.get(..cut).unwrap_or_default();
        shown.push_str(&Quoted(&format!("{start}…")).to_string());
    } else if is_plain(name) {
        shown.push('.');
        shown.push_str(name);
    } else {
        shown.push_str(&Quoted(name).to_string());
    }
}

/// Whether a name can stand after a dot.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_plain_char)
}

fn is_plain_char(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '_' | '-')
}

/// `['a b']`
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut quoted = String::from("['");
        for char in self.0.chars() {
            if matches!(char, '\'' | '\\') {
                quoted.push('\\');
            }
            // A place is shown in terminals and logs.
            printable::push(&mut quoted, char);
        }
        quoted.push_str("']");
        f.write_str(&quoted)
    }
}

#[cfg(test)]
mod tests;
