//! An upstream that does as it is told, byte for byte: odd framing, early answers, silence, resets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chassis::tasks::Tasks;
use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::wire::{Head, Wire, within};

/// A listening upstream. Dropping it ends its connections.
#[derive(Debug)]
pub struct Origin {
    address: SocketAddr,
    log: Log,
    tasks: Tasks,
}

/// What an origin does with one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Sends these bytes and waits for the next request on the connection.
    Bytes(Vec<u8>),
    /// Sends these bytes and closes.
    Last(Vec<u8>),
    /// Sends these bytes and ends the connection with a reset.
    Reset(Vec<u8>),
    /// Says nothing and keeps the connection open.
    Silence,
}

impl Reply {
    /// A whole 200 with this text.
    pub fn ok(text: &str) -> Self {
        let length = text.len();
        Self::Bytes(
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{text}").into_bytes(),
        )
    }
}

/// One request as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Request line and fields.
    pub head: Head,
    /// The content, without its framing.
    pub body: Vec<u8>,
}

/// What an origin has met so far. Clones are the same log.
#[derive(Clone, Debug, Default)]
pub struct Log {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
    changed: Notify,
}

impl Log {
    /// Notes a request; for handlers that read by themselves.
    pub fn note(&self, head: Head, body: Vec<u8>) {
        self.lock().push(Seen { head, body });
        self.inner.changed.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Seen>> {
        self.inner
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Origin {
    /// Gives every connection to `handler`, which may do anything with it.
    pub async fn handling<F, Handled>(handler: F) -> Self
    where
        F: Fn(Wire, Log) -> Handled + Send + 'static,
        Handled: Future<Output = ()> + Send + 'static,
    {
        Self::at(Ipv4Addr::LOCALHOST, handler).await
    }

    /// The same on every address of this machine: 127.0.0.1, 127.0.0.2, ...
    pub async fn everywhere<F, Handled>(handler: F) -> Self
    where
        F: Fn(Wire, Log) -> Handled + Send + 'static,
        Handled: Future<Output = ()> + Send + 'static,
    {
        Self::at(Ipv4Addr::UNSPECIFIED, handler).await
    }

    async fn at<F, Handled>(address: Ipv4Addr, handler: F) -> Self
    where
        F: Fn(Wire, Log) -> Handled + Send + 'static,
        Handled: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind((address, 0)).await;
        let listener = listener.expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let (log, tasks) = (Log::default(), Tasks::new());
        let (noted, connections) = (log.clone(), tasks.clone());
        tasks.spawn("origin", async move {
            while let Some(Ok((stream, _))) = until_stop(&connections, listener.accept()).await {
                noted.inner.connections.fetch_add(1, Ordering::SeqCst);
                noted.inner.changed.notify_waiters();
                let handled = handler(Wire::new(stream), noted.clone());
                let stop = connections.clone();
                connections.spawn("origin connection", async move {
                    until_stop(&stop, handled).await;
                });
            }
        });
        Self {
            address,
            log,
            tasks,
        }
    }

    /// Reads whole requests; the first gets the first reply, and so on. The last one is repeated.
    pub async fn scripted(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies: Arc<[Reply]> = replies.into_iter().collect();
        assert!(!replies.is_empty(), "an origin without a reply");
        let next = Arc::new(AtomicUsize::new(0));
        Self::handling(move |wire, log| {
            let (replies, next) = (Arc::clone(&replies), Arc::clone(&next));
            async move { follow_script(wire, &log, &replies, &next).await }
        })
        .await
    }

    /// Answers everything with a 200 and this text.
    pub async fn saying(text: &str) -> Self {
        Self::scripted([Reply::ok(text)]).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.log.lock().clone()
    }

    /// How many connections were opened so far.
    pub fn connections(&self) -> usize {
        self.log.inner.connections.load(Ordering::SeqCst)
    }

    /// Waits until this many requests have arrived.
    pub async fn saw(&self, count: usize) -> Vec<Seen> {
        let arrived = async {
            loop {
                let changed = self.log.inner.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let seen = self.seen();
                if seen.len() >= count {
                    return seen;
                }
                changed.await;
            }
        };
        within(&format!("request {count} at the origin"), arrived).await
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.tasks.stop();
    }
}

/// An address that refuses connections for as long as this lives: bound, so that nobody else gets it, not listening.
#[derive(Debug)]
pub struct Refusing {
    socket: Socket,
}

impl Refusing {
    /// Takes a free port.
    pub fn new() -> Self {
        Self::bound(Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket"))
    }

    /// The same for a port on which somebody who knows it may listen.
    pub fn for_now() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_reuse_address(true).expect("a socket's option");
        Self::bound(socket)
    }

    fn bound(socket: Socket) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).expect("a free port");
        Self { socket }
    }

    /// Where nobody listens.
    pub fn address(&self) -> SocketAddr {
        let address = self.socket.local_addr().expect("a bound socket");
        address.as_socket().expect("an IP address")
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }
}

impl Default for Refusing {
    fn default() -> Self {
        Self::new()
    }
}

async fn follow_script(mut wire: Wire, log: &Log, replies: &[Reply], next: &AtomicUsize) {
    while let Some((head, body)) = wire.request().await {
        log.note(head, body);
        let turn = next.fetch_add(1, Ordering::SeqCst).min(replies.len() - 1);
        match &replies[turn] {
            Reply::Bytes(bytes) => {
                if wire.try_send(bytes).await.is_err() {
                    return;
                }
            }
            Reply::Last(bytes) => {
                let _ = wire.try_send(bytes).await;
                return;
            }
            Reply::Reset(bytes) => {
                let _ = wire.try_send(bytes).await;
                return wire.reset();
            }
            Reply::Silence => std::future::pending().await,
        }
    }
}

async fn until_stop<T>(tasks: &Tasks, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = future => Some(done),
        () = tasks.stopping() => None,
    }
}
