//! Sends one copy, and reads what is answered to it, within bounds.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::handover::{DEADLINE, deadline_value};
use chassis::request_id::{self, RequestId};
use chassis::trace::{TRACEPARENT, TraceContext};
use http::header::{AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Body;
use tokio::time::Instant;
use upstream::breaker::Pass;
use upstream::error::Kind;
use upstream::{Transport, Whose, call_apart};

use super::compiled::Copying;
use super::config::Credentials;
use super::job::{Answered, Asked};
use super::stage::read_by;
use super::state::Dropped;
use crate::forward::answer::Naming;
use crate::forward::compiled::Backend;
use crate::forward::fields::clean_answer;
use crate::forward::stage::Forwarding;
use crate::forward::tap::{Full, Memory, Tap};

/// By which a backend knows a copy.
pub const SHADOW: HeaderName = HeaderName::from_static("x-shadow");

/// What proves who asks. It is the other side's only where the file says so.
const SECRETS: [HeaderName; 4] = [
    COOKIE,
    AUTHORIZATION,
    PROXY_AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
];

/// What a copy is sent with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sending<'a, T> {
    pub(super) transport: &'a T,
    pub(super) memory: &'a Arc<Memory>,
    pub(super) copying: &'a Copying,
    pub(super) body: &'a Bytes,
}

impl<T: Transport<Bytes>> Sending<'_, T> {
    /// Asks a side with these fields, as its breaker of copies lets it.
    pub(super) async fn ask(
        &self,
        (backend, pass): (&Backend, Option<Pass<'_>>),
        asked: &Asked,
        fields: HeaderMap,
    ) -> Result<Answered, Dropped> {
        let config = &self.copying.config;
        let outside = fields.get(HOST).cloned();
        let mut head = Request::new(());
        *head.method_mut() = asked.method.clone();
        *head.headers_mut() = fields;
        let how = Forwarding {
            backend,
            prefix: &self.copying.prefix,
            given: &asked.given,
            path: asked.path(),
            outside: outside.as_ref(),
            key: None,
            deadline: Instant::now() + config.timeout,
            whose: Whose::Ours,
        };
        let answered = call_apart(
            self.transport,
            &backend.upstream,
            pass,
            (&mut head, self.body.clone()),
            how.deadline,
            |endpoint, head| how.fit(endpoint, head),
        )
        .await;
        let (endpoint, mut response) = answered.map_err(|error| reason(error.kind))?;
        let endpoint = &endpoint;
        let fields = response.headers_mut();
        clean_answer(fields);
        if let Some(outside) = asked.host() {
            let sent = how.host(endpoint).unwrap_or(outside);
            let naming = Naming {
                paths: how.paths(endpoint),
                inside: [endpoint.authority(), sent],
                scheme: asked.scheme,
                outside,
            };
            naming.apply(fields);
        }
        let read = self.read(response);
        let read = tokio::time::timeout_at(how.deadline, read).await;
        read.unwrap_or(Err(Dropped::Timeout))
    }

    async fn read<B: Body<Data = Bytes>>(
        &self,
        response: Response<B>,
    ) -> Result<Answered, Dropped> {
        let config = &self.copying.config;
        let (head, body) = response.into_parts();
        let mut tap = Tap::new(config.max_response, self.memory);
        if config.compare && body.size_hint().lower() > config.max_response as u64 {
            return Err(Dropped::ResponseTooLarge);
        }
        let mut body = pin!(body);
        while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            let frame = frame.map_err(|_| Dropped::Reset)?;
            // A mirror's answer is only read.
            if let Some(piece) = frame.data_ref().filter(|_| config.compare) {
                tap.saw(piece);
            }
            match tap.full() {
                Some(Full::Length) => return Err(Dropped::ResponseTooLarge),
                Some(Full::Memory) => return Err(Dropped::Memory),
                None => {}
            }
        }
        tap.ended();
        Ok(Answered {
            status: head.status,
            fields: read_by(&head.headers, &config.rules.headers),
            body: tap,
        })
    }
}

/// The fields of a copy to the other side.
pub(super) fn for_target(asked: &Asked, credentials: Credentials, timeout: Duration) -> HeaderMap {
    let mut fields = again(asked, timeout);
    if credentials != Credentials::Forward {
        for name in &SECRETS {
            fields.remove(name);
        }
    }
    if credentials == Credentials::None {
        let identity: Vec<HeaderName> = fields
            .keys()
            .filter(|name| name.as_str().starts_with("x-user-"))
            .cloned()
            .collect();
        for name in &identity {
            fields.remove(name);
        }
    }
    fields
}

/// The fields of the same request once more: a copy, with an id of its own, in the same trace.
pub(super) fn again(asked: &Asked, timeout: Duration) -> HeaderMap {
    let mut fields = asked.fields.clone();
    fields.insert(SHADOW, HeaderValue::from_static("1"));
    fields.insert(request_id::FIELD, RequestId::random().to_value());
    let trace = fields.get(TRACEPARENT).and_then(TraceContext::continued);
    let trace = trace.unwrap_or_else(TraceContext::root);
    fields.insert(TRACEPARENT, trace.to_value());
    if fields.contains_key(DEADLINE) {
        fields.insert(DEADLINE, deadline_value(timeout));
    }
    fields
}

fn reason(kind: Kind) -> Dropped {
    match kind {
        Kind::NoEndpoint | Kind::Connect | Kind::ConnectTimeout => Dropped::Connect,
        Kind::Refused | Kind::ResetBeforeHead | Kind::RequestBody => Dropped::Reset,
        Kind::BreakerOpen | Kind::BulkheadFull => Dropped::Breaker,
        Kind::Malformed => Dropped::Malformed,
        Kind::Timeout => Dropped::Timeout,
    }
}

#[cfg(test)]
mod tests;
