//! The counts of a route.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::recent::Recent;
use crate::compare::Outcome;

/// All pairs, by what they came to, and the recent ones in more detail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All pairs.
    pub compared: u64,
    /// Without a difference.
    pub matched: u64,
    /// With ignored differences only.
    pub ignored: u64,
    /// With a difference that is not ignored, noise or not.
    pub mismatched: u64,
    /// Pairs for which legacy was asked twice.
    pub noise_pairs: u64,
    /// Pairs with differences that found no place of their own among those that are kept.
    pub other: u64,
    /// When the first pair was compared.
    pub first: Option<Duration>,
    /// And the last.
    pub last: Option<Duration>,
    /// What the gate looks at.
    pub recent: Recent,
}

impl Totals {
    pub(super) fn new(min_compared: u64) -> Self {
        Self {
            compared: 0,
            matched: 0,
            ignored: 0,
            mismatched: 0,
            noise_pairs: 0,
            other: 0,
            first: None,
            last: None,
            recent: Recent::new(min_compared),
        }
    }

    pub(super) fn count(&mut self, outcome: Outcome, noise_pair: bool, at: Duration) {
        self.compared += 1;
        match outcome {
            Outcome::Matched => self.matched += 1,
            Outcome::Ignored => self.ignored += 1,
            Outcome::Mismatched => self.mismatched += 1,
        }
        self.noise_pairs += u64::from(noise_pair);
        self.first.get_or_insert(at);
        self.last = self.last.max(Some(at));
    }

    /// The share of all pairs with a difference that is not ignored. Noise included: what is noise is known of recent
    /// pairs only.
    pub fn mismatch_rate(&self) -> f64 {
        share(self.mismatched, self.compared)
    }
}

/// None of nothing is nothing.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52 pairs")]
pub(super) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
