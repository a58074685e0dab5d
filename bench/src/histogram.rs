//! How long things took, counted in steps that are fine enough for a percentile and never grow in number.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

/// One step, microseconds.
const STEP: usize = 10;

/// Steps; the last one takes whatever is longer than a second.
const STEPS: usize = 100_001;

/// Shared by all who count.
#[derive(Debug)]
pub(crate) struct Histogram {
    steps: Vec<AtomicU32>,
    count: AtomicU64,
}

impl Histogram {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            steps: (0..STEPS).map(|_| AtomicU32::new(0)).collect(),
            count: AtomicU64::new(0),
        }
    }

    /// Counts one.
    pub(crate) fn add(&self, took: Duration) {
        let step = usize::try_from(took.as_micros()).unwrap_or(usize::MAX) / STEP;
        self.steps[step.min(STEPS - 1)].fetch_add(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// What `percent` of them did not exceed, to a step.
    pub(crate) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut seen = 0;
        let within = self.steps.iter().position(|step| {
            seen += u64::from(step.load(Ordering::Relaxed));
            seen >= wanted
        });
        Duration::from_micros((within.unwrap_or(STEPS - 1) * STEP) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_what_so_many_did_not_exceed() {
        let histogram = Histogram::new();
        for millis in 1..=100 {
            histogram.add(Duration::from_millis(millis));
        }
        assert_eq!(histogram.count(), 100);
        let millis = |percent| histogram.percentile(percent).as_millis();
        assert_eq!((millis(50), millis(99), millis(100)), (50, 99, 100));
        histogram.add(Duration::from_secs(9));
        assert_eq!(millis(100), 1_000);
    }
}
