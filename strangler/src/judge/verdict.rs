//! What a look at a step says.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is to be done with a step, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Everybody goes back to legacy.
    Rollback {
        /// What spoke against the service.
        trigger: Trigger,
        /// In words.
        why: String,
    },
    /// The next step may begin.
    Advance {
        /// In words.
        why: String,
    },
    /// The step goes on.
    Hold {
        /// In words.
        why: String,
        /// About so many more requests to the service would let it advance, where that is all that it needs.
        missing: Option<u64>,
    },
}

/// What a step was rolled back for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// So many failed that nobody waits for evidence.
    HardErrors,
    /// More fail than on legacy.
    Failed,
    /// More are slow than on legacy.
    Slow,
    /// It was not decided in its time.
    Undecided,
}

impl Trigger {
    /// One word for events and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HardErrors => "hard_errors",
            Self::Failed => "failed",
            Self::Slow => "slow",
            Self::Undecided => "undecided",
        }
    }
}

impl Verdict {
    /// Why, in words.
    pub fn why(&self) -> &str {
        match self {
            Self::Rollback { why, .. } | Self::Advance { why } | Self::Hold { why, .. } => why,
        }
    }

    /// One word for logs and labels.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Rollback { .. } => "rollback",
            Self::Advance { .. } => "advance",
            Self::Hold { .. } => "hold",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
