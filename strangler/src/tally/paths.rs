//! A set of differences, by the slots in which a tally keeps them: a bit for each.

use serde::{Deserialize, Serialize};

use super::MAX_DIFFS;

const WORDS: usize = 8;

/// The last bit: whatever found no slot.
pub(super) const OTHER: u16 = 511;

const _: () = assert!(MAX_DIFFS <= OTHER && OTHER as usize == WORDS * 64 - 1);

/// Slots, and perhaps [`OTHER`]. Kept as a list of them, which is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<u16>", into = "Vec<u16>")]
pub(super) struct PathSet([u64; WORDS]);

impl PathSet {
    pub(super) fn insert(&mut self, slot: u16) {
        let (word, bit) = place(slot);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn has(&self, slot: u16) -> bool {
        let (word, bit) = place(slot);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn union(mut self, other: Self) -> Self {
        for (word, more) in self.0.iter_mut().zip(other.0) {
            *word |= more;
        }
        self
    }

    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(other.0)
            .any(|(word, more)| word & more != 0)
    }

    /// Without [`OTHER`], which is no slot.
    pub(super) fn slots(self) -> impl Iterator<Item = u16> {
        (0..MAX_DIFFS).filter(move |slot| self.has(*slot))
    }
}

impl From<Vec<u16>> for PathSet {
    fn from(slots: Vec<u16>) -> Self {
        let mut set = Self::default();
        for slot in slots {
            set.insert(slot);
        }
        set
    }
}

impl From<PathSet> for Vec<u16> {
    fn from(set: PathSet) -> Self {
        (0..=OTHER).filter(|slot| set.has(*slot)).collect()
    }
}

fn place(slot: u16) -> (usize, u64) {
    (usize::from(slot / 64), 1 << (slot % 64))
}
