//! Bytes that break HTTP/1's framing: refused, the connection closed, nothing upstream, and the next client unharmed.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

mod refused;

use std::time::Duration;

use tests::edge::Edge;
use tests::recorder::Recorder;
use tests::wire::Wire;

use crate::refused::{BODIES, HEADS};

/// Who has not closed by then keeps the connection.
const SOON: Duration = Duration::from_secs(10);

async fn started() -> (Recorder, Edge) {
    let backend = Recorder::start().await;
    let edge = Edge::with_routes(&format!(
        "[upstream.m]\nendpoints = [\"{}\"]\npool_idle = 0\nretry.attempts = 1\n\
         [route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        backend.url()
    ));
    (backend, edge.start().await)
}

/// What came back until the connection ended, which it does at once.
async fn rest(edge: &Edge, bytes: &str) -> String {
    let mut wire = edge.wire().await;
    wire.send(bytes).await;
    let rest = tokio::time::timeout(SOON, wire.rest()).await;
    rest.map_or("left open".to_owned(), |rest| {
        String::from_utf8(rest).unwrap()
    })
}

fn status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    status.unwrap_or_default()
}

/// A request that says that it was not read as a part of the one before.
const NEXT: &str = "GET /next HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn a_message_that_is_none_ends_the_connection_and_nothing_goes_upstream() {
    let (backend, edge) = started().await;
    let bodies = BODIES.map(|(what, rest, statuses)| {
        let bytes = format!("POST / HTTP/1.1\r\nhost: a\r\n{rest}");
        (what, bytes, statuses)
    });
    let heads = HEADS.map(|(what, bytes, statuses)| (what, bytes.to_owned(), statuses));
    let mut wrong = Vec::new();
    for (what, bytes, statuses) in heads.into_iter().chain(bodies) {
        let answer = rest(&edge, &format!("{bytes}{NEXT}")).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        if !statuses.contains(&status(&answer)) || answers != 1 {
            wrong.push(format!("{what}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(edge.get("/").send().await.status, 200);
    edge.stop().await;
    let seen = backend.seen();
    let requests = seen.values().flat_map(|upstream| &upstream.whole);
    assert_eq!(requests.count(), 1, "{seen:?}");
    assert!(seen.values().all(|upstream| upstream.wrong.is_empty()));
}

#[tokio::test]
async fn methods_that_are_no_gateways_business_are_refused() {
    let (backend, edge) = started().await;
    for request in [
        "TRACE / HTTP/1.1\r\nhost: a\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n",
    ] {
        let status = edge.exchange(request).await.status;
        assert!(matches!(status, 400 | 405 | 501), "{request:?}: {status}");
    }
    edge.stop().await;
    assert!(backend.seen().is_empty());
}

#[tokio::test]
async fn what_is_odd_but_plain_passes_in_plain_form() {
    let (backend, edge) = started().await;
    let odd = [
        (
            "GET http://b.example/x?y HTTP/1.1\r\nhost: a\r\n\r\n",
            "/x?y",
            "",
        ),
        ("GET http://b.example HTTP/1.1\r\nhost: a\r\n\r\n", "/", ""),
        ("\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n", "/x", ""),
        ("GET /x HTTP/1.0\r\nhost: a\r\n\r\n", "/x", ""),
        (
            "POST /x HTTP/1.0\r\nhost: a\r\nCONTENT-length: 003\r\n\r\nabc",
            "/x",
            "abc",
        ),
        (
            "GET /x HTTP/1.1\r\nhost:a\r\nx:\t1 \t\r\nempty:\r\n\r\n",
            "/x",
            "",
        ),
        (
            "POST /x HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b;c=\"d\"\r\nabc\r\n000\r\n\r\n",
            "/x",
            "abc",
        ),
    ];
    for (bytes, _, _) in odd {
        let mut wire = edge.wire().await;
        wire.send(bytes).await;
        assert_eq!(wire.answer().await.status, 200, "{bytes:?}");
    }
    edge.stop().await;
    let seen = backend.seen().remove("127.0.0.1").unwrap();
    assert!(seen.wrong.is_empty(), "{seen:?}");
    for ((bytes, target, body), got) in odd.iter().zip(&seen.whole) {
        assert_eq!(
            (got.target.as_str(), &got.body[..]),
            (*target, body.as_bytes()),
            "{bytes:?}"
        );
    }
    let hosts: Vec<_> = seen
        .whole
        .iter()
        .map(|got| got.all("host").join("|"))
        .collect();
    assert_eq!(hosts[..3], ["b.example", "b.example", "a"]);
}

#[tokio::test]
async fn requests_one_behind_the_other_are_answered_in_order() {
    let (backend, edge) = started().await;
    let mut wire = edge.wire().await;
    let post =
        "POST /2 HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let last = "GET /3 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    wire.send(format!("{NEXT}{post}{last}")).await;
    for _ in 0..3 {
        assert_eq!(wire.answer().await.status, 200);
    }
    assert!(wire.rest().await.is_empty());
    edge.stop().await;
    let seen = backend.seen().remove("127.0.0.1").unwrap();
    let targets: Vec<_> = seen.whole.iter().map(|got| got.target.as_str()).collect();
    assert_eq!(targets, ["/next", "/2", "/3"]);
}

#[tokio::test]
async fn a_body_that_goes_wrong_in_the_middle_is_never_passed_as_whole() {
    let (backend, edge) = started().await;
    for broken in ["3\r\nabcX", "3\r\nab", "3\r\nabc\r\nzz\r\n"] {
        let mut wire = Wire::connect(edge.address).await;
        wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            .await;
        wire.send(broken).await;
        wire.finish().await;
        let answer = tokio::time::timeout(SOON, wire.rest()).await;
        let answer = String::from_utf8(answer.unwrap()).unwrap();
        assert!(
            matches!(status(&answer), 0 | 400..500),
            "{broken:?}: {answer}"
        );
    }
    edge.stop().await;
    let seen = backend.seen();
    assert!(
        seen.values().all(|upstream| upstream.whole.is_empty()),
        "{seen:?}"
    );
}
