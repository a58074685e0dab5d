//! How a call gets to its backend and comes back: the seam between composing and the network.

mod http;

use std::fmt;
use std::sync::Arc;

use ::http::{HeaderMap, Request, StatusCode};
use bytes::Bytes;
use futures::future::BoxFuture;
use tokio::time::Instant;

pub use self::http::HttpCarrier;
use crate::backend::Backend;
use crate::cohort::Way;
use crate::lost::Lost;
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

/// Carries requests to backends: HTTP in a process, a script in a test.
pub trait Carrier: Send + Sync + fmt::Debug {
    /// Whether answers come through a gateway: then nobody is given what it does not say is theirs.
    fn way(&self) -> Way;

    /// Sends one request and waits for the whole answer, but not beyond `deadline`: then it is lost for
    /// [`Reason::Timeout`].
    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Carried, Lost>>;
}
