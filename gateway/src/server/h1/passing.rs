//! An answer on its way from whoever gives it into the outbox, told from what follows it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, StatusCode, Version};
use http_body::Body;
use wire::Delivery;

use super::outbox::Outbox;

/// What an answer says to, beside the request itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) is_head: bool,
    pub(super) version: Version,
    pub(super) keeps_alive: bool,
}

/// An answer that cannot be completed: the client went, took nothing for too long, or whoever gives it broke off.
pub(super) struct Cut;

/// An answer's body on its way into the outbox.
pub(super) struct Passing<'a, B> {
    pub(super) body: Option<&'a mut B>,
    /// Of the length that the head says.
    pub(super) left: Option<u64>,
    pub(super) delivery: Delivery,
}

pub(super) enum Fill {
    End,
    Full,
}

impl<B: Body<Data = Bytes> + Unpin> Passing<'_, B> {
    pub(super) fn poll_fill(
        &mut self,
        outbox: &mut Outbox,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Fill, Cut>> {
        loop {
            let Some(body) = &mut self.body else {
                return Poll::Ready(Ok(Fill::End));
            };
            if outbox.is_full() {
                return Poll::Ready(Ok(Fill::Full));
            }
            let frame = match ready!(Pin::new(&mut **body).poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(_)) => return Poll::Ready(Err(Cut)),
                None => {
                    self.body = None;
                    if self.left.is_some_and(|left| left > 0) {
                        return Poll::Ready(Err(Cut));
                    }
                    outbox.last(self.delivery, None);
                    continue;
                }
            };
            match frame.into_data() {
                Ok(data) => {
                    if let Some(left) = &mut self.left {
                        // More than was said would be read as the next answer.
                        *left = left.checked_sub(data.len() as u64).ok_or(Cut)?;
                    }
                    outbox.frame(data, self.delivery);
                    if body.is_end_stream() && self.left.is_none_or(|left| left == 0) {
                        self.body = None;
                        outbox.last(self.delivery, None);
                    }
                }
                Err(frame) => {
                    self.body = None;
                    let trailers = frame.into_trailers().unwrap_or_default();
                    outbox.last(self.delivery, Some(&trailers));
                }
            }
        }
    }
}

pub(super) fn delivery<B: Body>(
    status: StatusCode,
    fields: &HeaderMap,
    body: &B,
    asked: Asked,
) -> Delivery {
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        return Delivery::None;
    }
    if asked.is_head || status == StatusCode::NOT_MODIFIED {
        return Delivery::Head;
    }
    let said = fields
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    match said.or_else(|| body.size_hint().exact()) {
        Some(length) => Delivery::Length(length),
        None if asked.version == Version::HTTP_10 => Delivery::Close,
        None => Delivery::Chunked,
    }
}

pub(super) fn says_close(fields: &HeaderMap) -> bool {
    fields
        .get(CONNECTION)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"close"))
}
