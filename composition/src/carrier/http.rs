//! Calls over HTTP, by the same policies as the gateway's own.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use chassis::handover::{self, DEADLINE, deadline_value};
use futures::future::{BoxFuture, FutureExt as _, poll_fn};
use http::{HeaderMap, Request};
use http_body::Body;
use tokio::time::{Instant, timeout_at};
use upstream::transport::Transport;
use upstream::transport::reqwest_h1::ReqwestH1;
use upstream::{Answered, Calling, Endpoint, Whose, call};

use super::{ANSWER_MAX, Carried, Carrier, Terms};
use crate::backend::{Backend, connecting};
use crate::cohort::Way;
use crate::lost::Lost;
use crate::reason::Reason;

type Unusable = Box<dyn std::error::Error + Send + Sync>;

/// Calls over HTTP/1.1.
#[derive(Debug)]
pub struct HttpCarrier {
    transport: ReqwestH1,
    way: Way,
}

impl HttpCarrier {
    /// To a gateway, whose answers say which route and side they are of. No connections yet.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn to_gateway() -> Result<Self, Unusable> {
        Ok(Self {
            transport: ReqwestH1::new(&connecting())?,
            way: Way::Gateway,
        })
    }

    /// To backends themselves: what only a gateway may say is taken away from their answers.
    ///
    /// # Errors
    /// The HTTP client cannot be set up.
    pub fn to_backends() -> Result<Self, Unusable> {
        let carrier = Self::to_gateway()?;
        Ok(Self {
            way: Way::Direct,
            ..carrier
        })
    }
}

impl Carrier for HttpCarrier {
    fn way(&self) -> Way {
        self.way
    }

    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        terms: Terms,
    ) -> BoxFuture<'a, Result<Carried, Lost>> {
        Box::pin(carry(&self.transport, self.way, backend, request, terms))
    }
}

/// Sends one request over `transport`, as [`Carrier::carry`] says, with all that protects its backend.
///
/// # Errors
/// There is no answer, or nobody was asked.
pub async fn carry<T>(
    transport: &T,
    way: Way,
    backend: &Backend,
    request: Request<Bytes>,
    terms: Terms,
) -> Result<Carried, Lost>
where
    T: Transport<Bytes>,
    T::Body: Unpin,
{
    let deadline = terms.allowance.ends;
    let goes_out = |_: &Endpoint, head: &mut Request<()>| {
        backend.calls.inc();
        let left = deadline.saturating_duration_since(Instant::now());
        head.headers_mut().insert(DEADLINE, deadline_value(left));
    };
    let calling = Calling {
        upstream: &backend.upstream,
        retry: &backend.retry,
        breaker: backend.breaker.as_ref(),
        hedge: backend.hedge.as_ref(),
        places: Some(backend.places(terms.need, terms.side)),
        key: None,
        deadline,
        whose: match terms.allowance.reason {
            Reason::Timeout => Whose::Ours,
            _ => Whose::Callers,
        },
    };
    let (parts, body) = request.into_parts();
    let mut head = Request::from_parts(parts, ());
    let answered = call(transport, &calling, &mut head, body, goes_out).await;
    let Answered {
        response,
        in_flight: _in_flight,
        permit: _permit,
        ..
    } = answered.map_err(|error| Lost::from(&error))?;
    let (mut parts, body) = response.into_parts();
    if way == Way::Direct {
        forget_what_gateways_say(&mut parts.headers);
    }
    let body = whole(body, deadline).await;
    Ok(Carried {
        status: parts.status,
        fields: parts.headers,
        body,
    })
}

/// A backend that is asked directly speaks for no route and no side.
fn forget_what_gateways_say(fields: &mut HeaderMap) {
    use handover::{COHORT, REJECTED, SERVED_BY, STATE};
    for name in [STATE, COHORT, REJECTED, SERVED_BY] {
        fields.remove(name);
    }
}

/// The whole content, as long as it is not too much and does not take too long.
async fn whole<B>(body: B, deadline: Instant) -> Result<Bytes, Reason>
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
        .unwrap_or_else(|_| Err(Reason::Timeout))
}

async fn read<B: Body<Data = Bytes> + Unpin>(body: &mut B) -> Result<Bytes, Reason> {
    let mut first = Bytes::new();
    let mut more = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Reason::Connect)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + more.len() + data.len() > ANSWER_MAX {
            tracing::warn!(limit = ANSWER_MAX, "an answer is too large");
            return Err(Reason::Decode);
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

#[cfg(test)]
mod tests {
    use futures::stream;
    use http_body::Frame;
    use http_body_util::StreamBody;

    use super::*;
    use crate::budget::Allowance;
    use crate::need::Need;

    /// What is read of pieces of these lengths: the length, or why not.
    async fn read_of(pieces: &[usize]) -> Result<usize, Reason> {
        let pieces = pieces.iter().map(|length| Bytes::from(vec![b'x'; *length]));
        let frames = pieces.map(|piece| Ok::<_, std::convert::Infallible>(Frame::data(piece)));
        let mut body = StreamBody::new(stream::iter(frames.collect::<Vec<_>>()));
        let read = read(&mut body).await;
        read.map(|whole| whole.len())
    }

    #[tokio::test]
    async fn an_answer_has_an_end_however_it_comes() {
        assert_eq!(read_of(&[]).await, Ok(0));
        assert_eq!(read_of(&[ANSWER_MAX]).await, Ok(ANSWER_MAX));
        assert_eq!(read_of(&[1, ANSWER_MAX - 2, 1]).await, Ok(ANSWER_MAX));
        assert_eq!(read_of(&[ANSWER_MAX + 1]).await, Err(Reason::Decode));
        assert_eq!(read_of(&[1, ANSWER_MAX - 1, 1]).await, Err(Reason::Decode));
    }

    #[test]
    fn a_backend_that_is_asked_directly_speaks_for_no_gateway() {
        let mut fields = HeaderMap::new();
        for name in [
            "x-banyan-state",
            "x-banyan-cohort",
            "x-banyan-rejected",
            "x-served-by",
            "etag",
        ] {
            fields.insert(name, http::HeaderValue::from_static("x"));
        }
        forget_what_gateways_say(&mut fields);
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["etag"]);
    }

    #[tokio::test]
    async fn a_head_is_heard_though_its_content_breaks_off() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut peer, _) = listener.accept().unwrap();
            let _ = std::io::Read::read(&mut peer, &mut [0; 4096]).unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nx-served-by: service\r\ncontent-length: 9\r\n\r\n{";
            std::io::Write::write_all(&mut peer, answer).unwrap();
        });
        let backend = Backend::new("catalog", "127.0.0.1", port, "", 1).unwrap();
        let carrier = HttpCarrier::to_gateway().unwrap();
        let terms = Terms {
            allowance: Allowance {
                may_begin: true,
                ends: Instant::now() + std::time::Duration::from_secs(10),
                reason: Reason::Timeout,
            },
            need: Need::Required,
            side: None,
        };
        let request = Request::get("/1").body(Bytes::new()).unwrap();
        let carried = carrier.carry(&backend, request, terms).await.unwrap();
        assert_eq!(carried.fields["x-served-by"], "service");
        assert_eq!(carried.body, Err(Reason::Connect));
        server.join().unwrap();
    }
}
