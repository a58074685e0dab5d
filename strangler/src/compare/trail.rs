//! The way from the root to the value at hand, and which patterns it fits.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::rules::{Rules, Unordered};
use crate::json_path::{PathPattern, Progress, Step};

/// The steps gone, and after each of them how far every pattern has been met.
#[derive(Debug)]
pub(super) struct Trail<'a> {
    patterns: Vec<&'a PathPattern>,
    /// So many patterns, the first ones, hold for all that stands below a place that fits them.
    inherited: usize,
    steps: Vec<Step<'a>>,
    /// One for each step, and one for the root before them.
    places: Vec<Place>,
    /// One word for each pattern and place.
    progress: Vec<Progress>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// The same for places that only differ in their indices.
    folded: u64,
    /// Whether it, or one above it, fits an inherited pattern.
    below: bool,
}

impl<'a> Trail<'a> {
    pub(super) fn new(
        inherited: impl IntoIterator<Item = &'a PathPattern>,
        own: impl IntoIterator<Item = &'a PathPattern>,
    ) -> Self {
        let mut patterns: Vec<_> = inherited.into_iter().collect();
        let inherited = patterns.len();
        patterns.extend(own);
        let mut trail = Self {
            progress: vec![Progress::START; patterns.len()],
            patterns,
            inherited,
            steps: Vec::new(),
            places: Vec::new(),
        };
        let below = trail.fits_inherited();
        trail.places.push(Place { folded: 0, below });
        trail
    }

    /// Goes one step, and back again when the work there is done.
    pub(super) fn enter(&mut self, step: Step<'a>) {
        let here = self.progress.len() - self.patterns.len();
        for (nth, pattern) in self.patterns.iter().enumerate() {
            if let Some(progress) = self.progress.get(here + nth) {
                self.progress.push(pattern.advance(*progress, step));
            }
        }
        self.steps.push(step);
        let above = self.place();
        self.places.push(Place {
            folded: folded(above.folded, step),
            below: above.below || self.fits_inherited(),
        });
    }

    pub(super) fn leave(&mut self) {
        self.steps.pop();
        self.places.pop();
        let gone = self.progress.len() - self.patterns.len();
        self.progress.truncate(gone);
    }

    pub(super) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    /// The same for places that only differ in their indices.
    pub(super) fn folded(&self) -> u64 {
        self.place().folded
    }

    /// Whether the place at hand, or one above it, fits an inherited pattern.
    pub(super) fn is_below(&self) -> bool {
        self.place().below
    }

    /// Whether the place at hand itself fits an inherited pattern.
    pub(super) fn fits_inherited(&self) -> bool {
        (0..self.inherited).any(|nth| self.fits_nth(nth))
    }

    /// Whether the place at hand fits the nth of the other patterns.
    pub(super) fn fits(&self, nth: usize) -> bool {
        self.fits_nth(self.inherited + nth)
    }

    fn fits_nth(&self, nth: usize) -> bool {
        let here = self.progress.len() - self.patterns.len();
        let progress = self.progress.get(here + nth);
        let pattern = self.patterns.get(nth);
        progress
            .zip(pattern)
            .is_some_and(|(progress, pattern)| pattern.is_met(*progress))
    }

    fn place(&self) -> Place {
        let root = Place {
            folded: 0,
            below: false,
        };
        self.places.last().copied().unwrap_or(root)
    }
}

fn folded(above: u64, step: Step<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    let name = match step {
        Step::Name(name) => Some(name),
        Step::Index(_) => None,
    };
    (above, name).hash(&mut hasher);
    hasher.finish()
}

/// What is ignored is inherited; the other patterns are those of unordered arrays, then those of tolerated numbers.
impl Rules {
    pub(super) fn trail(&self) -> Trail<'_> {
        let unordered = self.unordered.iter().map(|rule| &rule.path);
        let tolerance = self.tolerance.iter().map(|rule| &rule.path);
        Trail::new(&self.ignore, unordered.chain(tolerance))
    }

    /// The first rule for the array at this place.
    pub(super) fn unordered_at(&self, trail: &Trail<'_>) -> Option<&Unordered> {
        let mut rules = self.unordered.iter().enumerate();
        rules.find_map(|(nth, rule)| trail.fits(nth).then_some(rule))
    }

    /// How far apart numbers at this place may be, by the first rule for it.
    pub(super) fn tolerance_at(&self, trail: &Trail<'_>) -> Option<f64> {
        let before = self.unordered.len();
        let mut rules = self.tolerance.iter().enumerate();
        rules.find_map(|(nth, rule)| trail.fits(before + nth).then_some(rule.abs))
    }
}
