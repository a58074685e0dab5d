//! Bytes that break HTTP/1's framing: refused, the connection closed, nothing upstream, and the next client unharmed.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::time::Duration;

use tests::edge::Edge;
use tests::recorder::Recorder;
use tests::wire::Wire;

/// A message that is refused: what it is, its bytes, and the statuses that say so; none where the connection just ends.
type Refused = (&'static str, &'static str, &'static [u16]);

const BAD: &[u16] = &[400];
/// A coding or a version that we do not know may be said to be that.
const UNKNOWN: &[u16] = &[400, 501, 505];

const HEADS: [Refused; 29] = [
    ("no version", "GET /\r\n\r\n", BAD),
    (
        "a version of its own",
        "GET / ICE/1.0\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a version without a number",
        "GET / HTTP/x.1\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    (
        "a version to come",
        "GET / HTTP/3.0\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    (
        "lower case for the version",
        "GET / http/1.1\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    ("two blanks", "GET / x HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    (
        "a method that is no token",
        "GE(T / HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a NUL in the target",
        "GET /a\0b HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a control in the target",
        "GET /a\x01b HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a target that is no path",
        "GET a HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    ("no Host", "GET / HTTP/1.1\r\nx: 1\r\n\r\n", BAD),
    (
        "two Hosts",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        BAD,
    ),
    (
        "the same Host twice",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "two Hosts in one",
        "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        BAD,
    ),
    ("a path in Host", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", BAD),
    (
        "somebody else's name in Host",
        "GET / HTTP/1.1\r\nhost: a@b\r\n\r\n",
        BAD,
    ),
    (
        "a blank before the colon",
        "GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n",
        BAD,
    ),
    (
        "a tab before the colon",
        "GET / HTTP/1.1\r\nhost: a\r\nx\t: 1\r\n\r\n",
        BAD,
    ),
    (
        "a blank before the first field",
        "GET / HTTP/1.1\r\n host: a\r\n\r\n",
        BAD,
    ),
    (
        "a field over two lines",
        "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n",
        BAD,
    ),
    (
        "a field without a name",
        "GET / HTTP/1.1\r\nhost: a\r\n: 1\r\n\r\n",
        BAD,
    ),
    (
        "a field without a colon",
        "GET / HTTP/1.1\r\nhost: a\r\nnothing\r\n\r\n",
        BAD,
    ),
    (
        "a name that is no token",
        "GET / HTTP/1.1\r\nhost: a\r\nx@: 1\r\n\r\n",
        BAD,
    ),
    (
        "a NUL in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
        BAD,
    ),
    (
        "a control in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\x0bb\r\n\r\n",
        BAD,
    ),
    (
        "a delete in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\x7fb\r\n\r\n",
        BAD,
    ),
    (
        "a bare carriage return",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n",
        BAD,
    ),
    (
        "a bare carriage return at an end",
        "GET / HTTP/1.1\r\nhost: a\rx: b\r\n\r\n",
        BAD,
    ),
    (
        "the start of HTTP/2 in HTTP/1.1",
        "PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        BAD,
    ),
];

/// Behind `POST / HTTP/1.1` and Host.
const BODIES: [Refused; 22] = [
    (
        "two lengths",
        "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        BAD,
    ),
    (
        "two lengths in one",
        "content-length: 3, 4\r\n\r\nabcd",
        BAD,
    ),
    ("a signed length", "content-length: +3\r\n\r\nabc", BAD),
    ("a negative length", "content-length: -1\r\n\r\n", BAD),
    ("a length in words", "content-length: three\r\n\r\nabc", BAD),
    (
        "a hexadecimal length",
        "content-length: 0x3\r\n\r\nabc",
        BAD,
    ),
    (
        "a length with a blank in it",
        "content-length: 1 0\r\n\r\nabcdefghij",
        BAD,
    ),
    ("an empty length", "content-length:\r\n\r\n", BAD),
    (
        "a length beyond all numbers",
        "content-length: 99999999999999999999999\r\n\r\n",
        &[400, 413],
    ),
    (
        "a coding that is not chunked",
        "transfer-encoding: gzip\r\n\r\n",
        UNKNOWN,
    ),
    ("identity", "transfer-encoding: identity\r\n\r\n", UNKNOWN),
    (
        "chunked and then another",
        "transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "almost chunked",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "chunked in quotes",
        "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "a length, hidden by a blank",
        "content-length : 3\r\n\r\nabc",
        BAD,
    ),
    (
        "a coding, hidden by a blank",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a coding, hidden by a fold",
        "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a coding, hidden by a tab",
        "transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "no size of a chunk",
        "transfer-encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a signed chunk",
        "transfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a hexadecimal sign",
        "transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a chunk beyond all numbers",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
        BAD,
    ),
];

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
