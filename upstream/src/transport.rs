//! How a request gets to one endpoint. One shape for every HTTP client, one file for each.

mod informed;
pub mod hyper_h1;
pub mod reqwest_h1;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::endpoint::Endpoint;
use crate::error::Failed;

pub use informed::Informed;

/// Carries requests to endpoints and keeps connections.
///
/// The returned future is `Send` exactly when the transport's own is: the per-core gateway's need not be, a BFF's is.
pub trait Transport<B> {
    /// The answer's body.
    type Body: http_body::Body<Data = Bytes>;

    /// Sends one request and waits for the head of its answer. The head is lent, so that whoever asks has it for another
    /// try.
    fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        by: Connection<'_>,
        head: &Request<()>,
        body: B,
    ) -> impl Future<Output = Result<Response<Self::Body>, Failed>>;
}

/// Over which connection a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// How a new one comes about.
    pub connecting: &'a Connecting,
    /// Not over a kept one, which may be as dead as the last.
    pub fresh: bool,
}

/// How connections to an upstream come about and are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connecting {
    /// How long a connection may take to come about.
    pub timeout: Duration,
    /// Kept connections per core and endpoint.
    pub idle_max: usize,
    /// A connection unused for this long is closed.
    pub idle_timeout: Duration,
}
