//! Time, handed in. Code that asks what time it is takes a [`Clock`], so that a test can stop it.
//!
//! Timers (waiting for a time to come) are the runtime's business; its own paused clock serves tests there.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Where "now" comes from. Cheap to clone and to ask.
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<ManualTime>),
}

/// The hand of a stopped clock: it moves only when told to.
#[derive(Debug)]
pub struct ManualTime {
    start: Instant,
    unix_start: Duration,
    passed_ns: AtomicU64,
}

impl ManualTime {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        self.passed_ns.fetch_add(by, Ordering::SeqCst);
    }

    fn passed(&self) -> Duration {
        Duration::from_nanos(self.passed_ns.load(Ordering::SeqCst))
    }
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still at `unix` (time since 1970) until its hand is moved.
    pub fn manual(unix: Duration) -> (Self, Arc<ManualTime>) {
        let hand = Arc::new(ManualTime {
            start: system_instant(),
            unix_start: unix,
            passed_ns: AtomicU64::new(0),
        });
        (Self(Source::Manual(Arc::clone(&hand))), hand)
    }

    /// Monotonic time, for measuring how long something took.
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::System => system_instant(),
            Source::Manual(hand) => hand.start + hand.passed(),
        }
    }

    /// Wall time since 1970 in UTC, for what leaves the process: log lines, token expiry.
    pub fn unix(&self) -> Duration {
        match &self.0 {
            Source::System => system_unix(),
            Source::Manual(hand) => hand.unix_start + hand.passed(),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn system_instant() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the machine's clock"
)]
fn system_unix() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let (clock, hand) = Clock::manual(Duration::from_secs(1_000));
        let before = clock.now();
        assert_eq!(clock.now(), before);
        hand.advance(Duration::from_secs(5));
        assert_eq!(clock.now() - before, Duration::from_secs(5));
        assert_eq!(clock.unix(), Duration::from_secs(1_005));
    }
}
