//! What a comparison finds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How two answers differ at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Another type: a text where a number was.
    Type,
    /// Another value of the same type.
    Value,
    /// Legacy has it, the service does not.
    Missing,
    /// The service has it, legacy does not.
    Extra,
    /// The same elements in another order.
    Order,
    /// Another number of elements.
    Length,
}

/// A word that is no kind of difference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no kind of difference; the kinds are type, value, missing, extra, order, length")]
pub struct NotAKind(String);

/// One difference. A place has at most one of each kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// `$.items[*].price`, `status`, `header:content-type`, `body`, or `answer` where a side gave none.
    pub path: String,
    /// How the sides differ there.
    pub kind: Kind,
    /// Whether the rules ignore the place.
    pub ignored: bool,
    /// What legacy has: redacted, at most 256 bytes, nothing where it has nothing.
    pub left: String,
    /// What the service has, likewise.
    pub right: String,
}

/// All differences of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// In the order in which they were found.
    pub differences: Vec<Difference>,
    /// There were more places that differ and are not ignored than are kept.
    pub truncated: bool,
}

/// What a comparison comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// No difference.
    Matched,
    /// Ignored differences only.
    Ignored,
    /// At least one difference that counts.
    Mismatched,
}

/// The place of a whole answer.
const ANSWER: &str = "answer";

impl Comparison {
    /// Legacy answered with this status, the service did not answer: `why` is a word for that.
    pub fn without_service(status: u16, why: &str) -> Self {
        Self::without(Kind::Missing, status.to_string(), why.to_owned())
    }

    /// The service answered with this status, legacy did not answer.
    pub fn without_legacy(why: &str, status: u16) -> Self {
        Self::without(Kind::Extra, why.to_owned(), status.to_string())
    }

    fn without(kind: Kind, left: String, right: String) -> Self {
        let difference = Difference {
            path: ANSWER.to_owned(),
            kind,
            ignored: false,
            left,
            right,
        };
        Self {
            differences: vec![difference],
            truncated: false,
        }
    }

    /// What it comes to.
    pub fn outcome(&self) -> Outcome {
        if self.truncated || self.counting().next().is_some() {
            Outcome::Mismatched
        } else if self.differences.is_empty() {
            Outcome::Matched
        } else {
            Outcome::Ignored
        }
    }

    /// The differences that are not ignored.
    pub fn counting(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|found| !found.ignored)
    }
}

impl Kind {
    /// All.
    pub const ALL: [Self; 6] = [
        Self::Type,
        Self::Value,
        Self::Missing,
        Self::Extra,
        Self::Order,
        Self::Length,
    ];

    /// One word for tables and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Value => "value",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Order => "order",
            Self::Length => "length",
        }
    }
}

impl Outcome {
    /// One word for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Ignored => "ignored",
            Self::Mismatched => "mismatched",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = NotAKind;

    fn from_str(text: &str) -> Result<Self, NotAKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| NotAKind(text.to_owned()))
    }
}
