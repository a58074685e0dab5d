//! Recent pairs, in pages: which sets of differences they had, how often.
//!
//! Which of the differences count is asked only when the gate is: what is noise today may have been unknown then.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::paths::PathSet;
use crate::noise::Discord;

/// So many full pages, and the one at hand.
const PAGES: u64 = 8;

/// How many different sets a page tells apart.
const MAX_SETS: usize = 64;

/// The recent pairs of a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// How many pairs fill a page.
    page: u64,
    /// The oldest first, the one at hand last.
    pages: VecDeque<Page>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Page {
    pairs: u64,
    /// Pairs by what they differ in. A pair without differences is in none.
    sets: Vec<(PathSet, u64)>,
    /// Pairs that found no set of their own, and all that any of them differs in.
    others: (PathSet, u64),
    /// Noise pairs, by the slot of what they differ in.
    discords: BTreeMap<u16, Discord>,
}

impl Recent {
    pub(super) fn new(min_compared: u64) -> Self {
        Self {
            page: page(min_compared),
            pages: VecDeque::from([Page::default()]),
        }
    }

    /// Pages that are full already stay as they are.
    pub(super) fn set_min_compared(&mut self, min_compared: u64) {
        self.page = page(min_compared);
    }

    pub(super) fn clear(&mut self) {
        self.pages = VecDeque::from([Page::default()]);
    }

    pub(super) fn add(&mut self, differing: PathSet) {
        let size = self.page;
        let page = self.at_hand();
        page.pairs += 1;
        if !differing.is_empty() {
            page.count(differing);
        }
        if page.pairs >= size {
            self.pages.push_back(Page::default());
        }
        while self.pages.len() as u64 > PAGES + 1 {
            self.pages.pop_front();
        }
    }

    /// To be called before [`Self::add`], which may turn the page.
    pub(super) fn add_noise(&mut self, between_sides: PathSet, within_legacy: PathSet) {
        let page = self.at_hand();
        for slot in between_sides.union(within_legacy).slots() {
            let discord = page.discords.entry(slot).or_default();
            discord.count(between_sides.has(slot), within_legacy.has(slot));
        }
    }

    pub(super) fn pairs(&self) -> u64 {
        self.pages.iter().map(|page| page.pairs).sum()
    }

    /// How many pairs differ in one of these at least.
    pub(super) fn pairs_with(&self, paths: &PathSet) -> u64 {
        let sets = self.pages.iter().flat_map(Page::sets);
        sets.filter(|(set, _)| set.meets(paths))
            .map(|(_, pairs)| pairs)
            .sum()
    }

    /// How noise pairs differed there.
    pub(super) fn discord(&self, slot: u16) -> Discord {
        let discords = self
            .pages
            .iter()
            .filter_map(|page| page.discords.get(&slot));
        discords.fold(Discord::default(), |sum, discord| sum.plus(*discord))
    }

    /// Everything that any of the pages speaks of.
    pub(super) fn paths(&self) -> PathSet {
        let mut paths = PathSet::default();
        for page in &self.pages {
            for (set, _) in page.sets() {
                paths = paths.union(*set);
            }
            for slot in page.discords.keys() {
                paths.insert(*slot);
            }
        }
        paths
    }

    fn at_hand(&mut self) -> &mut Page {
        if self.pages.is_empty() {
            self.pages.push_back(Page::default());
        }
        let last = self.pages.len() - 1;
        &mut self.pages[last]
    }
}

impl Page {
    fn count(&mut self, differing: PathSet) {
        let known = self.sets.iter_mut().find(|(set, _)| *set == differing);
        if let Some((_, pairs)) = known {
            *pairs += 1;
        } else if self.sets.len() < MAX_SETS {
            self.sets.push((differing, 1));
        } else {
            // As long as all of these are noise, the pairs are; one that is not counts for them all.
            let (set, pairs) = &mut self.others;
            *set = set.union(differing);
            *pairs += 1;
        }
    }

    fn sets(&self) -> impl Iterator<Item = &(PathSet, u64)> {
        self.sets.iter().chain([&self.others])
    }
}

fn page(min_compared: u64) -> u64 {
    min_compared.div_ceil(PAGES).max(1)
}
