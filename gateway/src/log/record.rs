//! What is known about one request. When it is dropped, with the last byte of the answer or because the client left,
//! the request is counted and its access line written.

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use chassis::clock::Clock;
use chassis::request_id::RequestId;
use chassis::telemetry::lines::LineBuffer;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, StatusCode};
use strangler::{Decision, Side};
use upstream::Trail;
use upstream::error::Stopped;

use crate::decommission::noted::{Notes, Outcome};
use crate::listener::config::Listener;
use crate::metrics::stats::{OnLegacy, OnService, RouteStats};
use chassis::telemetry::line::Line;
use chassis::telemetry::stamp::Stamp;

/// What the log says of a request whose client left before an answer's head.
const CLIENT_GONE: u16 = 499;

/// One core's book of requests.
#[derive(Debug)]
pub struct Ledger {
    core: usize,
    clock: Clock,
    lines: RefCell<LineBuffer>,
    stamp: RefCell<Stamp>,
    /// Whom legacy answered.
    pub notes: Notes,
}

/// One request.
#[derive(Debug)]
pub struct Record {
    ledger: Rc<Ledger>,
    started: Instant,
    /// Where it came in.
    pub listener: Listener,
    /// The client's address.
    pub client: IpAddr,
    /// The method.
    pub method: Method,
    /// The target as it came.
    pub target: Option<PathAndQuery>,
    /// The path in normal form, where it is another than the target's.
    pub path: Option<String>,
    /// The request's id.
    pub request_id: RequestId,
    /// The trace's id, as digits.
    pub trace_id: [u8; 32],
    /// Who the client says it is.
    pub user_agent: Option<HeaderValue>,
    /// The snapshot that decided.
    pub generation: u64,
    /// The counters of its route, or of requests without one.
    pub stats: Arc<RouteStats>,
    /// Which side, and why.
    pub decision: Option<Decision>,
    /// While legacy is to answer.
    pub on_legacy: Option<OnLegacy>,
    /// While the service is to answer, of which only so many may be under way; a tunnel keeps it beyond the record.
    pub on_service: Option<Rc<OnService>>,
    /// Who was asked.
    pub upstream: Option<Asked>,
    /// A backend was not asked, because its breaker is open.
    pub breaker_open: bool,
    /// Who answered in the place of a backend that did not.
    pub fallback: Option<Fallback>,
    /// The answer's status, once there is one.
    pub status: Option<StatusCode>,
    /// The code of a problem that we answered with.
    pub code: Option<&'static str>,
    /// Bytes of the answer's body that went out.
    pub bytes_out: u64,
    /// Why the answer's body ended early.
    pub cut: Option<&'static str>,
    /// The code of a problem that a policy only observed.
    pub observed: Option<&'static str>,
}

/// Who answers in the place of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// The file itself.
    Static,
    /// Another upstream.
    Upstream,
}

impl Fallback {
    /// One word for fields and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Upstream => "upstream",
        }
    }
}

/// A backend that was asked.
#[derive(Debug)]
pub struct Asked {
    /// Where.
    pub endpoint: HeaderValue,
    /// How often, how long, and what kept it from more.
    pub trail: Trail,
}

impl Ledger {
    /// For one core.
    pub fn new(core: usize, clock: Clock, lines: LineBuffer) -> Rc<Self> {
        Rc::new(Self {
            core,
            clock,
            lines: RefCell::new(lines),
            stamp: RefCell::default(),
            notes: Notes::default(),
        })
    }

    /// The core's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Hands over the lines so far.
    pub fn flush(&self) {
        self.lines.borrow_mut().flush();
    }
}

impl Record {
    /// A request has come in.
    pub fn begin(
        ledger: &Rc<Ledger>,
        client: IpAddr,
        method: Method,
        stats: &Arc<RouteStats>,
    ) -> Box<Self> {
        Box::new(Self {
            started: ledger.clock.now(),
            ledger: Rc::clone(ledger),
            listener: Listener::Edge,
            client,
            method,
            target: None,
            path: None,
            request_id: RequestId::random(),
            trace_id: [b'0'; 32],
            user_agent: None,
            generation: 0,
            stats: Arc::clone(stats),
            decision: None,
            on_legacy: None,
            on_service: None,
            upstream: None,
            breaker_open: false,
            fallback: None,
            status: None,
            code: None,
            bytes_out: 0,
            cut: None,
            observed: None,
        })
    }

    /// A side was chosen.
    pub fn decided(&mut self, decision: Decision) {
        self.decision = Some(decision);
        self.on_legacy =
            (decision.side == Side::Legacy).then(|| OnLegacy::begin(&self.stats, self.ledger.core));
    }

    /// Somebody answers in the place of the backend.
    pub fn fallback(&mut self, by: Fallback) {
        self.fallback = Some(by);
        self.stats.fallbacks.fetch_add(1, Ordering::Relaxed);
    }

