//! One difference of a route, as its pairs add up.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::compare::{Difference, Kind};
use crate::noise::Discord;

/// How many samples are kept.
pub const MAX_SAMPLES: usize = 20;

/// Of these, so many are the first ones; the others are the newest.
const FIRST_SAMPLES: usize = 5;

/// Which difference: its place and kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DiffKey {
    /// As [`Difference::path`].
    pub path: String,
    /// How the sides differ there.
    pub kind: Kind,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// In how many pairs the sides differed so.
    pub count: u64,
    /// When it was first seen, between the sides or within legacy.
    pub first_seen: Duration,
    /// And last.
    pub last_seen: Duration,
    /// How noise pairs differed there.
    pub discord: Discord,
    /// The first few and the newest, oldest first.
    pub samples: Vec<Sample>,
    /// Its place in the sets of recent pairs.
    pub(super) slot: u16,
}

/// What both sides said, redacted and short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Legacy.
    pub left: String,
    /// The service.
    pub right: String,
    /// When.
    pub at: Duration,
}

impl DiffKey {
    pub(super) fn of(difference: &Difference) -> Self {
        Self {
            path: difference.path.clone(),
            kind: difference.kind,
        }
    }
}

impl Diff {
    pub(super) fn new(slot: u16, at: Duration) -> Self {
        Self {
            count: 0,
            first_seen: at,
            last_seen: at,
            discord: Discord::default(),
            samples: Vec::new(),
            slot,
        }
    }

    /// Seen once more, somewhere.
    pub(super) fn see(&mut self, at: Duration) {
        self.last_seen = self.last_seen.max(at);
    }

    /// Seen between the sides.
    pub(super) fn count(&mut self, difference: &Difference, at: Duration) {
        self.count = self.count.saturating_add(1);
        if self.samples.len() >= MAX_SAMPLES {
            self.samples.remove(FIRST_SAMPLES);
        }
        self.samples.push(Sample {
            left: difference.left.clone(),
            right: difference.right.clone(),
            at,
        });
    }
}
