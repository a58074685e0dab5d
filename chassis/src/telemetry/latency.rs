//! Latencies in logarithmic buckets: recorded without a lock, merged by adding, right within 1 % at every quantile.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Each bucket is this much wider than the one before; the middle of a bucket is within 1 % of all that it holds.
const GAMMA: f64 = 1.0202;

/// What is faster falls into the first bucket.
const FASTEST_US: f64 = 100.0;

/// 100 us .. 60 s.
const BUCKETS: usize = 666;
const LAST: f64 = 665.0;

/// The bounds, in seconds, that `/metrics` shows.
pub const SHOWN_BOUNDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// One series of latencies. 2.6 KiB; one per core and series, so that no two cores write the same line of memory.
pub struct Latency {
    counts: Box<[AtomicU32; BUCKETS]>,
}

impl std::fmt::Debug for Latency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Latency({} recorded)", self.total())
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self {
            counts: Box::new([const { AtomicU32::new(0) }; BUCKETS]),
        }
    }
}

impl Latency {
    /// Counts one.
    pub fn record(&self, took: Duration) {
        self.counts[bucket(took)].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were recorded.
    pub fn total(&self) -> u64 {
        self.counts
            .iter()
            .map(|count| u64::from(count.load(Ordering::Relaxed)))
            .sum()
    }

    /// Adds this series to `sum`: per shown bound (and one for all above) a count, and the seconds in all.
    pub fn add_to(&self, sum: &mut Shown) {
        for (index, count) in self.counts.iter().enumerate() {
            let count = u64::from(count.load(Ordering::Relaxed));
            if count > 0 {
                let seconds = middle_seconds(index);
                let slot = SHOWN_BOUNDS
                    .iter()
                    .position(|bound| seconds <= *bound)
                    .unwrap_or(SHOWN_BOUNDS.len());
                sum.counts[slot] += count;
                #[expect(clippy::cast_precision_loss, reason = "a sum of seconds for a graph")]
                let all = count as f64 * seconds;
                sum.seconds += all;
            }
        }
    }
}

/// Several series added up into the coarse buckets of `/metrics`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Not cumulative; the last one is above every bound.
    pub counts: [u64; SHOWN_BOUNDS.len() + 1],
    /// All latencies added.
    pub seconds: f64,
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the buckets there are"
)]
fn bucket(took: Duration) -> usize {
    let us = took.as_secs_f64() * 1e6;
    if us <= FASTEST_US {
        return 0;
    }
    ((us / FASTEST_US).ln() / GAMMA.ln()).ceil().min(LAST) as usize
}

fn middle_seconds(index: usize) -> f64 {
    let upper = FASTEST_US * GAMMA.powi(i32::try_from(index).unwrap_or(i32::MAX)) / 1e6;
    2.0 * upper / (1.0 + GAMMA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_bucket_is_within_one_percent_of_what_it_holds() {
        for us in (101..59_000_000).step_by(9_973) {
            let took = Duration::from_micros(us);
            let error = (middle_seconds(bucket(took)) / took.as_secs_f64() - 1.0).abs();
            assert!(error <= 0.0101, "{us} us: {error}");
        }
    }

    #[test]
    fn extremes_fall_into_the_first_and_the_last_bucket() {
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::from_hours(1)), BUCKETS - 1);
        let latency = Latency::default();
        latency.record(Duration::from_millis(2));
        latency.record(Duration::from_secs(30));
        let mut shown = Shown::default();
        latency.add_to(&mut shown);
        assert_eq!(shown.counts[2], 1);
        assert_eq!(shown.counts[SHOWN_BOUNDS.len()], 1);
        assert_eq!(latency.total(), 2);
    }
}
