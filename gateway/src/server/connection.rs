//! One client's connection, from accept to its end.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use super::client_io::ClientIo;
use super::http2;
use super::protocol::Protocol;
use super::socket::Socket;
use super::state::{ConnectionState, Phase, Verdict};
use crate::forward::client::{Client, Peer};
use crate::forward::fields::Sender;
use crate::per_core::PerCore;
use crate::pipeline;
use crate::tls::greeting::Alpn;

/// Read at once: bodies go through in pieces of up to this size, and no head may be longer.
const BUFFER: usize = 64 * 1024;

/// The library counts fields too; a request with more than the file allows gets our own answer.
const FIELDS: usize = 512;

/// Serves a client until it leaves, stays silent for too long, or the process drains.
pub(super) async fn serve(
    core: Rc<PerCore>,
    stream: ClientIo,
    peer: Peer,
    state: Arc<ConnectionState>,
) {
    let peer = Rc::new(peer);
    let mut socket = Socket::new(stream, Arc::clone(&state));
    match protocol(&core, &peer, &mut socket, &state).await {
        Some(Protocol::Http2) => http2::serve(&core, socket.into_parts(), &peer, &state).await,
        Some(Protocol::Http1) => serve_http1(&core, socket, &peer, &state).await,
        None => {}
    }
    // Whatever still goes through the socket is no HTTP any more.
    state.enter(Phase::Tunnel);
    note_refusal(&core, &peer, &state);
}

/// What the client speaks; `None` once nobody waits for it any more.
async fn protocol(
    core: &PerCore,
    peer: &Peer,
    socket: &mut Socket,
    state: &ConnectionState,
) -> Option<Protocol> {
    if let Some(greeting) = &peer.greeting {
        return Some(match greeting.alpn {
            Some(Alpn::Http2) => Protocol::Http2,
            Some(Alpn::Http1) | None => Protocol::Http1,
        });
    }
    if !core.view().config.edge.http2 {
        return Some(Protocol::Http1);
    }
    poll_fn(|cx| {
        state.waker.register(cx.waker());
        match state.verdict() {
            Verdict::Abort | Verdict::Close => Poll::Ready(None),
            Verdict::None | Verdict::HeadTimeout => socket.poll_protocol(cx).map(Result::ok),
        }
    })
    .await
}

async fn serve_http1(
    core: &Rc<PerCore>,
    socket: Socket,
    peer: &Rc<Peer>,
    state: &Arc<ConnectionState>,
) {
    let service = {
        let (core, peer, state) = (Rc::clone(core), Rc::clone(peer), Arc::clone(state));
        service_fn(move |request: Request<Incoming>| {
            let (core, peer, state) = (Rc::clone(&core), Rc::clone(&peer), Arc::clone(&state));
            state.enter(Phase::Busy);
            async move {
                let mut answer = pipeline::answer(&core, &peer, request).await;
                answer.body_mut().tell(state);
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(BUFFER)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut closing = false;
    let step = |cx: &mut Context<'_>| {
        state.waker.register(cx.waker());
        match state.verdict() {
            Verdict::Abort => return Poll::Ready(()),
            Verdict::Close if !closing => {
                closing = true;
                connection.as_mut().graceful_shutdown();
            }
            _ => {}
        }
        // A client that breaks off is its own business.
        connection.as_mut().poll(cx).map(|_| ())
    };
    poll_fn(step).await;
}

/// What the library refused is counted and logged as any other problem.
fn note_refusal(core: &PerCore, peer: &Peer, state: &ConnectionState) {
    let Some(rejection) = state.refused().rejection() else {
        return;
    };
    let (status, code): (StatusCode, _) = rejection.kind();
    core.shared.metrics.problem(code);
    let client = Client {
        address: peer.address,
        sender: Sender::Stranger,
        secure: peer.greeting.is_some(),
    };
    let request = Request::builder()
        .method(Method::GET)
        .body(())
        .unwrap_or_default();
    let mut record = core.begin(&core.view(), &client, &request);
    record.listener = peer.listener;
    record.target = None;
    record.request_id = state.refusal_id().clone();
    record.status = Some(status);
    record.code = Some(code);
}
