//! Calls over HTTP, by the same policies as the gateway's own.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, FutureExt as _, poll_fn};
use http::Request;
use http_body::Body;
use tokio::time::{Instant, timeout_at};
use upstream::call;
use upstream::transport::reqwest_h1::ReqwestH1;

use super::{ANSWER_MAX, Carried, Carrier};
use crate::backend::{Backend, connecting};
use crate::lost::Lost;
use crate::reason::Reason;

/// Calls over HTTP/1.1.
#[derive(Debug)]
pub struct HttpCarrier {
    transport: ReqwestH1,
}

impl HttpCarrier {
    /// No connections yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn new() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self {
            transport: ReqwestH1::new(&connecting())?,
        })
    }
}

impl Carrier for HttpCarrier {
    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        deadline: Instant,
    ) -> BoxFuture<'a, Result<Carried, Lost>> {
        Box::pin(async move {
            let upstream = &backend.upstream;
            let answered = call(&self.transport, upstream, request, deadline, |_, _| {})
                .await
                .map_err(|error| Lost::from(error.kind))?;
            let (parts, body) = answered.response.into_parts();
            let body = whole(body, deadline).await?;
            Ok(Carried {
                status: parts.status,
                fields: parts.headers,
                body,
            })
        })
    }
}

/// The whole content, as long as it is not too much and does not take too long.
async fn whole<B>(body: B, deadline: Instant) -> Result<Bytes, Lost>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut body = body;
    let mut reading = std::pin::pin!(read(&mut body));
    // Most answers come with their head, and need no timer.
    if let Some(done) = (&mut reading).now_or_never() {
        return done;
    }
    timeout_at(deadline, reading)
        .await
        .unwrap_or_else(|_| Err(Lost::new(Reason::Timeout)))
}

async fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Result<Bytes, Lost> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Lost::new(Reason::Connect))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + more.len() + data.len() > ANSWER_MAX {
            tracing::warn!(limit = ANSWER_MAX, "an answer is too large");
            return Err(Lost::new(Reason::Decode));
        }
        // Most answers come in one piece, which is not copied.
        if first.is_empty() && more.is_empty() {
            first = data;
            continue;
        }
        if more.is_empty() {
            more.extend_from_slice(&first);
            first = Bytes::new();
        }
        more.extend_from_slice(&data);
    }
    Ok(if more.is_empty() {
        first
    } else {
        more.freeze()
    })
}
