//! Time as something to spend: a screen's budget, what of it a part gets, and when it is too late to begin.

use std::time::Duration;

use tokio::time::Instant;

use crate::reason::Reason;

/// What is kept back for composing the answer, in hundredths of the whole.
const RESERVE_PERCENT: u32 = 15;

/// And at least so much.
const RESERVE_MIN: Duration = Duration::from_millis(20);

/// With less than this left, a call would only be made to be given up.
const WORTH_STARTING: Duration = Duration::from_millis(5);

/// When the parts of one screen must be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    ends: Instant,
}

/// How long one part may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whether a call may still begin. What is kept takes no time, and may be given all the same.
    pub may_begin: bool,
    /// When it is over.
    pub ends: Instant,
    /// What it means when it is over: the part's own time, or the caller's.
    pub reason: Reason,
}

impl Budget {
    /// For a screen that starts at `now` and has `own` time, or less when its caller waits less: `inbound`.
    pub fn new(now: Instant, own: Duration, inbound: Option<Duration>) -> Self {
        let whole = inbound.map_or(own, |inbound| own.min(inbound));
        let reserve = (whole * RESERVE_PERCENT / 100).max(RESERVE_MIN);
        Self {
            ends: now + whole.saturating_sub(reserve),
        }
    }

    /// What a part with a `timeout` of its own gets from `now` on.
    pub fn part(self, now: Instant, timeout: Duration) -> Allowance {
        let left = self.ends.saturating_duration_since(now);
        let (ends, reason) = if timeout <= left {
            (now + timeout, Reason::Timeout)
        } else {
            (self.ends, Reason::Deadline)
        };
        Allowance {
            may_begin: left >= WORTH_STARTING,
            ends,
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(own: u64, inbound: Option<u64>) -> u128 {
        let now = Instant::now();
        let ms = Duration::from_millis;
        (Budget::new(now, ms(own), inbound.map(ms)).ends - now).as_millis()
    }

    #[test]
    fn the_reserve_is_15_percent_and_at_least_20_ms() {
        assert_eq!(left(1000, None), 850);
        assert_eq!(left(1000, Some(120)), 100);
        assert_eq!(left(100, Some(5000)), 80);
        assert_eq!(left(1000, Some(10)), 0);
    }

    #[test]
    fn a_part_gets_the_smaller_of_its_own_time_and_what_is_left() {
        let now = Instant::now();
        let ms = Duration::from_millis;
        let budget = Budget::new(now, ms(1000), None);
        let own = budget.part(now, ms(150));
        assert_eq!((own.ends - now, own.reason), (ms(150), Reason::Timeout));
        let late = budget.part(now + ms(800), ms(150));
        assert_eq!((late.ends - now, late.reason), (ms(850), Reason::Deadline));
        for (at, may_begin) in [(0, true), (845, true), (846, false), (9999, false)] {
            let part = budget.part(now + ms(at), ms(150));
            assert_eq!(part.may_begin, may_begin, "{at}");
        }
    }
}
