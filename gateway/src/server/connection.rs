//! One client's connection, from accept to its end.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use wire::{Incoming, Limits, Refused};

use super::client_io::ClientIo;
use super::h1::{self, Line};
use super::http2;
use super::protocol::Ahead;
use super::state::{ConnectionState, Phase};
use crate::forward::client::{Client, Peer};
use crate::forward::fields::Sender;
use crate::forward::incoming::ClientBody;
use crate::per_core::PerCore;
use crate::pipeline;
use crate::rejection::{Causes, Rejection};
use crate::rendering::{Taken, render};
use crate::reply::ReplyBody;
use crate::tls::greeting::Alpn;

/// Serves a client until it leaves, stays silent for too long, or the process drains.
pub(super) async fn serve(
    core: Rc<PerCore>,
    stream: ClientIo,
    peer: Peer,
    state: Arc<ConnectionState>,
) {
    let answering = Answering {
        core,
        peer: Rc::new(peer),
    };
    let (core, peer) = (&answering.core, &answering.peer);
    let agreed = peer.greeting.as_ref().map(|greeting| greeting.alpn);
    if agreed == Some(Some(Alpn::Http2)) {
        http2::serve(core, (stream, Ahead::default()), peer, &state).await;
    } else {
        // Without a handshake the first bytes say what is spoken.
        let may_be_http2 = agreed.is_none() && core.view().config.edge.http2;
        let line = Line::new(stream, Arc::clone(&state), may_be_http2);
        if let Some((stream, read)) = h1::serve(line, &state, &answering).await {
            http2::serve(core, (stream, read.into()), peer, &state).await;
        }
    }
    // Whatever still goes through the socket is no HTTP any more.
    state.enter(Phase::Tunnel);
}

/// The pipeline, as a connection sees it.
struct Answering {
    core: Rc<PerCore>,
    peer: Rc<Peer>,
}

impl h1::Service for Answering {
    type Body = ReplyBody;

    fn limits(&self) -> Limits {
        let view = self.core.view();
        let edge = &view.config.edge;
        Limits {
            target: edge.max_uri,
            fields: edge.max_header_bytes,
            count: edge.max_headers,
        }
    }

    fn date(&self) -> [u8; 29] {
        self.core.date()
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        pipeline::answer(&self.core, &self.peer, request.map(ClientBody::H1)).await
    }

    fn refuse(&self, refused: Refused) -> Response<ReplyBody> {
        self.refusal(&match refused {
            Refused::Bad(reason) => Rejection::BadRequest(reason),
            Refused::Version => Rejection::Version,
            Refused::TargetTooLong => Rejection::UriTooLong,
            Refused::HeadTooLarge => Rejection::HeadTooLarge,
        })
    }

    fn too_slow(&self) -> Response<ReplyBody> {
        self.refusal(&Rejection::HeadTimeout)
    }
}

impl Answering {
    /// What is no request is counted and logged as any other problem.
    fn refusal(&self, rejection: &Rejection) -> Response<ReplyBody> {
        let (status, code) = rejection.kind();
        self.core.shared.metrics.problem(code);
        let client = Client {
            address: self.peer.address,
            sender: Sender::Stranger,
            secure: self.peer.greeting.is_some(),
        };
        let request = Request::builder()
            .method(Method::GET)
            .body(())
            .unwrap_or_default();
        let mut record = self.core.begin(&self.core.view(), &client, &request);
        record.listener = self.peer.listener;
        record.target = None;
        record.status = Some(status);
        record.code = Some(code);
        let problem = rejection
            .problem(Causes::Hidden)
            .request_id(record.request_id.as_str())
            .field(chassis::request_id::FIELD, record.request_id.to_value());
        let mut answer: Response<ReplyBody> =
            render::<Bytes>(&problem, Taken::Problem).map(Into::into);
        answer.body_mut().recorded(record);
        answer
    }
}
