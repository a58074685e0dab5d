//! What can go wrong on the way to a backend, and what may be done about it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Request;

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

/// A call without an answer.
#[derive(Debug)]
pub struct CallError {
    /// What went wrong.
    pub kind: Kind,
    /// Where, as far as an endpoint had been chosen.
    pub endpoint: Option<Arc<Endpoint>>,
    /// How many attempts were made.
    pub attempts: u32,
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
            attempts: 0,
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

    /// Adds where it happened, and how often it was tried.
    #[must_use]
    pub fn at(self, endpoint: &Arc<Endpoint>, attempts: u32) -> Self {
        Self {
            endpoint: Some(Arc::clone(endpoint)),
            attempts,
            ..self
        }
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

/// A failed attempt; the request comes back when no byte of it was sent.
#[derive(Debug)]
pub struct Failed<B> {
    /// What went wrong.
    pub error: CallError,
    /// The request, untouched.
    pub unsent: Option<Box<Request<B>>>,
}
