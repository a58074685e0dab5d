//! Which protocol a client speaks on a connection without a handshake: HTTP/2 begins with a preface that is no request
//! of HTTP/1 (RFC 9113, section 3.4).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// What an HTTP/2 client says first.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// A request line, or nothing at all.
    Http1,
    /// The whole preface.
    Http2,
}

/// The bytes that were read to find out: whoever serves the connection reads them first.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    bytes: [u8; PREFACE.len()],
    length: u8,
    read: u8,
}

impl Ahead {
    fn seen(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// `None` as long as both are possible.
    fn protocol(&self) -> Option<Protocol> {
        let seen = self.seen();
        if seen.len() == PREFACE.len() && seen == PREFACE {
            Some(Protocol::Http2)
        } else if PREFACE.starts_with(seen) {
            None
        } else {
            Some(Protocol::Http1)
        }
    }

    /// Reads on until it is clear what the client speaks. A client that leaves before speaks HTTP/1, in which that is
    /// answered.
    pub(super) fn poll_protocol(
        &mut self,
        cx: &mut Context<'_>,
        mut io: Pin<&mut impl AsyncRead>,
    ) -> Poll<io::Result<Protocol>> {
        loop {
            if let Some(protocol) = self.protocol() {
                return Poll::Ready(Ok(protocol));
            }
            let mut buffer = ReadBuf::new(&mut self.bytes[usize::from(self.length)..]);
            ready!(io.as_mut().poll_read(cx, &mut buffer))?;
            match u8::try_from(buffer.filled().len()) {
                Ok(0) | Err(_) => return Poll::Ready(Ok(Protocol::Http1)),
                Ok(length) => self.length += length,
            }
        }
    }

    /// Gives what was read, once; says whether it gave anything.
    pub(super) fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let left = &self.bytes[usize::from(self.read)..usize::from(self.length)];
        let length = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..length]);
        self.read += u8::try_from(length).unwrap_or(0);
        length > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// What is found, and what a server reads after that, of a client that sends these pieces.
    async fn found(pieces: &[&[u8]]) -> (Protocol, Vec<u8>) {
        let (mut client, mut server) = tokio::io::duplex(1);
        let sent = pieces.concat();
        let send = async {
            client.write_all(&sent).await.unwrap();
            drop(client);
        };
        let read = async {
            let mut ahead = Ahead::default();
            let protocol = poll_fn(|cx| ahead.poll_protocol(cx, Pin::new(&mut server))).await;
            let mut bytes = [0; 3];
            let mut all = Vec::new();
            loop {
                let mut buffer = ReadBuf::new(&mut bytes);
                if !ahead.give(&mut buffer) {
                    break;
                }
                all.extend_from_slice(buffer.filled());
            }
            server.read_to_end(&mut all).await.unwrap();
            (protocol.unwrap(), all)
        };
        tokio::join!(send, read).1
    }

    #[tokio::test]
    async fn the_first_bytes_decide_and_are_not_lost() {
        let http2 = [PREFACE.as_slice(), b"\0\0\0\x04"];
        assert_eq!(found(&http2).await, (Protocol::Http2, http2.concat()));
        for other in [
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
            "PRI * HTTP/1.1\r\n\r\n",
            "PRI",
            "",
        ] {
            let bytes = other.as_bytes();
            assert_eq!(
                found(&[bytes]).await,
                (Protocol::Http1, bytes.to_vec()),
                "{other}"
            );
        }
    }
}
