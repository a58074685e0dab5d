//! How a request gets to one endpoint. One shape for every HTTP client, one file for each.

pub mod hyper_h1;
pub mod reqwest_h1;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::endpoint::Endpoint;
use crate::error::Failed;

/// Carries requests to endpoints and keeps connections.
///
/// The returned future is `Send` exactly when the transport's own is: the per-core gateway's need not be, a BFF's is.
pub trait Transport<B> {
    /// The answer's body.
    type Body: http_body::Body<Data = Bytes>;

    /// Sends one request and waits for the head of its answer.
    fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        connecting: &Connecting,
        request: Request<B>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Failed<B>>>;
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
