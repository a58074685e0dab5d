//! What can go wrong on the way to a backend, and what may be done about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::endpoint::Endpoint;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There is no endpoint to call.
    NoEndpoint,
    /// No connection came about.
    Connect,
    /// No connection came about in time.
    ConnectTimeout,
    /// The backend did not begin with the request.
    Refused,
    /// The connection ended before the first byte of an answer.
    ResetBeforeHead,
    /// The answer is not HTTP.
    Malformed,
    /// No answer before the deadline.
    Timeout,
    /// The request's own body failed: its sender went away or sent too much.
    RequestBody,
    /// The upstream mostly fails and is not asked for a while.
    BreakerOpen,
    /// The upstream has as many calls as it may have at once.
    BulkheadFull,
}

impl Kind {
    /// One word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::Connect => "connect",
            Self::ConnectTimeout => "connect_timeout",
            Self::Refused => "refused",
            Self::ResetBeforeHead => "reset",
            Self::Malformed => "malformed",
            Self::Timeout => "timeout",
            Self::RequestBody => "request_body",
            Self::BreakerOpen => "breaker_open",
            Self::BulkheadFull => "bulkhead_full",
        }
    }

    /// Whether the backend was never reached, so that another endpoint may be tried with any method.
    pub fn is_connect(self) -> bool {
        matches!(self, Self::Connect | Self::ConnectTimeout)
    }
}

/// How a call came about: what was tried, and why not more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    /// From the call's beginning to the end of its last try: the head of an answer, or a failure.
    pub took: Duration,
    /// Tries that reached for an endpoint; those over a connection that turned out dead are not among them.
    pub attempts: u32,
    /// Kept connections that were closed just when they were used, and replaced.
    pub stale: u32,
    /// Why there was no further try although the failure asked for one.
    pub stopped: Option<Stopped>,
    /// So few endpoints are well that all were asked.
    pub panic: bool,
    /// It found out whether a breaker may close.
    pub probe: bool,
}

/// Why a call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// All tries were made.
    Attempts,
    /// The upstream's budget of retries is spent.
    Budget,
    /// Too little time was left.
    Deadline,
    /// The request may have been acted on, and nobody said that doing it twice is the same.
    Method,
    /// Too much of the request's body had passed.
    Body,
}

impl Stopped {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Attempts,
        Self::Budget,
        Self::Deadline,
        Self::Method,
        Self::Body,
    ];

    /// One word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Budget => "budget",
            Self::Deadline => "deadline",
            Self::Method => "method",
            Self::Body => "body",
        }
    }
}

/// A call without an answer.
#[derive(Debug)]
pub struct CallError {
    /// What went wrong.
    pub kind: Kind,
    /// Where, as far as an endpoint had been chosen.
    pub endpoint: Option<Arc<Endpoint>>,
    /// How it came to that.
    pub trail: Trail,
    /// When it is of use to ask again.
    pub retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl CallError {
    /// An error without a cause below it.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            endpoint: None,
            trail: Trail::default(),
            retry_after: None,
            source: None,
        }
    }

    /// An error with its cause.
    pub fn caused(kind: Kind, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            source: Some(source.into()),
            ..Self::new(kind)
        }
    }

    /// It is of use to ask again after `wait`.
    pub fn until_later(kind: Kind, wait: Duration) -> Self {
        Self {
            retry_after: Some(wait),
            ..Self::new(kind)
        }
    }

    /// Adds where it happened.
    #[must_use]
    pub fn at(self, endpoint: &Arc<Endpoint>) -> Self {
        Self {
            endpoint: Some(Arc::clone(endpoint)),
            ..self
        }
    }

    /// Adds how it came to that.
    #[must_use]
    pub fn after(self, trail: Trail) -> Self {
        Self { trail, ..self }
    }

    /// The first cause of type `E`, however deep.
    pub fn cause<E: StdError + 'static>(&self) -> Option<&E> {
        let mut cause = self.source();
        while let Some(error) = cause {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            cause = error.source();
        }
        None
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match self.kind {
            Kind::NoEndpoint => "no endpoint",
            Kind::Connect => "connecting failed",
            Kind::ConnectTimeout => "connecting took too long",
            Kind::Refused => "the request was refused unread",
            Kind::ResetBeforeHead => "the connection ended before an answer",
            Kind::Malformed => "the answer is not HTTP",
            Kind::Timeout => "no answer before the deadline",
            Kind::RequestBody => "the request's body ended early",
            Kind::BreakerOpen => "too many calls failed, so it is not asked for a while",
            Kind::BulkheadFull => "it has as many calls as it may have at once",
        };
        f.write_str(said)?;
        if let Some(endpoint) = &self.endpoint {
            write!(f, " ({endpoint})")?;
        }
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for CallError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// A try without an answer.
#[derive(Debug)]
pub struct Failed {
    /// What went wrong.
    pub error: CallError,
    /// No byte of the request went out.
    pub unsent: bool,
    /// Whether it went over a connection that had served before, which the other side may have been closing.
    pub reused: Reused,
}

/// Whether a connection had served before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reused {
    /// It was new.
    No,
    /// It was kept.
    Yes,
    /// The HTTP client does not say.
    Unknown,
}

impl Failed {
    /// There was no answer in time.
    pub fn late() -> Self {
        Self {
            error: CallError::new(Kind::Timeout),
            unsent: false,
            reused: Reused::No,
        }
    }

    /// No connection came about.
    pub fn connecting(error: CallError) -> Self {
        Self {
            error,
            unsent: true,
            reused: Reused::No,
        }
    }
}
