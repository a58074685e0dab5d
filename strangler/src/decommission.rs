//! How long legacy has gone unused, of the time in which somebody was watching.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A longer silence between two looks was watched by nobody.
pub const OBSERVE_GAP_MAX: Duration = Duration::from_mins(10);

/// One route's clock. It stands still while no gateway is watching, and starts again at every use of legacy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegacyClock {
    observed: Duration,
    last_look: Option<Duration>,
    last_used: Option<Duration>,
}

/// Whether legacy may be switched off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Unused for long enough.
    Allowed,
    /// Not yet.
    Refused {
        /// How much longer it must go unused, and be watched.
        left: Duration,
        /// How long altogether.
        required: Duration,
    },
}

/// A time span in words: `12 d 3 h 4 m`. What is less than a minute counts as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl LegacyClock {
    /// A gateway is watching at this moment. The time since the last look counts, unless nobody can have watched all of it.
    pub fn watched(&mut self, now: Duration, gap_max: Duration) {
        let Some(last) = self.last_look else {
            self.last_look = Some(now);
            return;
        };
        match now.checked_sub(last) {
            Some(gap) => {
                if gap <= gap_max {
                    self.observed = self.observed.saturating_add(gap);
                }
                self.last_look = Some(now);
            }
            // Replicas' clocks differ a little: their time must not count twice.
            None if last.abs_diff(now) <= gap_max => {}
            // The clock was set back: from here on it is right.
            None => self.last_look = Some(now),
        }
    }

    /// Legacy answered a request. However late that is heard of, the wait starts again.
    pub fn used(&mut self, at: Duration) {
        self.observed = Duration::ZERO;
        self.last_used = Some(later(self.last_used, at));
        self.last_look = Some(later(self.last_look, at));
    }

    /// What another gateway knows of the same route: a later use counts here too, and so does what it watched since the
    /// same use.
    pub fn hear(&mut self, other: &Self, now: Duration) {
        if let Some(used) = other.last_used {
            // Its time may be ahead of ours.
            let used = used.min(now);
            if self.last_used.is_none_or(|known| known < used) {
                self.used(used);
            }
        }
        if self.last_used == other.last_used {
            self.observed = self.observed.max(other.observed);
        }
    }

    /// How long legacy has gone unused while somebody watched.
    pub fn observed(&self) -> Duration {
        self.observed
    }

    /// When legacy last answered a request, as far as is known.
    pub fn last_used(&self) -> Option<Duration> {
        self.last_used
    }

    /// How much longer it must go unused.
    pub fn left(&self, required: Duration) -> Duration {
        required.saturating_sub(self.observed)
    }

    /// Whether it may be switched off.
    pub fn verdict(&self, required: Duration) -> Verdict {
        match self.left(required) {
            Duration::ZERO => Verdict::Allowed,
            left => Verdict::Refused { left, required },
        }
    }
}

/// The later one of two times. One that is too far ahead comes from a clock that was wrong, and is forgotten.
fn later(known: Option<Duration>, now: Duration) -> Duration {
    let known = known.filter(|known| known.saturating_sub(now) <= OBSERVE_GAP_MAX);
    known.map_or(now, |known| known.max(now))
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed => f.write_str("allowed"),
            Self::Refused { left, .. } => write!(f, "{} left", Span(*left)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let started = u64::from(self.0.subsec_nanos() > 0);
        let seconds = self.0.as_secs().saturating_add(started);
        let minutes = seconds.div_ceil(60);
        let (days, hours) = (minutes / (24 * 60), minutes / 60 % 24);
        write!(f, "{days} d {hours} h {} m", minutes % 60)
    }
}

#[cfg(test)]
mod tests;
