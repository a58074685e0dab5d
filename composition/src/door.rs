//! The front door of a BFF: who asks, whether they may, and a line about what they got.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use chassis::clock::Clock;
use chassis::identity::Trust;
use chassis::problem::{Problem, named};
use chassis::request_id;
use chassis::telemetry::line::Line;
use chassis::telemetry::lines::LineBuffer;
use chassis::telemetry::stamp::Stamp;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::client_version::{Client, ClientPolicy};
use crate::inbound::Inbound;
use crate::metrics::Stats;
use crate::problems::{bad_request, problem};
use crate::view::Composed;

/// What the door knows.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) tenant: Option<HeaderName>,
    pub(crate) clients: ClientPolicy,
    pub(crate) stats: Stats,
    pub(crate) clock: Clock,
    pub(crate) lines: Mutex<Book>,
}

/// The access lines of one process.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) lines: LineBuffer,
    pub(crate) stamp: Stamp,
}

/// What a line says of a request.
struct Asked {
    peer: IpAddr,
    method: Method,
    uri: Uri,
    agent: Option<HeaderValue>,
    trace: [u8; 32],
}

/// Lets a request in, and its answer out.
pub(crate) async fn pass(
    State(door): State<Arc<Door>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let fields = request.headers();
    let (inbound, ignored) = Inbound::read(
        fields,
        door.trust(peer.ip()),
        door.tenant.as_ref(),
        Instant::now(),
    );
    for ignored in ignored {
        door.stats.ignored(ignored.field);
    }
    let inbound = Arc::new(inbound);
    let asked = Asked {
        peer: peer.ip().to_canonical(),
        method: request.method().clone(),
        uri: request.uri().clone(),
        agent: fields.get(USER_AGENT).cloned(),
        trace: inbound.identity.trace.trace_id_digits(),
    };
    let refused = door.refuse(&request);
    let line = Unwritten {
        door: &door,
        asked: &asked,
        inbound: &inbound,
        is_written: false,
    };
    let answer = if let Some(problem) = refused {
        problem.into_response()
    } else {
        request.extensions_mut().insert(Arc::clone(&inbound));
        next.run(request).await
    };
    let mut answer = named(answer, inbound.identity.request_id.as_str());
    answer
        .headers_mut()
        .insert(request_id::FIELD, inbound.identity.request_id.to_value());
    line.write(&answer);
    answer
}

/// An access line that is still to be written: when the answer is there, or when the client does not wait for it.
struct Unwritten<'a> {
    door: &'a Door,
    asked: &'a Asked,
    inbound: &'a Inbound,
    is_written: bool,
}

impl Unwritten<'_> {
    fn write(mut self, answer: &Response) {
        self.door.note(self.asked, self.inbound, Some(answer));
        self.is_written = true;
    }
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        if !self.is_written {
            self.door.note(self.asked, self.inbound, None);
        }
    }
}

impl Door {
    fn trust(&self, peer: IpAddr) -> Trust {
        let peer = peer.to_canonical();
        if self.trusted.iter().any(|network| network.contains(&peer)) {
            Trust::Trusted
        } else {
            Trust::Stranger
        }
    }

    fn refuse(&self, request: &Request) -> Option<Problem> {
        let target = request.uri().path_and_query().map_or("", |it| it.as_str());
        if percent_decode_str(target).decode_utf8().is_err() {
            return Some(bad_request("the address is not UTF-8"));
        }
        let fields = request.headers();
        if fields.get_all(AUTHORIZATION).iter().count() > 1 {
            return Some(bad_request("there is more than one Authorization"));
        }
        if !accepts_json(fields) {
            let refused = problem("not_acceptable");
            return Some(refused.detail("what there is is application/json"));
        }
        let client = Client::read(fields);
        if client == Client::Malformed {
            self.stats.ignored("x-client");
        }
        self.clients.refuse(&client)
    }

