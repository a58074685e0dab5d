//! What one route's comparisons add up to: counts, differences with samples, and what they allow.
//!
//! Counts and differences are for good; the gate looks at recent pairs only, with today's view of what is noise, so
//! that it opens by itself once a service has been mended.

mod paths;
mod diff;
mod recent;
mod slots;
mod totals;
mod gate;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use diff::{Diff, DiffKey, MAX_SAMPLES, Sample};
pub use gate::{Gate, GateState};
pub use recent::Recent;
pub use totals::Totals;

use crate::compare::Comparison;
use crate::noise::{Class, Evidence};
use paths::PathSet;
use slots::Slots;

/// How many places and kinds a tally tells apart.
pub const MAX_DIFFS: u16 = 500;

/// One route's tally. A store writes its two parts apart: the totals, and of the differences those that have changed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Tally {
    totals: Totals,
    slots: Slots,
}

#[derive(Serialize, Deserialize)]
struct Parts {
    totals: Totals,
    diffs: Vec<(DiffKey, Diff)>,
}

impl Tally {
    /// An empty one. `min_compared` is the gate's: it says how many pairs are recent.
    pub fn new(min_compared: u64) -> Self {
        Self {
            totals: Totals::new(min_compared),
            slots: Slots::default(),
        }
    }

    /// As it was kept.
    pub fn from_parts(totals: Totals, diffs: impl IntoIterator<Item = (DiffKey, Diff)>) -> Self {
        let slots = Slots::filled(diffs);
        Self { totals, slots }
    }

    /// The gate has been changed: from now on this many pairs are recent.
    pub fn set_min_compared(&mut self, min_compared: u64) {
        self.totals.recent.set_min_compared(min_compared);
    }

    /// The rules have been changed, so that recent pairs say nothing: the gate starts anew.
    pub fn forget_recent(&mut self) {
        self.totals.recent.clear();
    }

    /// Adds one pair. On a noise pair legacy was asked twice, and `noise` compares its two answers.
    pub fn record(&mut self, pair: &Comparison, noise: Option<&Comparison>, at: Duration) {
        self.totals.count(pair.outcome(), noise.is_some(), at);
        let mut slots = self.slots.recording(&self.totals.recent, at);
        let between_sides = slots.differences(pair);
        let within_legacy = noise.map(|noise| slots.noise(noise));
        if between_sides.has(paths::OTHER) {
            self.totals.other = self.totals.other.saturating_add(1);
        }
        if let Some(within_legacy) = within_legacy {
            self.slots.compare(between_sides, within_legacy);
            self.totals.recent.add_noise(between_sides, within_legacy);
        }
        self.totals.recent.add(between_sides);
    }

    /// The counts, and the recent pairs.
    pub fn totals(&self) -> &Totals {
        &self.totals
    }

    /// All differences.
    pub fn diffs(&self) -> impl Iterator<Item = (&DiffKey, &Diff)> {
        self.slots.iter()
    }

    /// Whether more are gone since the last call than [`Self::take_removed`] could name. Then a store forgets all, and
    /// writes what [`Self::take_changed`] gives: all that there are. To be asked first.
    pub fn take_anew(&mut self) -> bool {
        self.slots.take_anew()
    }

    /// Those that have changed since the last call. [`Self::take_removed`] names those that are gone.
    pub fn take_changed(&mut self) -> Vec<(DiffKey, Diff)> {
        self.slots.take_changed()
    }

    /// Those that made room for new ones since the last call.
    pub fn take_removed(&mut self) -> Vec<DiffKey> {
        self.slots.take_removed()
    }

    /// What a difference is taken for today.
    pub fn class(&self, diff: &Diff) -> Class {
        let evidence = Evidence {
            differences: diff.count,
            noise_pairs: self.totals.noise_pairs,
            discord: diff.discord,
        };
        evidence.class_today(&self.totals.recent.discord(diff.slot))
    }

    /// Of recent pairs, the share with a difference that is neither ignored nor noise.
    pub fn recent_rate(&self) -> f64 {
        totals::share(self.recent_mismatches(), self.totals.recent.pairs())
    }

    /// Whether the comparison allows users onto the service.
    pub fn gate(&self, gate: &Gate) -> GateState {
        gate.state(self.totals.recent.pairs(), self.recent_mismatches())
    }

    fn recent_mismatches(&self) -> u64 {
        let mut counting = PathSet::default();
        counting.insert(paths::OTHER);
        for (_, diff) in self.diffs() {
            if self.class(diff) != Class::Noise {
                counting.insert(diff.slot);
            }
        }
        self.totals.recent.pairs_with(&counting)
    }
}

impl From<Parts> for Tally {
    fn from(parts: Parts) -> Self {
        Self::from_parts(parts.totals, parts.diffs)
    }
}

impl From<Tally> for Parts {
    fn from(tally: Tally) -> Self {
        let diffs = tally.diffs();
        Self {
            diffs: diffs
                .map(|(key, diff)| (key.clone(), diff.clone()))
                .collect(),
            totals: tally.totals,
        }
    }
}

#[cfg(test)]
mod tests;
