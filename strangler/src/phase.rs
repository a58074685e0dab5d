//! How far a route has moved.

mod entering;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use entering::{Refusal, entering};

/// `legacy -> shadow -> canary -> migrated -> retired`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Legacy answers.
    Legacy,
    /// Legacy answers; the service is asked as well, for comparison.
    Shadow,
    /// Each user's bucket decides.
    Canary,
    /// The service answers; the way back stays one edit away.
    Migrated,
    /// The service answers and nothing leads to legacy any more.
    Retired,
}

/// A word that is no phase.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no phase; the phases are legacy, shadow, canary, migrated, retired")]
pub struct NotAPhase(String);

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 5] = [
        Self::Legacy,
        Self::Shadow,
        Self::Canary,
        Self::Migrated,
        Self::Retired,
    ];

    /// As the file spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Migrated => "migrated",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = NotAPhase;

    fn from_str(text: &str) -> Result<Self, NotAPhase> {
        Self::ALL
            .into_iter()
            .find(|phase| phase.as_str() == text)
            .ok_or_else(|| NotAPhase(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phase_is_read_as_it_is_written() {
        for phase in Phase::ALL {
            assert_eq!(phase.to_string().parse(), Ok(phase));
        }
        assert!("cannary".parse::<Phase>().is_err());
    }
}
