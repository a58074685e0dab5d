//! The socket between a client and the HTTP/2 library: it sees the frames that pass, and ends the connection of a client
//! that sends too many of those that cost it nothing.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::flood::Seen;
use super::frames::Frames;
use crate::metrics::http2::Ended;
use crate::server::protocol::{Ahead, PREFACE};
use crate::server::state::ConnectionState;

/// `ENHANCE_YOUR_CALM`.
const CALM: u32 = 0xb;

/// A client's socket, on which HTTP/2 is spoken.
#[derive(Debug)]
pub(super) struct Socket<I> {
    io: I,
    ahead: Ahead,
    state: Arc<ConnectionState>,
    incoming: Frames,
    outgoing: Frames,
    seen: Seen,
    /// The highest stream that the client has opened.
    last: u32,
    ended: Rc<Cell<Option<Ended>>>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Socket<I> {
    /// The client has said the preface, which may be `ahead`. Why the connection is ended stands in `ended`.
    pub(super) fn new(
        (io, ahead): (I, Ahead),
        state: Arc<ConnectionState>,
        ended: Rc<Cell<Option<Ended>>>,
    ) -> Self {
        Self {
            io,
            ahead,
            state,
            incoming: Frames::behind(PREFACE.len()),
            outgoing: Frames::default(),
            seen: Seen::default(),
            last: 0,
            ended,
        }
    }

    /// Looks at bytes that came.
    fn look_at(&mut self, bytes: &[u8]) -> Option<Ended> {
        let second = self.state.now();
        let (seen, last) = (&mut self.seen, &mut self.last);
        let mut ended = None;
        self.incoming.pass(bytes, |frame| {
            if frame.stream % 2 == 1 {
                *last = frame.stream.max(*last);
            }
            ended = ended.or(seen.came(frame, second));
        });
        self.state.in_head(self.incoming.is_in_head());
        ended
    }

    /// Says why, and hears nothing more. One try: whoever sends so much will hardly read.
    fn end(&mut self, cx: &mut Context<'_>, why: Ended) -> io::Error {
        self.ended.set(Some(why));
        if self.outgoing.is_between() {
            let _ = Pin::new(&mut self.io).poll_write(cx, &go_away(self.last, CALM, why.as_str()));
            let _ = Pin::new(&mut self.io).poll_flush(cx);
        }
        io::Error::other(why.as_str())
    }

    fn wrote(&mut self, bytes: &[IoSlice<'_>], result: &Poll<io::Result<usize>>) {
        self.state.wrote(result.is_pending());
        let Poll::Ready(Ok(mut length)) = *result else {
            return;
        };
        self.seen.sent(length);
        for part in bytes {
            let written = length.min(part.len());
            self.outgoing.pass(&part[..written], |_| {});
            length -= written;
        }
    }
}

/// A GOAWAY frame (RFC 9113, section 6.8).
pub(super) fn go_away(last: u32, code: u32, why: &str) -> Vec<u8> {
    let length = u8::try_from(8 + why.len()).unwrap_or(8);
    let mut frame = vec![0, 0, length, 0x7, 0, 0, 0, 0, 0];
    frame.extend_from_slice(&last.to_be_bytes());
    frame.extend_from_slice(&code.to_be_bytes());
    frame.extend_from_slice(&why.as_bytes()[..usize::from(length) - 8]);
    frame
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Socket<I> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if !this.ahead.give(buffer) {
            ready!(Pin::new(&mut this.io).poll_read(cx, buffer))?;
        }
        match this.look_at(&buffer.filled()[before..]) {
            Some(why) => Poll::Ready(Err(this.end(cx, why))),
            None => Poll::Ready(Ok(())),
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Socket<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.wrote(&[IoSlice::new(bytes)], &result);
        result
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let result = Pin::new(&mut this.io).poll_write_vectored(cx, parts);
        this.wrote(parts, &result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}
