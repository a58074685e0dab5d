//! A request's body, read from its connection by whoever polls it.

use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use crate::refused::Refused;

/// Why a body ended early.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The client went away.
    #[error("the client went away")]
    Gone,
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    /// The framing is wrong.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It comes too slowly.
    #[error("it came too slowly")]
    Slow,
    /// The request has been answered, and nobody waits for the rest.
    #[error("the request is over")]
    Over,
}

/// A connection that bodies come from, one after the other.
pub trait Feed {
    /// The next frame of the body of request `number`.
    fn poll_frame(
        &mut self,
        number: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>>;
    /// Whether all of it has been handed out.
    fn is_end(&self, number: u64) -> bool;
    /// How much is to come.
    fn size_hint(&self, number: u64) -> SizeHint;
    /// Sends an answer that is not the last one.
    fn inform(&mut self, number: u64, status: StatusCode, fields: &HeaderMap);
    /// Wants the connection itself, if the answer is a 101.
    fn upgrade(&mut self) -> oneshot::Receiver<Upgraded>;
}

/// A connection that is no HTTP any more.
pub struct Upgraded {
    /// The connection.
    pub io: Box<dyn ReadWrite>,
    /// What had been read of it already.
    pub read: Bytes,
}

/// What both directions of a connection are.
pub trait ReadWrite: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> ReadWrite for T {}

impl fmt::Debug for Upgraded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded")
            .field("read", &self.read.len())
            .finish_non_exhaustive()
    }
}

/// The body of one request. It ends with an error once the request has been answered.
#[derive(Clone)]
pub struct Incoming {
    feed: Rc<RefCell<dyn Feed>>,
    number: u64,
}

impl Incoming {
    /// The body of request `number` of a connection.
    pub fn new(feed: Rc<RefCell<dyn Feed>>, number: u64) -> Self {
        Self { feed, number }
    }

    /// Sends an answer that is not the last one, unless the last one is on its way.
    pub fn inform(&self, status: StatusCode, fields: &HeaderMap) {
        self.feed.borrow_mut().inform(self.number, status, fields);
    }

    /// The connection itself, once the answer turns out to be a 101.
    pub fn upgrade(&self) -> oneshot::Receiver<Upgraded> {
        self.feed.borrow_mut().upgrade()
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.feed.borrow_mut().poll_frame(self.number, cx)
    }

    fn is_end_stream(&self) -> bool {
        self.feed.borrow().is_end(self.number)
    }

    fn size_hint(&self) -> SizeHint {
        self.feed.borrow().size_hint(self.number)
    }
}
