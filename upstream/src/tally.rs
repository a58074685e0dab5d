//! What the policies of one upstream decided, counted. Calls that go well at once count nothing here.

use crate::error::{Kind, Stopped};
use crate::sync::{AtomicU64, Ordering};

/// Why a try was repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No connection came about.
    Connect,
    /// The backend did not begin with the request.
    Refused,
    /// The connection ended before an answer.
    Reset,
    /// The try took longer than a try may.
    Timeout,
    /// The backend's answer said so.
    Status,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Connect,
        Self::Refused,
        Self::Reset,
        Self::Timeout,
        Self::Status,
    ];

    /// One word for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Status => "status",
        }
    }

    /// Of a try without an answer.
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Refused => Self::Refused,
            Kind::Timeout => Self::Timeout,
            Kind::Connect | Kind::ConnectTimeout | Kind::NoEndpoint => Self::Connect,
            Kind::ResetBeforeHead
            | Kind::Malformed
            | Kind::RequestBody
            | Kind::BreakerOpen
            | Kind::BulkheadFull => Self::Reset,
        }
    }
}

/// One upstream's counts. They stay when the file is reloaded.
#[derive(Debug, Default)]
pub struct Tally {
    retries: [AtomicU64; Cause::ALL.len()],
    stopped: [AtomicU64; Stopped::ALL.len()],
    /// Kept connections that were closed just when they were used.
    stale: AtomicU64,
    /// Calls that found no place.
    bulkhead_full: AtomicU64,
    /// Calls that asked any endpoint because so few are well.
    panics: AtomicU64,
}

impl Tally {
    /// Another try was made.
    pub fn retried(&self, cause: Cause) {
        add(&self.retries[Cause::ALL.iter().position(|one| *one == cause).unwrap_or(0)]);
    }

    /// None was made.
    pub fn stopped(&self, why: Stopped) {
        add(&self.stopped[Stopped::ALL.iter().position(|one| *one == why).unwrap_or(0)]);
    }

    /// A kept connection was dead.
    pub fn stale(&self) {
        add(&self.stale);
    }

    /// A call found no place.
    pub fn bulkhead_full(&self) {
        add(&self.bulkhead_full);
    }

    /// A call asked any endpoint.
    pub fn panicked(&self) {
        add(&self.panics);
    }

    /// All counts.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            retries: std::array::from_fn(|at| (Cause::ALL[at], read(&self.retries[at]))),
            stopped: std::array::from_fn(|at| (Stopped::ALL[at], read(&self.stopped[at]))),
            stale: read(&self.stale),
            bulkhead_full: read(&self.bulkhead_full),
            panics: read(&self.panics),
        }
    }
}

/// What a [`Tally`] has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Further tries, by what they came after.
    pub retries: [(Cause, u64); Cause::ALL.len()],
    /// Failures that asked for a further try and got none, by why.
    pub stopped: [(Stopped, u64); Stopped::ALL.len()],
    /// Kept connections that were closed just when they were used.
    pub stale: u64,
    /// Calls that found no place.
    pub bulkhead_full: u64,
    /// Calls that asked any endpoint because so few are well.
    pub panics: u64,
}

fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}
