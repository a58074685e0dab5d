//! An endpoint as an operator sees it.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use super::Member;
use crate::ejection;
use crate::endpoint::condition::{Rules, Standing};

/// How an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It gets its share.
    Up,
    /// It grows into its share.
    SlowStart,
    /// Its failures have put it out for a while.
    Ejected,
    /// Checks say that it is ill.
    Down,
}

impl State {
    /// In a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::SlowStart => "slow_start",
            Self::Ejected => "ejected",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One endpoint of a fleet.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Where it is.
    pub url: String,
    /// As written.
    pub weight: u32,
    /// Requests that it has not finished answering.
    pub in_flight: u32,
    /// How long it has taken of late, if anything is known.
    pub ewma: Option<Duration>,
    /// How it stands.
    pub state: State,
    /// Why it gets no requests.
    pub reason: Option<String>,
    /// For how long that has been so.
    pub since: Option<Duration>,
    /// For how long it will still be out.
    pub ejected_for: Option<Duration>,
    /// How often it was put out, less what time in use has taken back.
    pub times_ejected: u32,
    /// How often it was put out in all.
    pub ejections: u64,
    /// Calls to it that came to an end.
    pub tries: u64,
    /// Those of them that failed.
    pub failures: u64,
}

impl Shown {
    pub(super) fn new(
        member: &Member,
        rules: Rules<'_>,
        settings: &ejection::Settings,
        now: Instant,
    ) -> Self {
        let endpoint = &member.endpoint;
        let (succeeded, failed) = endpoint.calls();
        let standing = endpoint.standing(rules, now);
        let condition = endpoint.condition();
        let (state, reason, until) = match standing {
            Standing::Up => (State::Up, None, None),
            Standing::Growing { .. } => (State::SlowStart, None, None),
            Standing::Ejected { until } => {
                (State::Ejected, condition.ejection.reason(), Some(until))
            }
            Standing::Down => (State::Down, condition.health.reason(), None),
        };
        let (reason, since) = reason.unzip();
        Self {
            url: endpoint.to_string(),
            weight: member.weight,
            in_flight: endpoint.in_flight(),
            ewma: endpoint.latency(now).map(Duration::from_secs_f32),
            state,
            reason,
            since: since.map(|since| now.saturating_duration_since(since)),
            ejected_for: until.map(|until| until.saturating_duration_since(now)),
            times_ejected: condition.ejection.times(settings, now),
            ejections: condition.ejection.total(),
            tries: succeeded + failed,
            failures: failed,
        }
    }
}
