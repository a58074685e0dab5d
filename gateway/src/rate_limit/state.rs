//! Live buckets: GCRA by governor over a store of bounded size. Shared by all cores, kept over reloads.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use quick_cache::sync::Cache;

use super::config::Rate;

/// Keys that are remembered at once. A key that falls out starts with a full bucket: with ten million random keys the
/// memory stays at this many, about 15 MiB.
const KEYS: usize = 100_000;

/// What is counted, as 128 bits of a keyed hash: strangers cannot aim at somebody else's bucket, and every key is as
/// small as any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(super) [u64; 2]);

/// The buckets of one limit at one rate.
pub struct Buckets<C: Clock = DefaultClock> {
    limiter: RateLimiter<Key, Store, C, StateInformationMiddleware>,
    clock: C,
    refill: Duration,
    burst: u32,
}

/// What a bucket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passes; so many more could come at once, and a full bucket is this far away.
    Within {
        /// Requests that would still pass now.
        remaining: u32,
        /// Until the bucket is full again.
        reset: Duration,
    },
    /// It does not; one more passes after this.
    Over {
        /// Until the next request would pass.
        retry_after: Duration,
    },
}

impl<C: Clock> std::fmt::Debug for Buckets<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buckets")
            .field("refill", &self.refill)
            .field("burst", &self.burst)
            .finish_non_exhaustive()
    }
}

struct Store(Cache<Key, Arc<InMemoryState>>);

impl StateStore for Store {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = match self.0.get(key) {
            Some(state) => state,
            None => self.insert(*key),
        };
        state.measure_and_replace(&NotKeyed::NonKey, f)
    }
}

impl Store {
    fn insert(&self, key: Key) -> Arc<InMemoryState> {
        let fresh = || Ok::<_, std::convert::Infallible>(Arc::new(InMemoryState::default()));
        match self.0.get_or_insert_with(&key, fresh) {
            Ok(state) => state,
            Err(never) => match never {},
        }
    }
}

impl Buckets {
    /// Full buckets on the machine's clock.
    pub fn new(rate: Rate, burst: NonZeroU32) -> Self {
        Self::with_clock(rate, burst, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Buckets<C> {
    fn with_clock(rate: Rate, burst: NonZeroU32, clock: C) -> Self {
        // A rate of a billion a second and more has no measurable interval left.
        let refill = (rate.per / rate.count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(refill)
            .unwrap_or(Quota::per_second(rate.count))
            .allow_burst(burst);
        let store = Store(Cache::new(KEYS));
        let limiter = RateLimiter::new(quota, store, clock.clone());
        Self {
            limiter,
            clock,
            refill,
            burst: burst.get(),
        }
    }

    /// Takes one from the key's bucket.
    pub fn check(&self, key: Key) -> Verdict {
        match self.limiter.check_key(&key) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity();
                let missing = self.burst.saturating_sub(remaining);
                Verdict::Within {
                    remaining,
                    reset: self.refill * missing,
                }
            }
            Err(not_until) => Verdict::Over {
                retry_after: not_until.wait_time_from(self.clock.now()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;

    fn buckets(count: u32, burst: u32) -> (Buckets<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let rate = Rate {
            count: NonZeroU32::new(count).unwrap(),
            per: Duration::from_secs(1),
        };
        (
            Buckets::with_clock(rate, NonZeroU32::new(burst).unwrap(), clock.clone()),
            clock,
        )
    }

    #[test]
    fn the_burst_passes_then_the_rate() {
        let (buckets, clock) = buckets(10, 3);
        let key = Key([1, 2]);
        for remaining in [2, 1, 0] {
            let reset = Duration::from_millis(u64::from(3 - remaining) * 100);
            assert_eq!(buckets.check(key), Verdict::Within { remaining, reset });
        }
        let retry_after = Duration::from_millis(100);
        assert_eq!(buckets.check(key), Verdict::Over { retry_after });
        assert!(matches!(buckets.check(Key([3, 4])), Verdict::Within { .. }));
        clock.advance(retry_after);
        assert!(matches!(
            buckets.check(key),
            Verdict::Within { remaining: 0, .. }
        ));
        assert!(matches!(buckets.check(key), Verdict::Over { .. }));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_frees_nobody_who_is_asked_often() {
        let (buckets, _clock) = buckets(1, 1);
        let watched = Key([u64::MAX, 0]);
        assert!(matches!(buckets.check(watched), Verdict::Within { .. }));
        for n in 0..3 * KEYS as u64 {
            buckets.check(Key([n, 1]));
            if n % 1_000 == 0 {
                assert!(
                    matches!(buckets.check(watched), Verdict::Over { .. }),
                    "{n}"
                );
            }
        }
    }
}
