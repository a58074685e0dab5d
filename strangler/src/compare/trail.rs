//! The way from the root to the value at hand, and which patterns it fits.

use super::rules::{Rules, Unordered};
use crate::json::Decimal;
use crate::json_path::{Location, PathPattern, Progress, Step};

/// The steps gone, and after each of them how far every pattern has been met.
#[derive(Debug)]
pub(super) struct Trail<'a> {
    patterns: Vec<&'a PathPattern>,
    steps: Vec<Step<'a>>,
    /// One word for each pattern and place, the root first.
    progress: Vec<Progress>,
}

impl<'a> Trail<'a> {
    pub(super) fn new(patterns: impl IntoIterator<Item = &'a PathPattern>) -> Self {
        let patterns: Vec<_> = patterns.into_iter().collect();
        Self {
            progress: vec![Progress::START; patterns.len()],
            patterns,
            steps: Vec::new(),
        }
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
    }

    pub(super) fn leave(&mut self) {
        self.steps.pop();
        let gone = self.progress.len() - self.patterns.len();
        self.progress.truncate(gone);
    }

    pub(super) fn steps(&self) -> &[Step<'a>] {
        &self.steps
    }

    pub(super) fn location(&self) -> Location<'_> {
        Location(&self.steps)
    }

    /// Whether the place at hand fits the nth pattern.
    pub(super) fn fits(&self, nth: usize) -> bool {
        let here = self.progress.len() - self.patterns.len();
        self.met(here, nth)
    }

    /// Whether the place at hand fits one of the first `count` patterns.
    pub(super) fn fits_any(&self, count: usize) -> bool {
        (0..count).any(|nth| self.fits(nth))
    }

    /// Whether the place at hand, or one above it, fits one of the first `count` patterns.
    pub(super) fn is_below_any(&self, count: usize) -> bool {
        (0..=self.steps.len())
            .map(|depth| depth * self.patterns.len())
            .any(|place| (0..count).any(|nth| self.met(place, nth)))
    }

    fn met(&self, place: usize, nth: usize) -> bool {
        let progress = self.progress.get(place + nth);
        let pattern = self.patterns.get(nth);
        progress
            .zip(pattern)
            .is_some_and(|(progress, pattern)| pattern.is_met(*progress))
    }
}

/// The patterns of a trail under rules stand in this order: ignore, unordered, tolerance.
impl Rules {
    pub(super) fn trail(&self) -> Trail<'_> {
        let unordered = self.unordered.iter().map(|rule| &rule.path);
        let tolerance = self.tolerance.iter().map(|rule| &rule.path);
        Trail::new(self.ignore.iter().chain(unordered).chain(tolerance))
    }

    /// Whether the place itself is ignored.
    pub(super) fn ignores(&self, trail: &Trail<'_>) -> bool {
        trail.fits_any(self.ignore.len())
    }

    /// Whether the place or one above it is ignored.
    pub(super) fn ignores_below(&self, trail: &Trail<'_>) -> bool {
        trail.is_below_any(self.ignore.len())
    }

    /// The first rule for the array at this place.
    pub(super) fn unordered_at(&self, trail: &Trail<'_>) -> Option<&Unordered> {
        let first = self.ignore.len();
        let mut rules = self.unordered.iter().enumerate();
        rules.find_map(|(nth, rule)| trail.fits(first + nth).then_some(rule))
    }

    /// How far apart numbers at this place may be, by the first rule for it.
    pub(super) fn tolerance_at(&self, trail: &Trail<'_>) -> Option<Decimal> {
        let first = self.ignore.len() + self.unordered.len();
        let mut rules = self.tolerance.iter().enumerate();
        let rule = rules.find_map(|(nth, rule)| trail.fits(first + nth).then_some(rule))?;
        Decimal::of(rule.abs)
    }
}
