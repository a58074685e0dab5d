//! Payloads that trick HTTP/1 parsers: what reaches a backend is what everybody reads alike, or nothing.

use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::StreamExt as _;
use serde_json::Value;
use tests::edge::Edge;
use tests::recorder::{Recorder, Upstream};
use tests::strict::{NO_TARGET, Read, Request, request};
use tests::vectors::published;
use tests::wire::Wire;

use crate::translate::{list, text};

/// How many of the payloads are handled well at least.
const HOLD: usize = 626;

/// How many are sent at the same time.
const AT_ONCE: usize = 32;

/// What has not been answered or closed by then is left hanging; everything else ends by itself.
const HANGS: Duration = Duration::from_secs(4);

/// What a strict reader makes of a payload.
struct Legal {
    requests: Vec<Request>,
    /// Whether what follows them can never become one.
    then_wrong: Option<&'static str>,
}

impl Legal {
    /// How many answers there may be before no more is sent; what breaks the framing ends the connection by itself.
    fn answers(&self) -> usize {
        match self.then_wrong {
            None => self.requests.len(),
            Some(NO_TARGET) => self.requests.len() + 1,
            Some(_) => usize::MAX,
        }
    }
}

/// How the gateway answered a payload.
struct Answered {
    /// The statuses, in order.
    statuses: Vec<u16>,
    /// Whether the connection ended.
    closed: bool,
}

#[tokio::test]
async fn no_payload_reaches_a_backend_in_a_form_that_two_servers_read_differently() {
    let Some(file) = published("http1/h1-payloads.json") else {
        return;
    };
    let payloads: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let payloads = list(&payloads);
    let backend = Recorder::start().await;
    let edge = Edge::with_routes(&format!(
        "[upstream.m]\nendpoints = [\"{}\"]\npool_idle = 0\nretry.attempts = 1\n\
         [route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        backend.url()
    ));
    let edge = edge.start().await;
    let address = edge.address;
    let sent = payloads
        .iter()
        .zip(1..)
        .map(|(payload, number)| async move {
            let bytes = BASE64_STANDARD.decode(text(&payload["b64"])).unwrap();
            let legal = legal(&bytes);
            let wire = Wire::connect_from(client(number), address).await;
            let answered = send(wire, &bytes, &legal).await;
            (payload, client(number), bytes, legal, answered)
        });
    let outcomes: Vec<_> = futures::stream::iter(sent)
        .buffered(AT_ONCE)
        .collect()
        .await;
    // Whatever it still had open upstream ends with it.
    edge.stop().await;
    let mut seen = backend.seen();
    let mut report = String::new();
    for (payload, client, bytes, legal, answered) in outcomes {
        let upstream = seen.remove(&client.to_string()).unwrap_or_default();
        if let Some(wrong) = wrong(payload, &legal, &answered, &upstream) {
            let id = text(&payload["id"]);
            let sent = bytes.escape_ascii();
            writeln!(report, "{id}: {wrong}\n    {sent}").unwrap();
        }
    }
    let held = payloads.len() - report.lines().count() / 2;
    println!("{report}http1: {held} of {} payloads hold", payloads.len());
    assert!(seen.is_empty(), "from nobody: {seen:?}");
    assert!(held >= HOLD, "{held} of {} hold:\n{report}", payloads.len());
}

/// An address of this machine for each payload, so that upstream tells whose a request was.
fn client(number: u16) -> Ipv4Addr {
    let [high, low] = number.to_be_bytes();
    Ipv4Addr::new(127, 1, high, low)
}

fn legal(bytes: &[u8]) -> Legal {
    let (mut requests, mut rest) = (Vec::new(), bytes);
    loop {
        // An empty line before a request is skipped (RFC 9112, section 2.2).
        rest = rest.strip_prefix(b"\r\n").unwrap_or(rest);
        match request(rest) {
            Read::Whole(request, length) => {
                requests.push(request);
                rest = &rest[length..];
            }
            Read::Part => {
                return Legal {
                    requests,
                    then_wrong: None,
                };
            }
            Read::Wrong(why) => {
                return Legal {
                    requests,
                    then_wrong: Some(why),
                };
            }
        }
    }
}

async fn send(mut wire: Wire, bytes: &[u8], legal: &Legal) -> Answered {
    let (mut got, mut finished) = (Vec::new(), false);
    let exchange = async {
        if wire.try_send(bytes).await.is_err() {
            return;
        }
        loop {
            let answers = statuses(&got, &legal.requests).len();
            if answers >= legal.answers() && !finished {
                // Nothing more is owed: no more comes from here, and the connection ends.
                finished = true;
                wire.finish().await;
            }
            match wire.try_some().await {
                Ok(more) if !more.is_empty() => got.extend(more),
                _ => return,
            }
        }
    };
    let closed = tokio::time::timeout(HANGS, exchange).await.is_ok();
    let statuses = statuses(&got, &legal.requests);
    Answered { statuses, closed }
}

/// The final answers among these bytes that are whole.
fn statuses(mut got: &[u8], requests: &[Request]) -> Vec<u16> {
    let mut statuses = Vec::new();
    while let Some(end) = got.windows(4).position(|end| end == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&got[..end]).to_lowercase();
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status: u16 = status.unwrap_or_default();
        got = &got[end + 4..];
        if (100..200).contains(&status) {
            continue;
        }
        let asked = requests.get(statuses.len());
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|rest| rest.split("\r\n").next()?.parse().ok());
        let length = match asked {
            Some(asked) if asked.method == "HEAD" => 0,
            _ => length.unwrap_or(0),
        };
        let Some(rest) = got.get(length..) else { break };
        got = rest;
        statuses.push(status);
    }
    statuses
}

fn wrong(
    payload: &Value,
    legal: &Legal,
    answered: &Answered,
    upstream: &Upstream,
) -> Option<String> {
    let statuses = &answered.statuses;
    if let Some((why, bytes)) = upstream.wrong.first() {
        return Some(format!("upstream got {why}: {bytes}"));
    }
    if upstream.whole.len() > legal.requests.len() {
        let why = legal.then_wrong.unwrap_or("something unfinished");
        return Some(format!(
            "passed on in spite of {why}, answered {statuses:?}"
        ));
    }
    for (sent, got) in legal.requests.iter().zip(&upstream.whole) {
        if (&sent.method, &sent.body) != (&got.method, &got.body) || got.minor != 1 {
            return Some(format!("passed on as another request: {got:?}"));
        }
    }
    if !answered.closed {
        return Some(format!("left hanging, answered {statuses:?}"));
    }
    let accepted = statuses
        .first()
        .is_some_and(|code| (200..300).contains(code));
    if payload["expect"] == "accept" && !(accepted && upstream.whole.len() == 1) {
        return Some(format!("refused, answered {statuses:?}"));
    }
    None
}
