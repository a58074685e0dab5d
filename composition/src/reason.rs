//! How a part of a screen came out, and why: the words that markers, metrics and problems use.

use std::fmt;

/// How a part came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// As its backend says now, or said a moment ago.
    Ok,
    /// An older answer, because there was no new one.
    Stale,
    /// What was declared for this case.
    Default,
    /// It is missing, in part or as a whole.
    Omitted,
    /// It was needed, so there is no screen.
    Failed,
    /// It was never asked for.
    Skipped,
}

/// Why a part is not as its backend says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The part's own time was over.
    Timeout,
    /// The backend could not be reached, or broke off.
    Connect,
    /// The backend failed.
    Status5xx,
    /// The backend refused.
    Status4xx,
    /// The backend has failed too often lately.
    BreakerOpen,
    /// The backend has as many calls of ours as it may have.
    BulkheadFull,
    /// The answer is not what was agreed on, or too large.
    Decode,
    /// The caller's time was over.
    Deadline,
    /// Too little of the time was left to begin.
    Budget,
}

impl Status {
    /// One word for markers and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Stale => "stale",
            Self::Default => "default",
            Self::Omitted => "omitted",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Reason {
    /// One word for markers and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Status5xx => "5xx",
            Self::Status4xx => "4xx",
            Self::BreakerOpen => "breaker_open",
            Self::BulkheadFull => "bulkhead_full",
            Self::Decode => "decode",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
