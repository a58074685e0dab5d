//! One HTTP/2 connection and the exact frames on it: the library's client is too polite to break a rule.

use std::net::SocketAddr;

use crate::wire::Wire;

/// What a client says first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The kinds of frames (RFC 9113, section 6).
pub mod kind {
    /// Content.
    pub const DATA: u8 = 0;
    /// A head, or its first part.
    pub const HEADERS: u8 = 1;
    /// Advice nobody follows any more.
    pub const PRIORITY: u8 = 2;
    /// One request is over.
    pub const RST_STREAM: u8 = 3;
    /// What a side can take.
    pub const SETTINGS: u8 = 4;
    /// What a server never gets.
    pub const PUSH_PROMISE: u8 = 5;
    /// Is somebody there?
    pub const PING: u8 = 6;
    /// The connection is over.
    pub const GOAWAY: u8 = 7;
    /// Some more may be sent.
    pub const WINDOW_UPDATE: u8 = 8;
    /// The next part of a head.
    pub const CONTINUATION: u8 = 9;
}

/// `END_STREAM`, and for SETTINGS and PING `ACK`.
pub const END_STREAM: u8 = 0x1;
/// `END_HEADERS`.
pub const END_HEADERS: u8 = 0x4;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// Its content.
    pub content: Vec<u8>,
}

impl Frame {
    /// A frame.
    pub fn new(kind: u8, flags: u8, stream: u32, content: impl Into<Vec<u8>>) -> Self {
        Self {
            kind,
            flags,
            stream,
            content: content.into(),
        }
    }

    /// A whole head in one frame.
    pub fn head(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(kind::HEADERS, flags | END_HEADERS, stream, block(fields))
    }

    /// A whole GET.
    pub fn get(stream: u32, path: &str) -> Self {
        let pseudo = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "shop.example"),
        ];
        Self::head(END_STREAM, stream, &pseudo)
    }

    /// `RST_STREAM` with `CANCEL`.
    pub fn cancel(stream: u32) -> Self {
        Self::new(kind::RST_STREAM, 0, stream, 8_u32.to_be_bytes())
    }

    /// Its bytes on the wire.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.content.len()).unwrap_or(u32::MAX);
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.content);
        bytes
    }

    /// The number that a GOAWAY or a `RST_STREAM` gives as its reason.
    pub fn code(&self) -> u32 {
        let from = if self.kind == kind::GOAWAY { 4 } else { 0 };
        let code = self.content.get(from..from + 4);
        u32::from_be_bytes(
            code.and_then(|code| code.try_into().ok())
                .unwrap_or([0xff; 4]),
        )
    }

    /// The status of an answer's head, where it is one of those that have a number of their own (RFC 7541, appendix A).
    pub fn status(&self) -> Option<u16> {
        let first = self.content.iter().find(|byte| *byte & 0xe0 != 0x20)?;
        [200, 204, 206, 304, 400, 404, 500]
            .get(usize::from(first.checked_sub(0x88)?))
            .copied()
    }
}

/// Fields as a header block without any compression: each a literal that is not kept.
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            length(&mut block, text.len());
            block.extend(text.bytes());
        }
    }
    block
}

/// RFC 7541, section 5.1, with a prefix of seven bits.
fn length(block: &mut Vec<u8>, length: usize) {
    let Some(mut left) = length.checked_sub(127) else {
        block.push(u8::try_from(length).unwrap_or(0));
        return;
    };
    block.push(127);
    while left >= 128 {
        block.push(u8::try_from(left % 128).unwrap_or(0) | 128);
        left /= 128;
    }
    block.push(u8::try_from(left).unwrap_or(0));
}

/// A client's end of a connection.
#[derive(Debug)]
pub struct Frames(Wire);

impl Frames {
    /// Connects, and says the preface and empty settings.
    pub async fn connect(address: SocketAddr) -> Self {
        let mut frames = Self::silent(address).await;
        frames.bytes(PREFACE).await;
        frames.send(&Frame::new(kind::SETTINGS, 0, 0, [])).await;
        frames
    }

    /// Connects and says nothing.
    pub async fn silent(address: SocketAddr) -> Self {
        Self(Wire::connect(address).await)
    }

    /// Sends bytes; the other side may have gone.
    pub async fn bytes(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.try_send(bytes).await.is_ok()
    }

    /// Sends a frame; says whether the other side is still there.
    pub async fn send(&mut self, frame: &Frame) -> bool {
        self.bytes(frame.bytes()).await
    }

    /// The next frame; nothing when the other side has closed.
    pub async fn next(&mut self) -> Option<Frame> {
        let head = self.0.up_to(9).await;
        let [a, b, c, kind, flags, s0, s1, s2, s3] = *head.as_slice() else {
            return None;
        };
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let content = self.0.up_to(length).await;
        (content.len() == length).then(|| Frame {
            kind,
            flags,
            stream: u32::from_be_bytes([s0, s1, s2, s3]),
            content,
        })
    }

    /// Reads on until a frame is as `wanted`; nothing when the other side closes before.
    pub async fn find(&mut self, wanted: impl Fn(&Frame) -> bool) -> Option<Frame> {
        loop {
            let frame = self.next().await?;
            if wanted(&frame) {
                return Some(frame);
            }
        }
    }

    /// The head of the answer on `stream`, or the reset of it; nothing when the connection ends before.
    pub async fn answer(&mut self, stream: u32) -> Option<Frame> {
        self.find(|frame| {
            frame.stream == stream && matches!(frame.kind, kind::HEADERS | kind::RST_STREAM)
        })
        .await
    }

    /// Reads to the end of the connection; the reason of the last GOAWAY, where one came.
    pub async fn ended(&mut self) -> Option<u32> {
        let mut code = None;
        while let Some(frame) = self.next().await {
            if frame.kind == kind::GOAWAY {
                code = Some(frame.code());
            }
        }
        code
    }
}
