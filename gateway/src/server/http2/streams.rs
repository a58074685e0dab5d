//! The requests of one HTTP/2 connection, all run in that connection's task: they end with it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{FuturesUnordered, Stream as _};
use futures::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;

use crate::forward::body::AnswerBodyError;
use crate::reply::ReplyBody;
use crate::server::state::{ConnectionState, Phase};

/// All requests of a connection that run.
#[derive(Clone, Debug)]
pub(super) struct Streams(Rc<All>);

#[derive(Debug)]
struct All {
    state: Arc<ConnectionState>,
    open: Cell<usize>,
    /// Whose future the library is about to hand over.
    next: RefCell<Option<Rc<Stream>>>,
    /// Handed over, and not yet looked at.
    new: RefCell<Vec<Running>>,
    known: RefCell<Vec<Weak<Stream>>>,
}

/// One request, and whatever becomes of it.
#[derive(Debug)]
pub(super) struct Stream {
    all: Rc<All>,
    /// The sweep's count when the library took the last piece of the answer; it asks for no other before the client takes
    /// that one.
    handed: Cell<Option<u32>>,
    is_over: Cell<bool>,
    waker: AtomicWaker,
}

impl Streams {
    pub(super) fn new(state: Arc<ConnectionState>) -> Self {
        Self(Rc::new(All {
            state,
            open: Cell::new(0),
            next: RefCell::default(),
            new: RefCell::default(),
            known: RefCell::default(),
        }))
    }

    /// A request has come.
    pub(super) fn begin(&self) -> Rc<Stream> {
        let stream = self.0.open();
        *self.0.next.borrow_mut() = Some(Rc::clone(&stream));
        stream
    }

    /// The connection has ended: what was handed over last is not run.
    pub(super) fn clear(&self) {
        let next = self.0.next.take();
        let new = self.0.new.take();
        drop((next, new));
    }

    /// Whether none runs.
    pub(super) fn is_empty(&self) -> bool {
        self.0.open.get() == 0
    }

    /// Runs what runs, `running` and what was handed over meanwhile. Says whether anything was new.
    pub(super) fn poll(
        &self,
        cx: &mut Context<'_>,
        running: &mut FuturesUnordered<Running>,
    ) -> bool {
        let new = self.0.new.take();
        let is_new = !new.is_empty();
        running.extend(new);
        while let Poll::Ready(Some(())) = Pin::new(&mut *running).poll_next(cx) {}
        is_new
    }

    /// Ends the requests whose client takes nothing of the answer for more than `patience` counts of the sweep.
    pub(super) fn end_stuck(&self, patience: u32) {
        let now = self.0.state.now();
        self.0.known.borrow_mut().retain(|stream| {
            let Some(stream) = stream.upgrade() else {
                return false;
            };
            let handed = stream.handed.get();
            if handed.is_some_and(|since| now.wrapping_sub(since) > patience) {
                stream.is_over.set(true);
                stream.waker.wake();
            }
            true
        });
    }
}

impl All {
    fn open(self: &Rc<Self>) -> Rc<Stream> {
        if self.open.replace(self.open.get() + 1) == 0 {
            self.state.enter(Phase::Busy);
        }
        let stream = Rc::new(Stream {
            all: Rc::clone(self),
            handed: Cell::new(None),
            is_over: Cell::new(false),
            waker: AtomicWaker::new(),
        });
        let mut known = self.known.borrow_mut();
        if known.len() > 2 * self.open.get() {
            known.retain(|stream| stream.strong_count() > 0);
        }
        known.push(Rc::downgrade(&stream));
        drop(known);
        stream
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let left = self.all.open.get() - 1;
        self.all.open.set(left);
        if left == 0 {
            self.all.state.enter(Phase::Idle);
        }
    }
}

/// What the library has run: a request with its answer, or a connection's half that was made of one.
impl<F: Future<Output = ()> + 'static> Executor<F> for Streams {
    fn execute(&self, future: F) {
        let stream = self.0.next.take().unwrap_or_else(|| self.0.open());
        self.0.new.borrow_mut().push(Running {
            future: Box::pin(future),
            stream,
        });
    }
}

/// A request that runs until it is over.
pub(super) struct Running {
    future: Pin<Box<dyn Future<Output = ()>>>,
    stream: Rc<Stream>,
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stream.is_over.get() {
            return Poll::Ready(());
        }
        self.stream.waker.register(cx.waker());
        self.future.as_mut().poll(cx)
    }
}

/// An answer's body that knows when the client takes nothing of it.
#[derive(Debug)]
pub(super) struct Answer {
    body: ReplyBody,
    stream: Rc<Stream>,
}

impl Answer {
    pub(super) fn new(body: ReplyBody, stream: Rc<Stream>) -> Self {
        Self { body, stream }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        let handed = frame.is_ready().then(|| self.stream.all.state.now());
        self.stream.handed.set(handed);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
