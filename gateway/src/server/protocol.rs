//! Which protocol a client speaks on a connection without a handshake: HTTP/2 begins with a preface that is no request
//! of HTTP/1 (RFC 9113, section 3.4).

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;

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

impl Protocol {
    /// What speaks whoever begins with `seen`; `None` as long as both are possible.
    pub(super) fn of(seen: &[u8]) -> Option<Self> {
        if seen.starts_with(PREFACE) {
            Some(Self::Http2)
        } else if PREFACE.starts_with(seen) {
            None
        } else {
            Some(Self::Http1)
        }
    }
}

/// The bytes that were read to find out: whoever serves the connection reads them first.
#[derive(Debug, Default)]
pub(super) struct Ahead(Bytes);

impl From<Bytes> for Ahead {
    fn from(read: Bytes) -> Self {
        Self(read)
    }
}

impl Ahead {
    /// Gives what was read, once; says whether it gave anything.
    pub(super) fn give(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let length = self.0.len().min(buffer.remaining());
        buffer.put_slice(&self.0[..length]);
        self.0.advance(length);
        length > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        for length in 0..PREFACE.len() {
            assert_eq!(Protocol::of(&PREFACE[..length]), None);
        }
        let http2 = [PREFACE.as_slice(), b"\0\0\0\x04"].concat();
        assert_eq!(Protocol::of(&http2), Some(Protocol::Http2));
        for other in [
            "GET / HTTP/1.1\r\n",
            "POST /",
            "PRI * HTTP/2.0\r\n\r\nXX",
            "PRI * HTTP/1.1",
        ] {
            assert_eq!(
                Protocol::of(other.as_bytes()),
                Some(Protocol::Http1),
                "{other}"
            );
        }
    }

    #[test]
    fn what_was_read_is_given_once() {
        let mut ahead = Ahead::from(Bytes::from_static(b"abcde"));
        let (mut bytes, mut given) = ([0; 3], Vec::new());
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            if !ahead.give(&mut buffer) {
                break;
            }
            given.extend_from_slice(buffer.filled());
        }
        assert_eq!(given, b"abcde");
    }
}
