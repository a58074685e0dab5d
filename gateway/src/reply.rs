//! The body of every answer that leaves the edge: our own few bytes, or an upstream's frames as they come.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use crate::forward::body::{AnswerBody, AnswerBodyError};
use crate::judge::stage::SoFar;
use crate::log::record::Record;
use crate::shadow::stage::Capture;

/// An answer's body. The request is counted and logged when it ends or is dropped.
pub struct ReplyBody {
    kind: Kind,
    record: Option<Box<Record>>,
    /// What the judge is told when it ends.
    judged: Option<SoFar>,
    /// Keeps what passes, for a copy.
    capture: Option<Box<Capture>>,
}

impl std::fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplyBody")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        if let Some(capture) = self.capture.take() {
            capture.end(self.is_end_stream());
        }
    }
}

#[derive(Debug)]
enum Kind {
    Own(Full<Bytes>),
    Passed(AnswerBody),
}

impl ReplyBody {
    /// An upstream's.
    pub fn passed(body: AnswerBody) -> Self {
        Self {
            kind: Kind::Passed(body),
            record: None,
            judged: None,
            capture: None,
        }
    }

    /// Tells the judge when it ends, or breaks off.
    pub fn judged(&mut self, so_far: Option<SoFar>) {
        self.judged = so_far;
    }

    /// Keeps what passes in `capture`, and hands that over with the body's end.
    pub fn copied(&mut self, capture: Box<Capture>) {
        self.capture = Some(capture);
    }

    /// Closes the record with the body's end.
    pub fn recorded(&mut self, record: Box<Record>) {
        self.record = Some(record);
    }
}

impl Default for ReplyBody {
    fn default() -> Self {
        Self::from(Bytes::new())
    }
}

impl From<Bytes> for ReplyBody {
    fn from(bytes: Bytes) -> Self {
        Self {
            kind: Kind::Own(Full::new(bytes)),
            record: None,
            judged: None,
            capture: None,
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = AnswerBodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerBodyError>>> {
        let this = &mut *self;
        let frame = std::task::ready!(match &mut this.kind {
            Kind::Own(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Kind::Passed(body) => Pin::new(body).poll_frame(cx),
        });
        if let Some(capture) = &mut this.capture {
            match &frame {
                Some(Ok(frame)) => frame
                    .data_ref()
                    .into_iter()
                    .for_each(|piece| capture.saw(piece)),
                Some(Err(_)) => this.capture = None,
                // Not every body knows that it is at its end.
                None => {
                    if let Some(capture) = this.capture.take() {
                        capture.end(true);
                    }
                }
            }
        }
        if let (Some(judged), Some(Err(error))) = (&mut this.judged, &frame) {
            judged.broke_off(error);
        }
        if let Some(record) = &mut this.record {
            match &frame {
                Some(Ok(frame)) => {
                    record.bytes_out += frame.data_ref().map_or(0, |data| data.len() as u64);
                }
                Some(Err(error)) => record.cut = Some(error.code()),
                None => {}
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Own(body) => body.is_end_stream(),
            Kind::Passed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Own(body) => body.size_hint(),
            Kind::Passed(body) => body.size_hint(),
        }
    }
}
