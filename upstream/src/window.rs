//! Counts over the last while, from many cores at once and without a lock.
//!
//! Time is cut into ticks of equal length. Each slot of a ring counts one tick at a time: whoever comes in a later tick
//! takes the slot over, and nobody clears anything.

use std::time::Duration;

use tokio::time::Instant;

use crate::sync::{AtomicU64, Ordering};

/// The low half of a slot is its count, the high half the tick that it counts.
const COUNT_BITS: u32 = 32;

/// Which tick it is, for ticks of any length.
#[derive(Debug)]
pub(crate) struct Ticks {
    began: Instant,
    nanoseconds: u64,
}

impl Ticks {
    /// Of this length, from now on.
    pub(crate) fn of(length: Duration) -> Self {
        Self {
            began: Instant::now(),
            nanoseconds: nanoseconds(length).max(1),
        }
    }

    /// The tick of `now`. The first is 0; the last that there is lasts for ever.
    pub(crate) fn at(&self, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.began);
        u32::try_from(nanoseconds(passed) / self.nanoseconds).unwrap_or(u32::MAX)
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// How many of something in each of the last `SLOTS` ticks.
#[derive(Debug)]
pub(crate) struct Counted<const SLOTS: usize> {
    slots: [AtomicU64; SLOTS],
}

impl<const SLOTS: usize> Default for Counted<SLOTS> {
    fn default() -> Self {
        Self {
            slots: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl<const SLOTS: usize> Counted<SLOTS> {
    /// One more in tick `tick`. What comes so late that its slot counts another tick already is left out.
    ///
    /// Whoever adds sees what those before it in the same tick had done before they added.
    pub(crate) fn add(&self, tick: u32) {
        let slot = self.slot(tick);
        let mut seen = slot.load(Ordering::Relaxed);
        while let Some(next) = one_more(seen, tick) {
            match slot.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// One less in tick `tick`, for who counted first and asked then.
    pub(crate) fn take_back(&self, tick: u32) {
        let slot = self.slot(tick);
        let mut seen = slot.load(Ordering::Relaxed);
        while tick_of(seen) == tick && count_of(seen) > 0 {
            let next = seen - 1;
            match slot.compare_exchange_weak(seen, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// How many in `tick` and the ticks of the ring before it.
    pub(crate) fn sum(&self, tick: u32) -> u64 {
        let slots = self.slots.iter().map(|slot| slot.load(Ordering::Relaxed));
        let is_recent = |word: &u64| {
            let age = tick.wrapping_sub(tick_of(*word));
            usize::try_from(age).is_ok_and(|age| age < SLOTS)
        };
        slots.filter(is_recent).map(count_of).sum()
    }

    fn slot(&self, tick: u32) -> &AtomicU64 {
        // No slot is out of bounds, and a u32 fits.
        &self.slots[tick as usize % SLOTS]
    }
}

fn tick_of(word: u64) -> u32 {
    u32::try_from(word >> COUNT_BITS).unwrap_or(u32::MAX)
}

fn count_of(word: u64) -> u64 {
    word & u64::from(u32::MAX)
}

fn one_more(seen: u64, tick: u32) -> Option<u64> {
    match tick_of(seen).cmp(&tick) {
        std::cmp::Ordering::Equal if count_of(seen) == u64::from(u32::MAX) => None,
        std::cmp::Ordering::Equal => Some(seen + 1),
        std::cmp::Ordering::Less => Some((u64::from(tick) << COUNT_BITS) + 1),
        std::cmp::Ordering::Greater => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_long_as_they_are_said_to_be() {
        let ticks = Ticks::of(Duration::from_millis(250));
        let after = |passed: Duration| ticks.at(ticks.began + passed);
        assert_eq!(after(Duration::ZERO), 0);
        assert_eq!(after(Duration::from_millis(249)), 0);
        assert_eq!(after(Duration::from_millis(250)), 1);
        assert_eq!(after(Duration::from_hours(24)), 4 * 24 * 60 * 60);
        assert_eq!(ticks.at(ticks.began - Duration::from_secs(1)), 0);
        assert_eq!(Ticks::of(Duration::ZERO).nanoseconds, 1);
    }

    #[test]
    fn only_the_last_ticks_count() {
        let counted = Counted::<4>::default();
        for tick in [0, 0, 1, 3] {
            counted.add(tick);
        }
        assert_eq!(counted.sum(3), 4);
        assert_eq!(counted.sum(4), 2);
        counted.add(4);
        assert_eq!(counted.sum(4), 3);
        assert_eq!(counted.sum(100), 0);
    }

    #[test]
    fn who_comes_late_spoils_nothing() {
        let counted = Counted::<2>::default();
        counted.add(5);
        counted.add(3);
        assert_eq!(counted.sum(5), 1);
    }

    #[test]
    fn what_was_taken_back_is_not_counted() {
        let counted = Counted::<2>::default();
        counted.add(1);
        counted.take_back(1);
        counted.take_back(1);
        assert_eq!(counted.sum(1), 0);
        counted.add(1);
        counted.take_back(0);
        assert_eq!(counted.sum(1), 1);
    }

    #[test]
    fn cores_lose_nothing() {
        let counted = Counted::<8>::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|n| counted.add(n % 8 + 8)));
            }
        });
        assert_eq!(counted.sum(15), 40_000);
    }
}
