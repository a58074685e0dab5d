//! Bodies on their way through: frames are handed on as they were read. What is added is a cap, and an end for those
//! that stop moving.

mod timers;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;
use upstream::bulkhead::Permit;
use upstream::transport::hyper_h1::PooledBody;
use upstream::{InFlight, Resend};

use self::timers::{Deadline, IdleTimer};
use super::fields::{clean_answer, clean_trailers};
use super::incoming::{ClientBody, ClientBodyError};
use super::tap::{Memory, Tap};

/// Why a request's body ended early.
#[derive(Debug, thiserror::Error)]
pub enum RequestBodyError {
    /// It is longer than the route's `max_body`.
    #[error("the body is longer than this route takes")]
    TooLarge,
    /// Nothing came for the whole `body_idle_timeout`.
    #[error("the client stopped sending")]
    Idle,
    /// The client went away or broke the framing.
    #[error("the client's body ended early")]
    Client(#[source] ClientBodyError),
    /// Another try reads it.
    #[error("this try was given up")]
    GivenUp,
}

/// What of a request's body is kept for another try.
#[derive(Clone, Copy, Debug)]
pub struct Keeping<'a> {
    /// At most so many bytes; a longer body is sent once.
    pub max: usize,
    /// Out of what all requests together may keep.
    pub memory: &'a Arc<Memory>,
}

/// A request's body, or a handle by which another try reads it from its beginning. Who began last reads; a connection
/// that was given up gets no more.
#[derive(Debug, Default)]
pub struct RequestBody {
    source: Option<Rc<RefCell<Source>>>,
    turn: u32,
    has_begun: bool,
}

/// Where the client's bytes come from.
#[derive(Debug)]
struct Source {
    incoming: ClientBody,
    left: u64,
    idle: IdleTimer,
    /// Who keeps what passes for a copy.
    tap: Option<Rc<RefCell<Tap>>>,
    /// What has passed, for another try.
    kept: Option<Tap>,
    /// Something has passed.
    has_passed: bool,
    /// Whoever asked last was told that nothing has come yet.
    is_awaited: bool,
    /// Who reads.
    turn: u32,
    /// The last handle's turn: whoever is handed the body later comes later, whoever it was copied from.
    last_turn: u32,
}

impl RequestBody {
    /// At most `max` bytes, and never more than `idle` without one.
    pub fn new(
        incoming: ClientBody,
        max: u64,
        idle: Duration,
        keeping: Option<Keeping<'_>>,
    ) -> Self {
        if incoming.is_end_stream() {
            return Self::default();
        }
        let source = Source {
            incoming,
            left: max,
            idle: IdleTimer::new(idle),
            tap: None,
            kept: keeping.map(|keeping| Tap::new(keeping.max, keeping.memory)),
            has_passed: false,
            is_awaited: false,
            turn: 0,
            last_turn: 0,
        };
        Self {
            source: Some(Rc::new(RefCell::new(source))),
            turn: 0,
            has_begun: false,
        }
    }

    /// Keeps in `tap` what passes from now on.
    pub fn keep_in(&self, tap: Rc<RefCell<Tap>>) {
        if let Some(source) = &self.source {
            source.borrow_mut().tap = Some(tap);
        }
    }
}

impl Resend for RequestBody {
    fn again(&self) -> Self {
        let turn = self.source.as_ref().map_or(0, |source| {
            let mut source = source.borrow_mut();
            source.last_turn += 1;
            source.last_turn
        });
        Self {
            source: self.source.clone(),
            turn,
            has_begun: false,
        }
    }

    fn is_whole(&self) -> bool {
        self.source.as_ref().is_none_or(|source| {
            let source = source.borrow();
            let kept = source.kept.as_ref();
            !source.has_passed || kept.is_some_and(|kept| kept.full().is_none())
        })
    }

