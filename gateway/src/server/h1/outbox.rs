//! An answer on its way out: its head, its frames as they come, and whatever stands between them, in as few writes as there
//! may be.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use http::HeaderMap;
use tokio::io::AsyncWrite;
use wire::Delivery;

/// A frame up to this size is written with what stands before it: copying it costs less than another piece.
const SMALL: usize = 4 * 1024;

/// So much may wait to be written before the next frame is asked for.
const FULL: usize = 64 * 1024;

/// Pieces in one write.
const PIECES: usize = 16;

/// What waits to be written.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Heads, chunk sizes and small frames, in order.
    flat: Vec<u8>,
    /// How much of `flat` is written.
    written: usize,
    /// In which order `flat` and large frames go.
    pieces: VecDeque<Piece>,
    waiting: usize,
}

#[derive(Debug)]
enum Piece {
    /// So many bytes of `flat`.
    Flat(usize),
    Frame(Bytes),
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting >= FULL || self.pieces.len() >= PIECES
    }

    /// Writes text.
    pub(super) fn flat(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.flat.len();
        write(&mut self.flat);
        let length = self.flat.len() - before;
        self.waiting += length;
        match self.pieces.back_mut() {
            Some(Piece::Flat(last)) => *last += length,
            _ => self.pieces.push_back(Piece::Flat(length)),
        }
    }

    /// Writes a frame of a body.
    pub(super) fn frame(&mut self, data: Bytes, delivery: Delivery) {
        let is_chunk = delivery == Delivery::Chunked;
        if data.is_empty() {
            return;
        }
        let small = data.len() <= SMALL;
        if is_chunk || small {
            self.flat(|out| {
                if is_chunk {
                    wire::write_chunk_size(out, data.len());
                }
                if small {
                    out.extend_from_slice(&data);
                }
            });
        }
        if !small {
            self.waiting += data.len();
            self.pieces.push_back(Piece::Frame(data));
        }
        if is_chunk {
            self.flat(|out| out.extend_from_slice(b"\r\n"));
        }
    }

    /// Writes the end of a body.
    pub(super) fn last(&mut self, delivery: Delivery, trailers: Option<&HeaderMap>) {
        if delivery == Delivery::Chunked {
            self.flat(|out| wire::write_last_chunk(out, trailers));
        }
    }

    /// Writes until nothing waits.
    pub(super) fn poll_write(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.pieces.is_empty() {
            let count = ready!(self.poll_some(io, cx))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.wrote(count);
        }
        Pin::new(io).poll_flush(cx)
    }

    fn poll_some(
        &self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(io);
        if let [Piece::Flat(length)] = self.pieces.as_slices().0 {
            return io.poll_write(cx, &self.flat[self.written..self.written + length]);
        }
        let mut at = self.written;
        let mut slices = [IoSlice::new(&[]); PIECES];
        let mut used = 0;
        for (slice, piece) in slices.iter_mut().zip(&self.pieces) {
            *slice = IoSlice::new(match piece {
                Piece::Flat(length) => {
                    at += length;
                    &self.flat[at - length..at]
                }
                Piece::Frame(data) => data,
            });
            used += 1;
        }
        io.poll_write_vectored(cx, &slices[..used])
    }

    fn wrote(&mut self, mut count: usize) {
        self.waiting -= count;
        while let Some(piece) = self.pieces.front_mut() {
            let length = match piece {
                Piece::Flat(length) => *length,
                Piece::Frame(data) => data.len(),
            };
            let part = length.min(count);
            match piece {
                Piece::Flat(length) => {
                    *length -= part;
                    self.written += part;
                }
                Piece::Frame(data) => data.advance(part),
            }
            if part < length {
                return;
            }
            count -= part;
            self.pieces.pop_front();
        }
        self.flat.clear();
        self.written = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt as _;

    /// What arrives over a connection that takes a few bytes at a time.
    async fn arrives(mut outbox: Outbox) -> Vec<u8> {
        let (mut ours, mut theirs) = tokio::io::duplex(7);
        let writing = async move {
            std::future::poll_fn(|cx| outbox.poll_write(&mut ours, cx))
                .await
                .unwrap();
            assert!(outbox.is_empty() && !outbox.is_full());
        };
        let mut arrived = Vec::new();
        let ((), read) = tokio::join!(writing, theirs.read_to_end(&mut arrived));
        read.unwrap();
        arrived
    }

    #[tokio::test]
    async fn everything_arrives_in_order_however_little_is_taken_at_once() {
        let large = Bytes::from(vec![b'x'; SMALL + 1]);
        let mut outbox = Outbox::default();
        outbox.flat(|out| out.extend_from_slice(b"head\r\n\r\n"));
        outbox.frame(Bytes::from_static(b"abc"), Delivery::Chunked);
        outbox.frame(large.clone(), Delivery::Chunked);
        outbox.frame(Bytes::new(), Delivery::Chunked);
        outbox.frame(Bytes::from_static(b"d"), Delivery::Chunked);
        outbox.last(Delivery::Chunked, None);
        let mut expected = b"head\r\n\r\n3\r\nabc\r\n1001\r\n".to_vec();
        expected.extend_from_slice(&large);
        expected.extend_from_slice(b"\r\n1\r\nd\r\n0\r\n\r\n");
        assert_eq!(arrives(outbox).await, expected);
    }

    #[tokio::test]
    async fn without_chunks_only_the_body_is_written() {
        let mut outbox = Outbox::default();
        outbox.frame(Bytes::from_static(b"abc"), Delivery::Length(3));
        outbox.last(Delivery::Length(3), None);
        assert_eq!(arrives(outbox).await, b"abc");
    }
}
