//! How a call gets to its backend and comes back: the seam between composing and the network.

mod http;

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use upstream::bulkhead::Permit;

pub use self::http::{HttpCarrier, carry};
use crate::backend::Backend;
use crate::budget::Allowance;
use crate::cohort::{Side, Way};
use crate::lost::Lost;
use crate::need::Need;
use crate::reason::Reason;

/// Larger answers are nobody's part of a screen.
pub const ANSWER_MAX: usize = 2 * 1024 * 1024;

/// An answer: its head, and its content or why that did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub fields: HeaderMap,
    /// Its content, at most [`ANSWER_MAX`]; or why it is not there, though the head is and says whose it would be.
    pub body: Result<Bytes, Reason>,
}

/// On what terms a request is carried.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How long it may take.
    pub allowance: Allowance,
    /// Whether the screen can do without its answer.
    pub need: Need,
    /// Which side will take it, if that is known.
    pub side: Option<Side>,
}

impl Terms {
    /// A place at its backend. Nobody queues: who finds none is refused at once.
    ///
    /// # Errors
    /// All places are taken that may be taken for this.
    pub fn enter(self, backend: &Backend) -> Result<Permit, Lost> {
        let place = backend.enter(self.need, self.side);
        place.ok_or_else(Lost::busy)
    }
}

/// Carries requests to backends: HTTP in a process, a script in a test.
pub trait Carrier: Send + Sync + fmt::Debug {
    /// Whether answers come through a gateway: then nobody is given what it does not say is theirs.
    fn way(&self) -> Way;

    /// Sends one request and waits for the whole answer, but not beyond the end of its allowance: then it is lost for
    /// [`Reason::Timeout`]. For as long as the backend has it, it has a place there ([`Terms::enter`]).
    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        terms: Terms,
    ) -> BoxFuture<'a, Result<Carried, Lost>>;
}