    fn is_awaited(&self) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|source| source.borrow().is_awaited)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let this = &mut *self;
        let Some(shared) = &this.source else {
            return Poll::Ready(None);
        };
        let mut source = shared.borrow_mut();
        if source.turn > this.turn {
            return Poll::Ready(Some(Err(RequestBodyError::GivenUp)));
        }
        source.turn = this.turn;
        if Rc::strong_count(shared) == 1 {
            // Nobody is left who could send it again.
            source.kept = None;
        }
        if !std::mem::replace(&mut this.has_begun, true)
            && let Some(passed) = source.kept.as_mut().map(Tap::content)
            && !passed.is_empty()
        {
            return Poll::Ready(Some(Ok(Frame::data(passed))));
        }
        source.poll(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.source.as_ref().is_none_or(|source| {
            let source = source.borrow();
            let is_read = self.has_begun || !source.has_passed;
            is_read && source.incoming.is_end_stream()
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.source.as_ref().map_or_else(
            || SizeHint::with_exact(0),
            |source| {
                let source = source.borrow();
                if source.has_passed && !self.has_begun {
                    // What it will be is said by the request's own fields.
                    return SizeHint::default();
                }
                source.incoming.size_hint()
            },
        )
    }
}

impl Source {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        self.is_awaited = frame.is_pending();
        let Poll::Ready(frame) = frame else {
            ready!(self.idle.poll(cx));
            return Poll::Ready(Some(Err(RequestBodyError::Idle)));
        };
        self.idle.moved();
        if let Some(tap) = &self.tap {
            let is_last = self.incoming.is_end_stream();
            keep(&mut tap.borrow_mut(), frame.as_ref(), is_last);
        }
        Poll::Ready(frame.map(|frame| {
            let mut frame = frame.map_err(RequestBodyError::Client)?;
            self.has_passed = true;
            if let Some(trailers) = frame.trailers_mut() {
                clean_trailers(trailers);
                // They pass once.
                self.kept = None;
            }
            let piece = frame.data_ref();
            if let (Some(kept), Some(piece)) = (&mut self.kept, piece) {
                kept.saw(piece);
            }
            let length = piece.map_or(0, |data| data.len() as u64);
            self.left = self
                .left
                .checked_sub(length)
                .ok_or(RequestBodyError::TooLarge)?;
            Ok(frame)
        }))
    }
}

fn keep(tap: &mut Tap, frame: Option<&Result<Frame<Bytes>, ClientBodyError>>, is_last: bool) {
    if let Some(piece) = frame.and_then(|frame| frame.as_ref().ok()?.data_ref()) {
        tap.saw(piece);
    }
    if frame.is_none_or(|frame| frame.is_ok() && is_last) {
        tap.ended();
    }
}

/// Why an answer's body ended early.
#[derive(Debug, thiserror::Error)]
pub enum AnswerBodyError {
    /// The whole request took longer than the route's `timeout`.
    #[error("the answer took longer than this route allows")]
    Timeout,
    /// Nothing came for the whole `body_idle_timeout`.
    #[error("the upstream stopped sending")]
    Idle,
    /// The upstream went away or broke the framing.
    #[error("the upstream's answer ended early")]
    Upstream(#[source] hyper::Error),
}

impl AnswerBodyError {
    /// One word for the log.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Idle => "idle",
            Self::Upstream(_) => "upstream",
        }
    }
}

/// An upstream's answer, handed on.
#[derive(Debug)]
pub struct AnswerBody {
    upstream: PooledBody<RequestBody>,
    _in_flight: InFlight,
    _permit: Option<Permit>,
    idle: IdleTimer,
    /// Streams have none.
    deadline: Option<Deadline>,
}

impl AnswerBody {
    /// Ends at `ends`, where the answer has an end of its own; never waits longer than `idle` for its next bytes. What is
    /// `held` is given back with its end.
    pub fn new(
        upstream: PooledBody<RequestBody>,
        (in_flight, permit): (InFlight, Option<Permit>),
        idle: Duration,
        ends: Option<Instant>,
    ) -> Self {
        let deadline = ends.map(Deadline::new);
        Self {
            upstream,
            _in_flight: in_flight,
            _permit: permit,
            idle: IdleTimer::new(idle),
            deadline,
        }
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let this = &mut *self;
        if let Some(deadline) = &mut this.deadline {
            deadline.asked_for_more();
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.upstream).poll_frame(cx) {
            this.idle.moved();
            if let Some(deadline) = this
                .deadline
                .as_mut()
                .filter(|_| !this.upstream.is_end_stream())
            {
                deadline.handed_on();
            }
            return Poll::Ready(frame.map(|frame| {
                let mut frame = frame.map_err(AnswerBodyError::Upstream)?;
                if let Some(trailers) = frame.trailers_mut() {
                    clean_answer(trailers);
                }
                Ok(frame)
            }));
        }
        if let Some(deadline) = &mut this.deadline
            && deadline.poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(AnswerBodyError::Timeout)));
        }
        ready!(this.idle.poll(cx));
        Poll::Ready(Some(Err(AnswerBodyError::Idle)))
    }

    fn is_end_stream(&self) -> bool {
        self.upstream.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.upstream.size_hint()
    }
}
