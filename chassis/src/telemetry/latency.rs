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

/// Several series added up, bucket by bucket in order; those that nothing fell into take no room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch(Box<[(u16, u32)]>);

impl Sketch {
    /// Adds what a series has recorded.
    pub fn add(&mut self, series: &Latency) {
        let counts = series.counts.iter();
        let counts = (0..).zip(counts.map(|count| u64::from(count.load(Ordering::Relaxed))));
        self.merge(&counts.filter(|(_, count)| *count > 0).collect());
    }

    /// Adds another sketch: the same as if both had been recorded into one.
    pub fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
        } else if !other.0.is_empty() {
            *self = self.buckets().chain(other.buckets()).collect();
        }
    }

    /// What this one has and `earlier`, an older look at the same series, did not have.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let mut earlier = earlier.buckets().peekable();
        let new = self.buckets().map(|(bucket, count)| {
            while earlier.next_if(|(before, _)| *before < bucket).is_some() {}
            let before = earlier.next_if(|(before, _)| *before == bucket);
            (
                bucket,
                count.saturating_sub(before.map_or(0, |(_, count)| count)),
            )
        });
        new.filter(|(_, count)| *count > 0).collect()
    }

    /// How many were recorded.
    pub fn total(&self) -> u64 {
        self.buckets().map(|(_, count)| count).sum()
    }

    /// The latency that the share `q` (0 to 1) of all stays within, right within 1 %; nothing when nothing was recorded.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank among counted requests"
    )]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let rank = ((self.total() as f64 * q).ceil() as u64).max(1);
        let mut seen = 0;
        let bucket = self.buckets().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then_some(bucket)
        })?;
        Some(Duration::from_secs_f64(middle_seconds(bucket.into())))
    }

    /// The buckets and their counts, for whoever keeps them.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> {
        let buckets = self.0.iter();
        buckets.map(|(bucket, count)| (*bucket, u64::from(*count)))
    }
}

/// Buckets in any order, the same one perhaps more than once; those that do not exist are left out.
impl FromIterator<(u16, u64)> for Sketch {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(buckets: I) -> Self {
        let known = |(bucket, _): &(u16, u64)| usize::from(*bucket) < BUCKETS;
        let mut all: Vec<(u16, u64)> = buckets.into_iter().filter(known).collect();
        all.sort_unstable_by_key(|(bucket, _)| *bucket);
        all.dedup_by(|next, first| {
            let same = next.0 == first.0;
            if same {
                first.1 += next.1;
            }
            same
        });
        let short = |count| u32::try_from(count).unwrap_or(u32::MAX);
        let all = all.into_iter();
        Self(all.map(|(bucket, count)| (bucket, short(count))).collect())
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

    /// Box and Muller's way from two even numbers to a normal one.
    fn lognormal(dice: &mut fastrand::Rng) -> Duration {
        let (u, v) = (dice.f64().max(f64::MIN_POSITIVE), dice.f64());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        Duration::from_secs_f64((0.02 * (0.8 * normal).exp()).clamp(0.000_1, 60.0))
    }

    #[test]
    fn quantiles_of_a_million_are_within_one_percent() {
        let mut dice = fastrand::Rng::with_seed(7);
        let mut all: Vec<Duration> = (0..1_000_000).map(|_| lognormal(&mut dice)).collect();
        let series = [Latency::default(), Latency::default()];
        for (index, took) in all.iter().enumerate() {
            series[index % 2].record(*took);
        }
        all.sort_unstable();
        let mut sketch = Sketch::default();
        for one in &series {
            sketch.add(one);
        }
        for (q, rank) in [(0.5, 500_000), (0.95, 950_000), (0.99, 990_000)] {
            let (told, exact) = (sketch.quantile(q).unwrap(), all[rank - 1]);
            let error = (told.as_secs_f64() / exact.as_secs_f64() - 1.0).abs();
            assert!(error <= 0.0101, "{q}: {told:?}, exactly {exact:?}");
        }
    }

    #[test]
    fn a_sketch_that_is_taken_apart_adds_up_again() {
        let series = Latency::default();
        series.record(Duration::from_millis(2));
        let mut first = Sketch::default();
        first.add(&series);
        series.record(Duration::from_millis(2));
        series.record(Duration::from_secs(1));
        let mut both = Sketch::default();
        both.add(&series);
        let new = both.since(&first);
        assert_eq!(new.total(), 2);
        let mut again: Sketch = first.buckets().chain([(u16::MAX, 7)]).collect();
        again.merge(&new);
        assert_eq!(again, both);
        assert_eq!(Sketch::default().quantile(0.5), None);
    }
}
