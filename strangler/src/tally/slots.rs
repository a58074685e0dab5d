//! The differences of a tally, each in a slot, and which of them have changed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::MAX_DIFFS;
use super::diff::{Diff, DiffKey};
use super::paths::{OTHER, PathSet};
use super::recent::Recent;
use crate::compare::{Comparison, Difference};

/// All differences. Each has a slot of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    diffs: BTreeMap<DiffKey, Diff>,
    keys: BTreeMap<u16, DiffKey>,
    changed: PathSet,
    removed: Vec<DiffKey>,
    /// More have gone than are named.
    anew: bool,
}

/// While one pair is being recorded.
#[derive(Debug)]
pub(super) struct Recording<'a> {
    slots: &'a mut Slots,
    recent: &'a Recent,
    at: Duration,
    /// What this pair has been seen to differ in.
    seen: PathSet,
    /// No slot is free, and none can be made free.
    full: bool,
}

impl Slots {
    /// Of two differences in the same slot the newer one stays: it took the other's place.
    pub(super) fn filled(diffs: impl IntoIterator<Item = (DiffKey, Diff)>) -> Self {
        let mut slots = Self::default();
        for (key, diff) in diffs {
            if diff.slot >= MAX_DIFFS {
                continue;
            }
            let earlier = slots
                .keys
                .get(&diff.slot)
                .and_then(|key| slots.diffs.get(key));
            if earlier.is_some_and(|earlier| earlier.last_seen > diff.last_seen) {
                continue;
            }
            if let Some(replaced) = slots.keys.insert(diff.slot, key.clone()) {
                slots.diffs.remove(&replaced);
            }
            slots.diffs.insert(key, diff);
        }
        slots
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&DiffKey, &Diff)> {
        self.diffs.iter()
    }

    pub(super) fn take_anew(&mut self) -> bool {
        let anew = std::mem::take(&mut self.anew);
        if anew {
            self.removed.clear();
            for slot in self.keys.keys() {
                self.changed.insert(*slot);
            }
        }
        anew
    }

    pub(super) fn take_changed(&mut self) -> Vec<(DiffKey, Diff)> {
        let changed = std::mem::take(&mut self.changed);
        let keys = changed.slots().filter_map(|slot| self.keys.get(&slot));
        keys.filter_map(|key| Some((key.clone(), self.diffs.get(key)?.clone())))
            .collect()
    }

    pub(super) fn take_removed(&mut self) -> Vec<DiffKey> {
        let mut removed = std::mem::take(&mut self.removed);
        // It may have come back in the meantime.
        removed.retain(|key| !self.diffs.contains_key(key));
        removed
    }

    pub(super) fn recording<'a>(&'a mut self, recent: &'a Recent, at: Duration) -> Recording<'a> {
        Recording {
            slots: self,
            recent,
            at,
            seen: PathSet::default(),
            full: false,
        }
    }

    /// Counts a noise pair for every difference in it.
    pub(super) fn compare(&mut self, between_sides: PathSet, within_legacy: PathSet) {
        for slot in between_sides.union(within_legacy).slots() {
            let key = self.keys.get(&slot);
            if let Some(diff) = key.and_then(|key| self.diffs.get_mut(key)) {
                let sides = between_sides.has(slot);
                diff.discord.count(sides, within_legacy.has(slot));
                self.changed.insert(slot);
            }
        }
    }

    fn remove(&mut self, key: &DiffKey) {
        if let Some(diff) = self.diffs.remove(key) {
            self.keys.remove(&diff.slot);
            // Between two writes endlessly many may go, and whoever never writes needs no list of them.
            if self.removed.len() >= usize::from(MAX_DIFFS) {
                self.removed.clear();
                self.anew = true;
            }
            if !self.anew {
                self.removed.push(key.clone());
            }
        }
    }
}

impl Recording<'_> {
    /// Counts what differs between the sides and is not ignored.
    pub(super) fn differences(&mut self, pair: &Comparison) -> PathSet {
        self.each(pair, Diff::count)
    }

    /// Notes what differs between legacy's two answers.
    pub(super) fn noise(&mut self, noise: &Comparison) -> PathSet {
        self.each(noise, |_, _, _| {})
    }

    fn each(
        &mut self,
        comparison: &Comparison,
        note: impl Fn(&mut Diff, &Difference, Duration),
    ) -> PathSet {
        let mut found = PathSet::default();
        if comparison.truncated {
            found.insert(OTHER);
        }
        for difference in comparison.counting() {
            let Some(slot) = self.slot(DiffKey::of(difference), |diff, at| {
                diff.see(at);
                note(diff, difference, at);
            }) else {
                found.insert(OTHER);
                continue;
            };
            found.insert(slot);
            self.seen.insert(slot);
            self.slots.changed.insert(slot);
        }
        found
    }

    /// The difference's slot, after the note has been made.
    fn slot(&mut self, key: DiffKey, note: impl FnOnce(&mut Diff, Duration)) -> Option<u16> {
        let at = self.at;
        if let Some(diff) = self.slots.diffs.get_mut(&key) {
            note(diff, at);
            return Some(diff.slot);
        }
        let slot = self.free()?;
        self.slots.keys.insert(slot, key.clone());
        let diff = self.slots.diffs.entry(key);
        note(diff.or_insert_with(|| Diff::new(slot, at)), at);
        Some(slot)
    }

    /// A slot for a new difference: a free one, or that of the one that has been quiet for longest. What recent pairs
    /// speak of keeps its slot.
    fn free(&mut self) -> Option<u16> {
        if self.full {
            return None;
        }
        if self.slots.keys.len() < usize::from(MAX_DIFFS) {
            return (0..MAX_DIFFS).find(|slot| !self.slots.keys.contains_key(slot));
        }
        let needed = self.recent.paths().union(self.seen);
        let spare = self.slots.diffs.iter();
        let spare = spare.filter(|(_, diff)| !needed.has(diff.slot));
        let quiet = spare.min_by_key(|(_, diff)| diff.last_seen);
        let Some((key, slot)) = quiet.map(|(key, diff)| (key.clone(), diff.slot)) else {
            self.full = true;
            return None;
        };
        self.slots.remove(&key);
        Some(slot)
    }
}
