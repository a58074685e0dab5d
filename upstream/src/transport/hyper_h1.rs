//! HTTP/1.1 over hyper's connections, kept in pools of one core: nothing here is shared or locked.

mod hearing;
mod pool;
mod sound;

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use chassis::clock::Clock;
use chassis::tasks::Tasks;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use self::hearing::Hearing;
use self::pool::Pool;
use crate::endpoint::Endpoint;
use crate::error::{CallError, Failed, Kind, Reused};
use crate::transport::{Connecting, Connection, Informed, Transport};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// One core's connections to every endpoint. Clones are the same pools.
pub struct HyperH1<B> {
    core: Rc<Core<B>>,
}

struct Core<B> {
    pool: RefCell<Pool<SendRequest<B>>>,
    clock: Clock,
    tasks: Tasks,
}

impl<B> std::fmt::Debug for HyperH1<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HyperH1")
            .field("pool", &self.core.pool.borrow())
            .finish()
    }
}

impl<B> Clone for HyperH1<B> {
    fn clone(&self) -> Self {
        Self {
            core: Rc::clone(&self.core),
        }
    }
}

impl<B> HyperH1<B> {
    /// No connections yet. Their tasks run on the current thread's `LocalSet`.
    pub fn new(clock: Clock, tasks: Tasks) -> Self {
        let pool = RefCell::new(Pool::default());
        Self {
            core: Rc::new(Core { pool, clock, tasks }),
        }
    }

    /// Closes every connection that no request uses.
    pub fn close(&self) {
        *self.core.pool.borrow_mut() = Pool::default();
    }

    /// Closes what has been unused for too long and what belongs to endpoints that are gone. Called every second or so.
    pub fn sweep(&self) {
        self.core.pool.borrow_mut().sweep(self.core.clock.now());
    }
}

impl<B> Transport<B> for HyperH1<B>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    type Body = PooledBody<B>;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        by: Connection<'_>,
        head: &Request<()>,
        body: B,
    ) -> Result<Response<PooledBody<B>>, Failed> {
        let kept = if by.fresh {
            None
        } else {
            self.core.pool.borrow_mut().take(endpoint.id())
        };
        let (sender, reused) = match kept {
            Some(sender) => (sender, Reused::Yes),
            None => match self.connect(endpoint, by.connecting).await {
                Ok(sender) => (sender, Reused::No),
                Err(error) => return Err(Failed::connecting(error)),
            },
        };
        self.send(endpoint, by.connecting, sender, head, body)
            .await
            .map_err(|(error, unsent)| Failed {
                error,
                unsent,
                reused,
            })
    }
}

impl<B> HyperH1<B>
where
    B: Body<Data = Bytes> + 'static,
    B::Error: Into<BoxError>,
{
    async fn connect(
        &self,
        endpoint: &Endpoint,
        connecting: &Connecting,
    ) -> Result<SendRequest<B>, CallError> {
        let connect = async {
            if let Some(address) = endpoint.address() {
                return TcpStream::connect(address).await;
            }
            let place = endpoint.place();
            TcpStream::connect((place.host.as_str(), place.port)).await
        };
        let socket = tokio::time::timeout(connecting.timeout, connect)
            .await
            .map_err(|_| CallError::new(Kind::ConnectTimeout))?
            .map_err(|error| CallError::caused(Kind::Connect, error))?;
        let _ = socket.set_nodelay(true);
        let (sender, connection) = http1::Builder::new()
            .handshake(TokioIo::new(Hearing(socket)))
            .await
            .map_err(|error| CallError::caused(Kind::Connect, error))?;
        self.core
            .tasks
            .spawn_local("upstream connection", async move {
                // What goes wrong here is told to the request that it concerns.
                let _ = connection.with_upgrades().await;
            });
        Ok(sender)
    }

    async fn send(
        &self,
        endpoint: &Arc<Endpoint>,
        connecting: &Connecting,
        mut sender: SendRequest<B>,
        head: &Request<()>,
        body: B,
    ) -> Result<Response<PooledBody<B>>, (CallError, bool)> {
        match sender.try_send_request(whole(head, body)).await {
            Ok(mut response) => {
                // The connection closes with its sender: nobody trusts what comes behind such an answer.
                sound::check(head, &mut response)
                    .map_err(|unsound| (CallError::caused(Kind::Malformed, unsound), false))?;
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    return Ok(response.map(PooledBody::of_nobody));
                }
                let lease = Lease {
                    core: Rc::clone(&self.core),
                    endpoint: Arc::downgrade(endpoint),
                    id: endpoint.id(),
                    sender,
                    idle_max: connecting.idle_max,
                    idle_timeout: connecting.idle_timeout,
                };
                Ok(response.map(|incoming| PooledBody::new(incoming, lease)))
            }
            Err(mut error) => {
                let unsent = error.take_message().is_some();
                Err((classify(error.into_error(), unsent), unsent))
            }
        }
    }
}

fn classify(error: hyper::Error, unsent: bool) -> CallError {
    let kind = if error.is_user() {
        Kind::RequestBody
    } else if error.is_parse() {
        Kind::Malformed
    } else if unsent {
        Kind::Refused
    } else {
        Kind::ResetBeforeHead
    };
    CallError::caused(kind, error)
}

fn whole<B>(head: &Request<()>, body: B) -> Request<B> {
    let mut request = Request::new(body);
    request.method_mut().clone_from(head.method());
    request.uri_mut().clone_from(head.uri());
    request.headers_mut().clone_from(head.headers());
    if let Some(informed) = head.extensions().get::<Informed>().cloned() {
        hyper::ext::on_informational(&mut request, move |interim| {
            informed.tell(interim.status(), interim.headers());
        });
    }
    request
}

/// What puts a connection back when its answer has been read to the end.
struct Lease<B> {
    core: Rc<Core<B>>,
    endpoint: std::sync::Weak<Endpoint>,
    id: u32,
    sender: SendRequest<B>,
    idle_max: usize,
    idle_timeout: std::time::Duration,
}

impl<B> Lease<B> {
    fn give_back(self) {
        let Self {
            core,
            endpoint,
            id,
            sender,
            idle_max,
            idle_timeout,
        } = self;
        if !sender.is_closed() {
            let expires: Instant = core.clock.now() + idle_timeout;
            core.pool
                .borrow_mut()
                .put(id, endpoint, sender, expires, idle_max);
        }
    }
}

/// An answer's body; its end gives the connection back, dropping it before closes the connection.
pub struct PooledBody<B> {
    incoming: Incoming,
    lease: Option<Lease<B>>,
}

impl<B> std::fmt::Debug for PooledBody<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PooledBody")
            .field("incoming", &self.incoming)
            .finish_non_exhaustive()
    }
}

impl<B> PooledBody<B> {
    fn new(incoming: Incoming, lease: Lease<B>) -> Self {
        let mut body = Self {
            incoming,
            lease: Some(lease),
        };
        if body.incoming.is_end_stream() {
            body.give_back();
        }
        body
    }

    /// Of a connection that is another protocol's from now on.
    fn of_nobody(incoming: Incoming) -> Self {
        Self {
            incoming,
            lease: None,
        }
    }

    fn give_back(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl<B> Body for PooledBody<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.incoming).poll_frame(cx));
        match &frame {
            None => self.give_back(),
            Some(Ok(_)) if self.incoming.is_end_stream() => self.give_back(),
            Some(_) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}

// `Unpin` for any B: the request body type is only named, never held.
impl<B> Unpin for PooledBody<B> {}

#[cfg(test)]
mod tests;