    /// One access line; without an answer, of a client that left before.
    fn note(&self, asked: &Asked, inbound: &Inbound, answer: Option<&Response>) {
        let composed = answer.and_then(|answer| answer.extensions().get::<Composed>());
        let length = answer.and_then(length);
        let status = answer.map_or(CLIENT_GONE, |answer| answer.status().as_u16());
        let took = inbound.began.elapsed();
        let mut book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Book { lines, stamp } = &mut *book;
        lines.line(|out| {
            let mut line = Line::open(out);
            line.raw("time", |out| {
                out.push(b'"');
                stamp.write(self.clock.unix(), out);
                out.push(b'"');
            });
            line.text(
                "request_id",
                inbound.identity.request_id.as_str().as_bytes(),
            );
            line.text("trace_id", &asked.trace);
            line.text("client", asked.peer.to_string().as_bytes());
            line.text("method", asked.method.as_str().as_bytes());
            line.text("path", asked.uri.path().as_bytes());
            line.number("status", status.into());
            if let Some(composed) = composed {
                line.text("screen", composed.screen.as_bytes());
                if let Some(degraded) = &composed.degraded {
                    line.text("degraded", degraded.as_bytes());
                }
            }
            line.number("bytes_out", length.unwrap_or(0));
            line.millis("duration_ms", took);
            if let Some(agent) = &asked.agent {
                line.text("user_agent", agent.as_bytes());
            }
            line.close();
        });
    }

    /// Hands the lines so far over to be written.
    pub(crate) fn flush(&self) {
        let mut book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        book.lines.flush();
    }
}

impl Door {
    /// Hands the last lines over and takes no more.
    pub(crate) fn close(&self) {
        let mut book = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        book.lines.close();
    }
}

/// How much an answer's body is, bytes.
fn length(answer: &Response) -> Option<u64> {
    let said = answer.headers().get(CONTENT_LENGTH);
    let said = said.and_then(|value| value.to_str().ok()?.parse().ok());
    said.or_else(|| http_body::Body::size_hint(answer.body()).exact())
}

/// What the log says of a request whose client left before its answer.
const CLIENT_GONE: u16 = 499;

/// How often lines are handed over.
pub(crate) const FLUSH: Duration = Duration::from_secs(1);

/// Whether JSON is among what a request accepts (RFC 9110, section 12.5.1). The most specific range decides.
fn accepts_json(fields: &HeaderMap) -> bool {
    let mut best: Option<(u8, bool)> = None;
    for value in fields.get_all(ACCEPT) {
        let Ok(text) = value.to_str() else { continue };
        for range in text.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            if kind.is_empty() {
                continue;
            }
            let rank = match kind.to_ascii_lowercase().as_str() {
                "application/json" => 2,
                "application/*" => 1,
                "*/*" => 0,
                _ => {
                    best.get_or_insert((0, false));
                    continue;
                }
            };
            let wanted = !parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight.is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0))
            });
            if best.is_none_or(|(last, was)| rank > last || rank == last && !was) {
                best = Some((rank, wanted));
            }
        }
    }
    best.is_none_or(|(_, wanted)| wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &'static str) -> bool {
        let mut fields = HeaderMap::new();
        fields.insert(ACCEPT, HeaderValue::from_static(value));
        accepts_json(&fields)
    }

    #[test]
    fn json_is_sent_to_whoever_takes_it() {
        for fine in [
            "application/json",
            "*/*",
            "text/html, application/*;q=0.1",
            "text/html,*/*;q=0.8",
            "application/json;q=0.5, */*;q=0",
        ] {
            assert!(accepts(fine), "{fine}");
        }
        for wrong in [
            "text/html",
            "application/json;q=0",
            "application/json;q=0, */*",
            "application/xml, text/*",
            "nonsense",
        ] {
            assert!(!accepts(wrong), "{wrong}");
        }
        assert!(accepts_json(&HeaderMap::new()));
    }
}
