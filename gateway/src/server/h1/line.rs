//! A client's connection as bytes: what has been read and not used, and where in a body the reading stands.

use std::cell::RefCell;
use std::future::Future as _;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderMap, StatusCode};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use tokio::time::Sleep;
use tokio_util::io::poll_read_buf;
use wire::{BodyError, Chunks, Feed, Framing, Head, Limits, Refused, Scan, Step, Upgraded};

use crate::server::protocol::Protocol;
use crate::server::state::{ConnectionState, Phase};

/// What is read at once of a head, and of a body.
const HEAD: usize = 8 * 1024;
const BODY: usize = 64 * 1024;

/// What is read ahead while a request is answered: enough to see that a client has gone.
const AHEAD: usize = 16 * 1024;

/// So much of a body that nobody wants is read; a client that has more on its way is left.
const SKIMMED: usize = 256 * 1024;

/// A client that has closed its end may still read. Whoever has not been answered by then has probably left.
const GRACE: Duration = Duration::from_millis(500);

/// A client's connection, shared by whoever answers and whoever reads the body.
pub(super) type Shared<I> = Rc<RefCell<Line<I>>>;

/// A client's connection.
#[expect(clippy::struct_excessive_bools, reason = "each says another thing")]
pub(in crate::server) struct Line<I> {
    /// None once it speaks another protocol.
    io: Option<I>,
    inbox: BytesMut,
    /// What has come so far could become the preface of HTTP/2.
    may_be_http2: bool,
    scan: Scan,
    /// Of the request under way.
    number: u64,
    body: Rest,
    expects_continue: bool,
    /// Whether an answer that is not the last may still be sent.
    takes_interim: bool,
    /// The client sends no more.
    is_closed: bool,
    /// Until when that says nothing of its reading.
    grace: Option<Pin<Box<Sleep>>>,
    /// Interim answers that are not written yet.
    interim: Vec<u8>,
    upgrade: Option<oneshot::Sender<Upgraded>>,
    state: Arc<ConnectionState>,
}

