//! The frames of an HTTP/2 connection, seen as they pass (RFC 9113, section 4.1): only their heads are looked at.

/// How long a frame's head is.
const HEAD: usize = 9;

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

pub(super) const DATA: u8 = 0x0;
pub(super) const HEADERS: u8 = 0x1;
pub(super) const PRIORITY: u8 = 0x2;
pub(super) const RST_STREAM: u8 = 0x3;
pub(super) const SETTINGS: u8 = 0x4;
pub(super) const PING: u8 = 0x6;
pub(super) const WINDOW_UPDATE: u8 = 0x8;
pub(super) const CONTINUATION: u8 = 0x9;

impl Frame {
    fn read(head: [u8; HEAD]) -> Self {
        let [a, b, c, kind, flags, stream @ ..] = head;
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: u32::from_be_bytes(stream) & 0x7fff_ffff,
        }
    }

    /// Part of a request's head.
    fn is_head(self) -> bool {
        matches!(self.kind, HEADERS | CONTINUATION)
    }

    /// Whether it brings nothing and ends nothing.
    pub(super) fn is_empty(self) -> bool {
        self.length == 0
            && match self.kind {
                DATA => self.flags & END_STREAM == 0,
                HEADERS | CONTINUATION => self.flags & END_HEADERS == 0,
                _ => false,
            }
    }
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Frames {
    head: [u8; HEAD],
    /// How much of the head is there.
    have: usize,
    /// How much is left until the next head.
    left: usize,
    /// A request's head has begun and not ended.
    in_head: bool,
    /// The frame whose content is passing ends a head.
    ends_head: bool,
}

impl Frames {
    /// `skipped` bytes come before the first frame.
    pub(super) fn behind(skipped: usize) -> Self {
        Self {
            left: skipped,
            ..Self::default()
        }
    }

    /// Some more bytes have passed; tells `saw` of each frame that begins in them.
    pub(super) fn pass(&mut self, mut bytes: &[u8], mut saw: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            if self.left > 0 {
                return;
            }
            self.end_head();
            let missing = (HEAD - self.have).min(bytes.len());
            self.head[self.have..self.have + missing].copy_from_slice(&bytes[..missing]);
            self.have += missing;
            bytes = &bytes[missing..];
            if self.have == HEAD {
                self.have = 0;
                let frame = Frame::read(self.head);
                self.left = frame.length as usize;
                if frame.is_head() {
                    self.in_head = true;
                    self.ends_head = frame.flags & END_HEADERS != 0;
                }
                saw(frame);
                if self.left == 0 {
                    self.end_head();
                }
            }
        }
    }

    fn end_head(&mut self) {
        if self.ends_head {
            self.in_head = false;
            self.ends_head = false;
        }
    }

    /// Whether a request's head has begun and not ended.
    pub(super) fn is_in_head(&self) -> bool {
        self.in_head
    }

    /// Whether the next byte is the first of a frame.
    pub(super) fn is_between(&self) -> bool {
        self.left == 0 && self.have == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        let mut bytes = vec![0, 0, length, kind, flags, 0, 0, 0, stream];
        bytes.extend_from_slice(content);
        bytes
    }

    #[test]
    fn frames_are_seen_however_their_bytes_are_cut() {
        let bytes = [
            b"preface".to_vec(),
            frame(SETTINGS, 0, 0, b""),
            frame(HEADERS, END_STREAM | END_HEADERS, 1, b"abc"),
            frame(PING, 0, 0, b"12345678"),
        ]
        .concat();
        for size in 1..=bytes.len() {
            let mut frames = Frames::behind(b"preface".len());
            let mut seen = Vec::new();
            for piece in bytes.chunks(size) {
                frames.pass(piece, |frame| seen.push((frame.kind, frame.length)));
            }
            assert_eq!(seen, [(SETTINGS, 0), (HEADERS, 3), (PING, 8)], "{size}");
            assert!(frames.is_between());
            assert!(!frames.is_in_head());
        }
    }

    #[test]
    fn a_head_is_open_until_its_last_byte() {
        let mut frames = Frames::default();
        let mut pass = |bytes: &[u8]| {
            frames.pass(bytes, |_| {});
            frames.is_in_head()
        };
        let begin = frame(HEADERS, 0, 1, b"abc");
        assert!(!pass(&begin[..8]));
        assert!(pass(&begin[8..]));
        let end = frame(CONTINUATION, END_HEADERS, 1, b"de");
        assert!(pass(&end[..10]));
        assert!(!pass(&end[10..]));
        assert!(pass(&frame(HEADERS, 0, 3, b"a")));
        assert!(!pass(&frame(CONTINUATION, END_HEADERS, 3, b"")));
    }
}
