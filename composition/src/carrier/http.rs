//! Calls over HTTP, by the same policies as the gateway's own.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::{BoxFuture, poll_fn};
use http::{Request, Response};
use http_body::Body;
use tokio::time::{Instant, timeout_at};
use upstream::transport::reqwest_h1::ReqwestH1;
use upstream::{CallError, Kind, Transport, call};

use super::{ANSWER_MAX, Carried, Carrier};
use crate::backend::{Backend, connecting};
use crate::lost::Lost;
use crate::reason::Reason;

type TransportBody = <ReqwestH1 as Transport<Bytes>>::Body;

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

    /// One attempt, and one more when the connection ended before an answer: all calls here may be repeated.
    async fn head(
        &self,
        backend: &Backend,
        request: Request<Bytes>,
        deadline: Instant,
    ) -> Result<Response<TransportBody>, CallError> {
        let again = request.clone();
        match self.attempt(backend, request, deadline).await {
            Err(error) if error.kind == Kind::ResetBeforeHead => {
                self.attempt(backend, again, deadline).await
            }
            done => done,
        }
    }

    async fn attempt(
        &self,
        backend: &Backend,
        request: Request<Bytes>,
        deadline: Instant,
    ) -> Result<Response<TransportBody>, CallError> {
        let answered = call(
            &self.transport,
            &backend.upstream,
            request,
            deadline,
            |_, _| {},
        );
        Ok(answered.await?.response)
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
            let answer = self
                .head(backend, request, deadline)
                .await
                .map_err(|error| Lost::from(error.kind))?;
            let (parts, body) = answer.into_parts();
            let body = timeout_at(deadline, whole(body))
                .await
                .map_err(|_| Lost::new(Reason::Timeout))??;
            Ok(Carried {
                status: parts.status,
                fields: parts.headers,
                body,
            })
        })
    }
}

/// The whole content, as long as it is not too much.
async fn whole<B: Body<Data = Bytes>>(body: B) -> Result<Bytes, Lost> {
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::as_mut(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Lost::new(Reason::Connect))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + more.len() + data.len() > ANSWER_MAX {
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
