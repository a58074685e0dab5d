//! The socket between a client and the HTTP library. It sees a request's first byte, so that time-outs start there, and
//! it turns what the library would answer by itself (an empty 400, 414, 431) into our own answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use chassis::request_id::{self, RequestId};
use http::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::client_io::ClientIo;
use super::protocol::{Ahead, Protocol};
use super::state::{ConnectionState, Phase, Refused, Verdict};
use crate::rejection::Causes;

/// A client's socket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: ClientIo,
    state: Arc<ConnectionState>,
    instead: Option<Instead>,
    /// What was read to find out the protocol.
    ahead: Option<Ahead>,
}

/// What goes out in place of the library's own answer.
#[derive(Debug)]
struct Instead {
    bytes: Vec<u8>,
    written: usize,
    /// How long the library's answer was.
    length: usize,
}

impl Socket {
    pub(super) fn new(stream: ClientIo, state: Arc<ConnectionState>) -> Self {
        Self {
            stream,
            state,
            instead: None,
            ahead: None,
        }
    }

    /// Which protocol the client speaks.
    pub(super) fn poll_protocol(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Protocol>> {
        let mut ahead = self.ahead.take().unwrap_or_default();
        let found = ahead.poll_protocol(cx, Pin::new(self));
        self.ahead = Some(ahead);
        found
    }

    /// Another protocol than HTTP/1 is spoken.
    pub(super) fn into_parts(self) -> (ClientIo, Ahead) {
        (self.stream, self.ahead.unwrap_or_default())
    }

    /// Answers and ends a connection whose head did not come in time.
    fn time_out(&mut self, cx: &mut Context<'_>) {
        let id = self.state.refuse(Refused::HeadTimeout);
        let answer = answer(Refused::HeadTimeout, id);
        // One try: whoever does not send will hardly read.
        let _ = Pin::new(&mut self.stream).poll_write(cx, &answer);
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
    }

    /// Writes our answer instead of `library`, and then says that all of `library` is written.
    fn write_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while let Some(instead) = &mut self.instead {
            let left = &instead.bytes[instead.written..];
            let count = ready!(Pin::new(&mut self.stream).poll_write(cx, left))?;
            instead.written += count;
            if count == 0 || instead.written == instead.bytes.len() {
                let length = instead.length;
                self.instead = None;
                return Poll::Ready(Ok(length));
            }
        }
        Poll::Ready(Ok(0))
    }

    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        self.state.wrote(result.is_pending());
        result
    }

    /// The library answers by itself only while no request is being answered.
    fn look_at(&mut self, out: &[u8]) {
        if self.instead.is_none()
            && self.state.phase() != Phase::Busy
            && let Some(refused) = librarys_own(out)
        {
            let bytes = answer(refused, self.state.refuse(refused));
            self.instead = Some(Instead {
                bytes,
                written: 0,
                length: out.len(),
            });
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.state.verdict() == Verdict::HeadTimeout {
            this.time_out(cx);
            return Poll::Ready(Ok(()));
        }
        if this.ahead.as_mut().is_some_and(|ahead| ahead.give(buffer)) {
            return Poll::Ready(Ok(()));
        }
        this.ahead = None;
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before && this.state.phase() == Phase::Idle {
            this.state.enter(Phase::Head);
        }
        result
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.look_at(bytes);
        let result = match this.instead {
            Some(_) => this.write_instead(cx),
            None => Pin::new(&mut this.stream).poll_write(cx, bytes),
        };
        this.note(result)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        // The library's own answer has no body, so it is one part.
        this.look_at(parts.first().map_or(&[], |part| part));
        let result = match this.instead {
            Some(_) => this.write_instead(cx),
            None => Pin::new(&mut this.stream).poll_write_vectored(cx, parts),
        };
        this.note(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// What the library refuses, as it says it. Every answer of ours has a request id.
fn librarys_own(out: &[u8]) -> Option<Refused> {
    let status = out
        .strip_prefix(b"HTTP/1.1 4")
        .or_else(|| out.strip_prefix(b"HTTP/1.0 4"))?;
    let ours = out
        .windows(b"x-request-id".len())
        .any(|part| part == b"x-request-id");
    if ours || !out.ends_with(b"\r\n\r\n") {
        return None;
    }
    Some(match status.get(..2)? {
        b"14" => Refused::UriTooLong,
        b"31" => Refused::HeadTooLarge,
        _ => Refused::BadRequest,
    })
}

fn answer(refused: Refused, id: &RequestId) -> Vec<u8> {
    let Some(rejection) = refused.rejection() else {
        return Vec::new();
    };
    let problem = rejection
        .problem(Causes::Hidden)
        .request_id(id.as_str())
        .field(request_id::FIELD, id.to_value());
    let problem: Response<Bytes> = problem.to_response();
    let mut out = format!("HTTP/1.1 {}\r\n", problem.status()).into_bytes();
    for (name, value) in problem.headers() {
        out.extend_from_slice(name.as_str().as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"connection: close\r\n\r\n");
    out.extend_from_slice(problem.body());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_librarys_own_refusals_are_replaced() {
        let library = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        assert_eq!(librarys_own(library), Some(Refused::HeadTooLarge));
        assert_eq!(
            librarys_own(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            Some(Refused::BadRequest)
        );
        assert_eq!(
            librarys_own(b"HTTP/1.1 404 Not Found\r\nx-request-id: 7\r\n\r\n"),
            None
        );
        assert_eq!(librarys_own(b"HTTP/1.1 200 OK\r\n\r\n"), None);
        assert_eq!(librarys_own(b"the middle of a body HTTP/1.1 400"), None);
    }

    #[test]
    fn our_answer_is_a_whole_message() {
        let text = String::from_utf8(answer(Refused::HeadTooLarge, &RequestId::random())).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"),
            "{head}"
        );
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("head_too_large"), "{body}");
    }
}
