//! One client's connection on which HTTP/2 is spoken, from its preface to its end.

mod frames;
mod flood;
mod socket;
mod streams;

use std::cell::Cell;
use std::convert::Infallible;
use std::error::Error as _;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::stream::FuturesUnordered;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};

use self::socket::Socket;
use self::streams::{Answer, Streams};
use super::protocol::Ahead;
use super::state::{ConnectionState, Phase, Verdict};
use crate::forward::client::Peer;
use crate::forward::incoming::ClientBody;
use crate::listener::config::EdgeConfig;
use crate::metrics::http2::Ended;
use crate::per_core::PerCore;
use crate::pipeline;

/// Requests that run at once on one connection.
const STREAMS: u32 = 100;

/// What a client may send ahead of what we hand on: of one request, and of all on a connection.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// What is kept of one answer that the client has not taken.
const SEND_BUFFER: usize = 128 * 1024;

/// Requests with mistakes in them, or reset before anybody looked at them, on one connection.
const MISTAKES: usize = 100;
const RESET_UNSEEN: usize = 20;

/// A client that says nothing is asked whether it is still there, and has so long to say so.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A client that was told to leave and has no request may take so many counts of the sweep.
const LEAVING: u32 = 2;

/// Serves a client, of which `ahead` has been read, until it leaves, stays silent for too long, or the process drains.
pub(super) async fn serve<I: AsyncRead + AsyncWrite + Unpin>(
    core: &Rc<PerCore>,
    (io, ahead): (I, Ahead),
    peer: &Rc<Peer>,
    state: &Arc<ConnectionState>,
) {
    let streams = Streams::new(Arc::clone(state));
    let ended = Rc::<Cell<_>>::default();
    let service = {
        let (core, peer, streams) = (Rc::clone(core), Rc::clone(peer), streams.clone());
        service_fn(move |request: Request<Incoming>| {
            let (core, peer, stream) = (Rc::clone(&core), Rc::clone(&peer), streams.begin());
            async move {
                let answer = pipeline::answer(&core, &peer, request.map(ClientBody::H2)).await;
                Ok::<_, Infallible>(answer.map(|body| Answer::new(body, stream)))
            }
        })
    };
    let socket = Socket::new((io, ahead), Arc::clone(state), Rc::clone(&ended));
    let connection =
        builder(&streams, &core.view().config.edge).serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    let mut serving = Serving {
        core,
        state,
        streams,
        running: FuturesUnordered::new(),
        looked: state.now(),
        leaving: None,
    };
    state.look_after();
    state.enter(Phase::Idle);
    let result = poll_fn(|cx| {
        serving.step(
            cx,
            connection.as_mut(),
            http2::Connection::graceful_shutdown,
        )
    })
    .await;
    serving.streams.clear();
    let why = ended.get().or(match state.verdict() {
        Verdict::HeadTimeout => Some(Ended::HeadTimeout),
        _ => result.err().as_ref().and_then(broken),
    });
    if let Some(why) = why {
        core.shared.metrics.http2_ended.count(why);
    }
}

fn builder(streams: &Streams, edge: &EdgeConfig) -> http2::Builder<Streams> {
    let mut builder = http2::Builder::new(streams.clone());
    // The library counts 32 bytes more for each field. What is over our own limit is for us to say.
    let fields = edge.max_header_bytes + edge.max_headers * 32 + edge.max_uri;
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(u32::try_from(fields).unwrap_or(u32::MAX))
        .max_local_error_reset_streams(MISTAKES)
        .max_pending_accept_reset_streams(RESET_UNSEEN)
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT);
    builder
}

/// Why the library ended a connection, where the client gave it a reason. Clients that merely go give none.
fn broken(error: &hyper::Error) -> Option<Ended> {
    let library = error.source()?.downcast_ref::<h2::Error>()?;
    if library.is_remote() || library.is_io() {
        return None;
    }
    match library.reason()? {
        h2::Reason::NO_ERROR => None,
        h2::Reason::ENHANCE_YOUR_CALM => Some(Ended::TooMuch),
        _ => Some(Ended::ProtocolError),
    }
}

/// A connection on its way.
struct Serving<'a> {
    core: &'a Rc<PerCore>,
    state: &'a Arc<ConnectionState>,
    streams: Streams,
    running: FuturesUnordered<streams::Running>,
    /// The sweep's count when requests were last looked after.
    looked: u32,
    /// The sweep's count when the client was told to leave.
    leaving: Option<u32>,
}

impl Serving<'_> {
    /// Runs the connection and its requests until nothing moves. `shut_down` tells the client to leave.
    fn step<C, E>(
        &mut self,
        cx: &mut Context<'_>,
        mut connection: Pin<&mut C>,
        shut_down: impl Fn(Pin<&mut C>),
    ) -> Poll<Result<(), E>>
    where
        C: Future<Output = Result<(), E>>,
    {
        self.state.waker.register(cx.waker());
        match self.state.verdict() {
            Verdict::Abort | Verdict::HeadTimeout => return Poll::Ready(Ok(())),
            Verdict::Close if self.leaving.is_none() => {
                self.leaving = Some(self.state.now());
                shut_down(connection.as_mut());
            }
            _ => {}
        }
        self.look_after();
        if self.has_left() {
            return Poll::Ready(Ok(()));
        }
        // What requests have to say goes out with the same step.
        self.streams.poll(cx, &mut self.running);
        loop {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(result);
            }
            if !self.streams.poll(cx, &mut self.running) {
                return Poll::Pending;
            }
        }
    }

    /// Once with each sweep.
    fn look_after(&mut self) {
        let now = self.state.now();
        if std::mem::replace(&mut self.looked, now) != now {
            let patience = self.core.view().config.edge.body_idle_timeout.as_secs();
            let patience = u32::try_from(patience.max(1)).unwrap_or(u32::MAX);
            self.streams.end_stuck(patience);
        }
    }

    /// Whether a client that was told to leave keeps the connection for nothing.
    fn has_left(&self) -> bool {
        let waited = self
            .leaving
            .map_or(0, |since| self.state.now().wrapping_sub(since));
        waited > LEAVING && self.streams.is_empty()
    }
}
