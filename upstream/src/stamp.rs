//! A moment in four bytes, so that it fits into one atomic word beside what happened then.

use std::time::Duration;

use tokio::time::Instant;

/// Milliseconds since a beginning that its user knows; after 49 days it starts again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u32);

impl Stamp {
    /// `now`, counted from `began`.
    pub(crate) fn new(began: Instant, now: Instant) -> Self {
        let passed = now.saturating_duration_since(began);
        let millis = passed.as_secs().wrapping_mul(1000) + u64::from(passed.subsec_millis());
        Self(low_half(millis))
    }

    /// How long `earlier` is past. Cores do not read their clocks together: what seems to be yet to come is now.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        let age = self.0.wrapping_sub(earlier.0);
        let age = if age > u32::MAX / 2 { 0 } else { age };
        Duration::from_millis(u64::from(age))
    }

    /// One word of `high` and the moment.
    pub(crate) fn beside(self, high: u32) -> u64 {
        (u64::from(high) << u32::BITS) | u64::from(self.0)
    }

    /// What [`Self::beside`] made a word of.
    pub(crate) fn apart(word: u64) -> (u32, Self) {
        (low_half(word >> u32::BITS), Self(low_half(word)))
    }
}

fn low_half(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_an_age_even_when_the_count_starts_again() {
        let began = Instant::now();
        let at = |millis| Stamp::new(began, began + Duration::from_millis(millis));
        assert_eq!(at(250).since(at(50)), Duration::from_millis(200));
        assert_eq!(at(50).since(at(250)), Duration::ZERO);
        let last = u64::from(u32::MAX);
        assert_eq!(at(last + 11).since(at(last)), Duration::from_millis(11));
    }

    #[test]
    fn a_word_comes_apart_as_it_was_put_together() {
        let at = Stamp(77);
        assert_eq!(Stamp::apart(at.beside(5)), (5, at));
        assert_eq!(Stamp::apart(at.beside(u32::MAX)), (u32::MAX, at));
    }
}