    /// Which side answered, where the route has sides.
    pub fn side(&self) -> Option<Side> {
        self.decision.map(|decision| decision.side)
    }

    fn write(&self, took: Duration, out: &mut Vec<u8>) {
        let mut line = Line::open(out);
        line.raw("time", |out| {
            out.push(b'"');
            self.ledger
                .stamp
                .borrow_mut()
                .write(self.ledger.clock.unix(), out);
            out.push(b'"');
        });
        line.text("request_id", self.request_id.as_str().as_bytes());
        line.text("trace_id", &self.trace_id);
        // The edge's lines are as they were before there was another listener.
        if self.listener != Listener::Edge {
            line.text("listener", self.listener.as_str().as_bytes());
        }
        line.raw("client", |out| {
            use std::io::Write as _;
            let _ = write!(out, "\"{}\"", self.client);
        });
        line.text("method", self.method.as_str().as_bytes());
        let given = self.target.as_ref().map_or("", PathAndQuery::path);
        line.text("path", self.path.as_deref().unwrap_or(given).as_bytes());
        line.number(
            "status",
            self.status
                .map_or(CLIENT_GONE, |status| status.as_u16())
                .into(),
        );
        line.text("route", self.stats.name.as_bytes());
        self.write_side(&mut line);
        line.number("generation", self.generation);
        if let Some(asked) = &self.upstream {
            line.text("endpoint", asked.endpoint.as_bytes());
            write_trail(&mut line, &asked.trail);
            line.millis("upstream_ms", asked.trail.took);
        }
        line.number("bytes_out", self.bytes_out);
        line.millis("duration_ms", took);
        let fallback = self.fallback.map(Fallback::as_str);
        let breaker = self.breaker_open.then_some("open");
        for (name, value) in [
            ("breaker", breaker),
            ("fallback", fallback),
            ("code", self.code),
            ("cut", self.cut),
            ("observed", self.observed),
        ] {
            if let Some(value) = value {
                line.text(name, value.as_bytes());
            }
        }
        if let Some(agent) = &self.user_agent {
            line.text("user_agent", agent.as_bytes());
        }
        line.close();
    }

    fn write_side(&self, line: &mut Line<'_>) {
        let Some(decision) = &self.decision else {
            return;
        };
        line.text("side", decision.side.as_str().as_bytes());
        line.text("reason", decision.reason.as_str().as_bytes());
        if let Some(bucket) = decision.bucket {
            line.number("bucket", bucket.number().into());
        }
    }
}

/// How often it was tried; the rest only where it says something.
fn write_trail(line: &mut Line<'_>, trail: &Trail) {
    line.number("attempts", trail.attempts.into());
    // That all tries were made is what `attempts` says.
    let stopped = trail.stopped.filter(|why| *why != Stopped::Attempts);
    if let Some(why) = stopped {
        line.text("retry_stopped", why.as_str().as_bytes());
    }
    if trail.stale > 0 {
        line.number("stale", trail.stale.into());
    }
    for (name, is_so) in [("panic", trail.panic), ("probe", trail.probe)] {
        if is_so {
            line.raw(name, |out| out.extend_from_slice(b"true"));
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let took = self
            .ledger
            .clock
            .now()
            .saturating_duration_since(self.started);
        let counted = self
            .status
            .or_else(|| StatusCode::from_u16(CLIENT_GONE).ok())
            .unwrap_or_default();
        let upstream = self.upstream.as_ref().map(|asked| asked.trail.took);
        self.stats
            .count(self.ledger.core, self.side(), counted, took, upstream);
        let mut lines = self.ledger.lines.borrow_mut();
        lines.line(|out| self.write(took, out));
        if self.side() == Some(Side::Legacy) {
            let (agent, outcome) = (self.user_agent.take(), Outcome::of(self.status));
            self.ledger
                .notes
                .note(&self.stats, self.client, agent, outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(trail: Trail) -> String {
        let mut out = Vec::new();
        let mut line = Line::open(&mut out);
        write_trail(&mut line, &trail);
        line.close();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_says_of_tries_what_says_something() {
        let once = Trail {
            attempts: 1,
            ..Trail::default()
        };
        assert_eq!(written(once), r#"{"attempts":1}"#);
        let all = Trail {
            attempts: 2,
            stopped: Some(Stopped::Attempts),
            ..once
        };
        assert_eq!(written(all), r#"{"attempts":2}"#);
        let odd = Trail {
            attempts: 1,
            stale: 2,
            stopped: Some(Stopped::Budget),
            panic: true,
            probe: true,
            ..Trail::default()
        };
        assert_eq!(
            written(odd),
            r#"{"attempts":1,"retry_stopped":"budget","stale":2,"panic":true,"probe":true}"#
        );
    }
}
