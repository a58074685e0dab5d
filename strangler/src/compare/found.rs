//! Collects differences: one for each place and kind, and no more than are kept.

use std::collections::{HashMap, HashSet};

use super::MAX_DIFFERENCES;
use super::difference::{Comparison, Difference, Kind};

/// What has been found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    places: HashMap<(String, Kind), usize>,
    /// What has been asked about, by the folded place.
    asked: HashSet<(u64, Kind, bool)>,
    comparison: Comparison,
}

/// What both sides have at a place.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) left: String,
    pub(super) right: String,
}

impl Found {
    /// Whether such a difference may not have been added yet. Spares the many elements of an array the work of the first.
    ///
    /// Were two places to share their hash, the second would be missing among the differences, but what the comparison
    /// comes to would stay the same.
    pub(super) fn is_new(&mut self, folded: u64, kind: Kind, ignored: bool) -> bool {
        self.asked.insert((folded, kind, ignored))
    }

    /// Whether nothing more is kept: then only that there is more is noted, without a look at the place.
    pub(super) fn is_full(&mut self, ignored: bool) -> bool {
        let full = self.comparison.differences.len() >= MAX_DIFFERENCES
            // Long ways are cut short where they are shown, so that many places may become one.
            || self.asked.len() > 2 * MAX_DIFFERENCES;
        self.comparison.truncated |= full && !ignored;
        full
    }

    /// Keeps the first difference of a place and kind; one that counts takes the place of an ignored one. The samples
    /// are drawn only for what is kept.
    pub(super) fn add(
        &mut self,
        path: String,
        kind: Kind,
        ignored: bool,
        samples: impl FnOnce() -> Samples,
    ) {
        let kept = &mut self.comparison.differences;
        let key = (path, kind);
        if let Some(place) = self.places.get(&key) {
            let Some(earlier) = kept.get_mut(*place) else {
                return;
            };
            if earlier.ignored && !ignored {
                *earlier = difference(key, ignored, samples());
            }
            return;
        }
        self.places.insert(key.clone(), kept.len());
        kept.push(difference(key, ignored, samples()));
    }

    pub(super) fn into_comparison(self) -> Comparison {
        self.comparison
    }
}

fn difference((path, kind): (String, Kind), ignored: bool, samples: Samples) -> Difference {
    let Samples { left, right } = samples;
    Difference {
        path,
        kind,
        ignored,
        left,
        right,
    }
}