/// What is to come of a body.
#[derive(Clone, Debug)]
enum Rest {
    Nothing,
    Length(u64),
    Chunks(Chunks),
    /// It was malformed, or the client went.
    Broken,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Line<I> {
    pub(in crate::server) fn new(io: I, state: Arc<ConnectionState>, may_be_http2: bool) -> Self {
        Self {
            io: Some(io),
            inbox: BytesMut::new(),
            may_be_http2,
            scan: Scan::default(),
            number: 0,
            body: Rest::Nothing,
            expects_continue: false,
            takes_interim: false,
            is_closed: false,
            grace: None,
            interim: Vec::new(),
            upgrade: None,
            state,
        }
    }

    pub(super) fn io(&mut self) -> Option<&mut I> {
        self.io.as_mut()
    }

    /// Nothing of a next request has come.
    pub(super) fn is_idle(&self) -> bool {
        self.inbox.is_empty()
    }

    /// All of the body has been read.
    pub(super) fn is_read(&self) -> bool {
        matches!(self.body, Rest::Nothing)
    }

    /// The client still waits to be told to send the body.
    pub(super) fn is_waiting(&self) -> bool {
        self.expects_continue
    }

    /// The next request's head, or `None` when the client has left or begins to speak HTTP/2.
    pub(super) fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        limits: Limits,
    ) -> Poll<Result<Option<Head>, Refused>> {
        loop {
            if !self.inbox.is_empty() {
                if self.state.phase() == Phase::Idle {
                    self.state.enter(Phase::Head);
                }
                if self.may_be_http2 {
                    match Protocol::of(&self.inbox) {
                        Some(Protocol::Http2) => return Poll::Ready(Ok(None)),
                        Some(Protocol::Http1) => self.may_be_http2 = false,
                        None => {}
                    }
                }
                if !self.may_be_http2
                    && let Some(head) = wire::parse(&mut self.inbox, &mut self.scan, limits)?
                {
                    return Poll::Ready(Ok(Some(head)));
                }
            }
            match ready!(self.poll_fill(cx, HEAD)) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// A request begins; gives its number. What is already here of its body has to be sound.
    pub(super) fn begin(&mut self, head: &Head) -> Result<u64, Refused> {
        self.number += 1;
        self.body = match head.framing {
            Framing::None => Rest::Nothing,
            Framing::Length(length) => Rest::Length(length),
            Framing::Chunked => {
                let chunks = Chunks::default();
                chunks.check(&self.inbox)?;
                Rest::Chunks(chunks)
            }
        };
        self.expects_continue = head.expects_continue && self.inbox.is_empty();
        self.takes_interim = head.request.version() == http::Version::HTTP_11;
        Ok(self.number)
    }

    /// The last answer's head goes out next.
    pub(super) fn answer_begins(&mut self) {
        self.takes_interim = false;
    }

    /// The request has been answered: nobody reads its body any more.
    pub(super) fn end(&mut self) {
        self.number += 1;
        self.upgrade = None;
    }

    /// Reads what has come of a body that nobody wants, so that another request may follow.
    pub(super) fn skim(&mut self, cx: &mut Context<'_>) {
        let mut most = SKIMMED;
        while !self.is_read() && !self.expects_continue && most > 0 {
            match self.take() {
                Ok(Some(_)) => {}
                Ok(None) if self.is_read() => {}
                Ok(None) => match self.poll_fill(cx, BODY) {
                    Poll::Ready(Ok(count @ 1..)) => most = most.saturating_sub(count),
                    Poll::Ready(Ok(0) | Err(_)) | Poll::Pending => return,
                },
                Err(_) => {
                    self.body = Rest::Broken;
                    return;
                }
            }
        }
    }

    /// Whether the client went away while its request was being answered.
    pub(super) fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while !self.is_closed && self.is_read() && self.inbox.len() < AHEAD {
            match ready!(self.poll_fill(cx, HEAD)) {
                Ok(1..) => {}
                Ok(0) => self.is_closed = true,
                Err(_) => return Poll::Ready(()),
            }
        }
        if !self.is_closed {
            return Poll::Pending;
        }
        let grace = || Box::pin(tokio::time::sleep(GRACE));
        self.grace.get_or_insert_with(grace).as_mut().poll(cx)
    }

    /// The client takes what it is sent, so it is there.
    pub(super) fn is_taking(&mut self) {
        self.grace = None;
    }

    /// Writes interim answers.
    pub(super) fn poll_interim(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.interim.is_empty() {
            let Some(io) = &mut self.io else {
                return Poll::Ready(Ok(()));
            };
            let count = ready!(Pin::new(&mut *io).poll_write(cx, &self.interim))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.interim.drain(..count);
            ready!(Pin::new(io).poll_flush(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Hands the connection to whoever asked for it.
    pub(super) fn hand_over(&mut self) -> Option<(oneshot::Sender<Upgraded>, I, Bytes)> {
        let wanted = self.upgrade.take()?;
        let io = self.io.take()?;
        Some((wanted, io, std::mem::take(&mut self.inbox).freeze()))
    }

    /// Closes the connection, whoever still has it; or gives it to HTTP/2, if that is spoken on it.
    pub(super) fn close(&mut self) -> Option<(I, Bytes)> {
        let io = self.io.take()?;
        let is_http2 = self.may_be_http2 && Protocol::of(&self.inbox) == Some(Protocol::Http2);
        is_http2.then(|| (io, std::mem::take(&mut self.inbox).freeze()))
    }

    /// Reads and forgets.
    pub(super) fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.inbox.clear();
        self.poll_fill(cx, BODY)
    }

    /// Reads more; without any it holds no memory.
    fn poll_fill(&mut self, cx: &mut Context<'_>, most: usize) -> Poll<io::Result<usize>> {
        let Some(io) = self.io.as_mut().filter(|_| !self.is_closed) else {
            return Poll::Ready(Ok(0));
        };
        if self.inbox.capacity() - self.inbox.len() < most / 4 {
            self.inbox.reserve(most);
        }
        let result = poll_read_buf(Pin::new(io), cx, &mut self.inbox);
        if result.is_pending() && self.inbox.is_empty() {
            self.inbox = BytesMut::new();
        }
        result
    }

    /// What is here of the body, if anything.
    fn take(&mut self) -> Result<Option<Frame<Bytes>>, Refused> {
        match &mut self.body {
            Rest::Length(left) if !self.inbox.is_empty() => {
                let length = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(self.inbox.len());
                *left -= length as u64;
                if *left == 0 {
                    self.body = Rest::Nothing;
                }
                Ok(Some(Frame::data(self.inbox.split_to(length).freeze())))
            }
            Rest::Chunks(chunks) => match chunks.step(&self.inbox)? {
                Step::Data(range) => {
                    self.inbox.advance(range.start);
                    let data = self.inbox.split_to(range.len()).freeze();
                    Ok(Some(Frame::data(data)))
                }
                Step::End(trailers, used) => {
                    self.inbox.advance(used);
                    self.body = Rest::Nothing;
                    Ok((!trailers.is_empty()).then(|| Frame::trailers(trailers)))
                }
                Step::More(used) => {
                    self.inbox.advance(used);
                    Ok(None)
                }
            },
            Rest::Length(_) | Rest::Nothing | Rest::Broken => Ok(None),
        }
    }

    fn broken(&mut self, error: BodyError) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.body = Rest::Broken;
        Poll::Ready(Some(Err(error)))
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> Feed for Line<I> {
    fn poll_frame(
        &mut self,
        number: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if number != self.number || matches!(self.body, Rest::Broken) {
            return Poll::Ready(Some(Err(BodyError::Over)));
        }
        loop {
            let was_read = self.is_read();
            match self.take() {
                Err(refused) => return self.broken(refused.into()),
                Ok(frame) => {
                    if self.is_read() {
                        if !was_read {
                            // Whoever answers now looks after the client.
                            self.state.waker.wake();
                        }
                        return Poll::Ready(frame.map(Ok));
                    }
                    if let Some(frame) = frame {
                        return Poll::Ready(Some(Ok(frame)));
                    }
                }
            }
            if std::mem::take(&mut self.expects_continue) {
                self.inform(number, StatusCode::CONTINUE, &HeaderMap::new());
            }
            match ready!(self.poll_fill(cx, BODY)) {
                Ok(1..) => {}
                Ok(0) => return self.broken(BodyError::Gone),
                Err(error) => return self.broken(error.into()),
            }
        }
    }

    fn is_end(&self, number: u64) -> bool {
        number == self.number && self.is_read()
    }

    fn size_hint(&self, number: u64) -> SizeHint {
        match self.body {
            Rest::Length(left) if number == self.number => SizeHint::with_exact(left),
            Rest::Nothing if number == self.number => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }

    fn inform(&mut self, number: u64, status: StatusCode, fields: &HeaderMap) {
        if number == self.number && self.takes_interim {
            wire::write_interim(&mut self.interim, status, fields);
            self.state.waker.wake();
        }
    }

    fn upgrade(&mut self) -> oneshot::Receiver<Upgraded> {
        let (tell, told) = oneshot::channel();
        self.upgrade = Some(tell);
        told
    }
}
