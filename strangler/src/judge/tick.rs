//! What was seen of a route's requests in a tick, the time between two looks.

use serde::{Deserialize, Serialize};

use super::keys::Keys;
use crate::side::Side;

/// Both sides in one tick of one step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// What legacy answered.
    pub legacy: Seen,
    /// What the service answered.
    pub service: Seen,
}

/// One side's requests, and the keys they came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// All of them.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that took longer than the step's threshold.
    pub slow: u64,
    /// Whom any came from.
    pub active: Keys,
    /// Whom a failed one came from.
    pub failed_keys: Keys,
    /// Whom a slow one came from.
    pub slow_keys: Keys,
}

impl Tick {
    /// Adds one request. `hash` is the bucket's.
    pub fn add(&mut self, side: Side, hash: u32, failed: bool, slow: bool) {
        let seen = match side {
            Side::Legacy => &mut self.legacy,
            Side::Service => &mut self.service,
        };
        seen.add(hash, failed, slow);
    }

    /// Adds what another core or replica has seen.
    pub fn merge(&mut self, other: &Self) {
        self.legacy.merge(&other.legacy);
        self.service.merge(&other.service);
    }

    /// Nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.legacy.requests == 0 && self.service.requests == 0
    }
}

impl Seen {
    fn add(&mut self, hash: u32, failed: bool, slow: bool) {
        self.requests = self.requests.saturating_add(1);
        self.active.insert(hash);
        if failed {
            self.failed = self.failed.saturating_add(1);
            self.failed_keys.insert(hash);
        }
        if slow {
            self.slow = self.slow.saturating_add(1);
            self.slow_keys.insert(hash);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.slow = self.slow.saturating_add(other.slow);
        self.active.merge(&other.active);
        self.failed_keys.merge(&other.failed_keys);
        self.slow_keys.merge(&other.slow_keys);
    }
}

#[cfg(test)]
mod tests;
