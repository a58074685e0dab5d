//! A client's request body and a client's connection, whichever version of HTTP they came in.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::upgrade::OnUpgrade;
use tokio::sync::oneshot;
use wire::Upgraded;

/// A request's body as the client sends it.
#[derive(Debug)]
pub enum ClientBody {
    /// Over HTTP/1.1.
    H1(wire::Incoming),
    /// Over HTTP/2.
    H2(hyper::body::Incoming),
}

/// Why it ended early.
#[derive(Debug, thiserror::Error)]
pub enum ClientBodyError {
    /// Over HTTP/1.1.
    #[error(transparent)]
    H1(wire::BodyError),
    /// Over HTTP/2.
    #[error(transparent)]
    H2(hyper::Error),
}

/// The client's connection, once it is no HTTP any more.
#[derive(Debug)]
pub enum ClientHalf {
    /// Over HTTP/1.1: the connection itself.
    H1(oneshot::Receiver<Upgraded>),
    /// Over HTTP/2: a stream of it.
    H2(OnUpgrade),
}

impl ClientHalf {
    /// Of a request that may change its connection's protocol.
    pub fn of(request: &mut Request<ClientBody>) -> Self {
        match request.body() {
            ClientBody::H1(body) => Self::H1(body.upgrade()),
            ClientBody::H2(_) => Self::H2(hyper::upgrade::on(request)),
        }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = ClientBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientBodyError>>> {
        match self.get_mut() {
            Self::H1(body) => Pin::new(body).poll_frame(cx).map_err(ClientBodyError::H1),
            Self::H2(body) => Pin::new(body).poll_frame(cx).map_err(ClientBodyError::H2),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::H1(body) => body.is_end_stream(),
            Self::H2(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::H1(body) => body.size_hint(),
            Self::H2(body) => body.size_hint(),
        }
    }
}
