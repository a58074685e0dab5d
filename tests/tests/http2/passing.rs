//! What passes, and what may not.

use tests::h2_client::H2Client;
use tests::h2_frames::{END_STREAM, Frame, Frames, kind};
use tests::origin::{Origin, Reply};

use crate::before;

/// A request's head with these fields behind the usual ones.
fn get(stream: u32, fields: &[(&str, &str)]) -> Frame {
    let usual = [
        (":method", "GET"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "shop.example"),
    ];
    Frame::head(END_STREAM, stream, &[&usual[..], fields].concat())
}

#[tokio::test]
async fn a_body_and_its_trailers_pass_both_ways() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
                  5\r\nhello\r\n0\r\nx-sum: 7\r\n\r\n";
    let origin = Origin::scripted([Reply::Bytes(answer.into()), Reply::ok("")]).await;
    let edge = before(&origin.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let head = client.head("POST", "/").header("te", "trailers");
    let answer = client.send_with(head, "a body").await;
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "7".to_owned())]);
    assert_eq!(answer.field("transfer-encoding"), None);
    let head = client.head("POST", "/").header("content-length", "6");
    assert_eq!(client.send_with(head, "a body").await.status, 200);
    let seen = origin.seen();
    assert_eq!(seen[0].body, b"a body");
    assert_eq!(seen[0].head.all("transfer-encoding"), ["chunked"]);
    assert_eq!(seen[1].head.all("content-length"), ["6"]);
    assert_eq!(seen[1].body, b"a body");
}

#[tokio::test]
async fn crumbs_of_a_cookie_are_one_again() {
    let origin = Origin::saying("").await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::connect(edge.address).await;
    let crumbs = [("cookie", "a=1"), ("x-between", "1"), ("cookie", "b=2")];
    frames.send(&get(1, &crumbs)).await;
    assert_eq!(frames.answer(1).await.unwrap().status(), Some(200));
    assert_eq!(origin.seen()[0].head.all("cookie"), ["a=1; b=2"]);
}

#[tokio::test]
async fn the_authority_is_the_host() {
    let origin = Origin::saying("").await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::connect(edge.address).await;
    let pseudo = [(":method", "GET"), (":scheme", "http"), (":path", "/")];
    let with = |stream, fields: &[(&str, &str)]| {
        Frame::head(END_STREAM, stream, &[&pseudo[..], fields].concat())
    };
    for (stream, fields, status) in [
        (1, &[(":authority", "a.example")][..], 200),
        (3, &[("host", "b.example")], 200),
        (
            5,
            &[(":authority", "A.example:80"), ("host", "a.example")],
            200,
        ),
        (
            7,
            &[(":authority", "a.example"), ("host", "b.example")],
            400,
        ),
        (
            9,
            &[(":authority", "a.example:81"), ("host", "a.example")],
            400,
        ),
        (11, &[("host", "a.example"), ("host", "a.example")], 400),
        (13, &[], 400),
        (15, &[(":authority", "user@a.example")], 400),
    ] {
        frames.send(&with(stream, fields)).await;
        let answer = frames.answer(stream).await.unwrap();
        assert_eq!(answer.status(), Some(status), "{fields:?}: {answer:?}");
    }
    let hosts: Vec<_> = origin
        .seen()
        .iter()
        .map(|seen| seen.head.all("host").join(","))
        .collect();
    assert_eq!(hosts, ["a.example", "b.example", "A.example:80"]);
}

#[tokio::test]
async fn what_is_no_http_2_reaches_nobody() {
    let origin = Origin::saying("").await;
    let edge = before(&origin.url(), "").start().await;
    for fields in [
        &[("connection", "close")][..],
        &[("keep-alive", "1")],
        &[("proxy-connection", "x")],
        &[("transfer-encoding", "chunked")],
        &[("upgrade", "h2c")],
        &[("te", "gzip")],
        &[("te", "trailers, gzip")],
        &[("X-Upper", "1")],
        &[("x y", "1")],
        &[("x", "a\r\nb: c")],
        &[("x", "a\0b")],
        &[("x", " a")],
        &[("x", "a\t")],
        &[(":path", "/again")],
        &[(":other", "1")],
        &[("content-length", "1")],
        &[("content-length", "x")],
    ] {
        let mut frames = Frames::connect(edge.address).await;
        frames.send(&get(1, fields)).await;
        let answer = frames
            .find(|frame| {
                matches!(frame.kind, kind::RST_STREAM | kind::GOAWAY) || frame.status() == Some(400)
            })
            .await;
        assert!(answer.is_some(), "{fields:?}");
    }
    assert_eq!(origin.seen(), []);
}

#[tokio::test]
async fn a_body_is_as_long_as_it_says() {
    let origin = Origin::scripted([Reply::Silence, Reply::Silence]).await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::connect(edge.address).await;
    let pseudo = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "shop.example"),
        ("content-length", "5"),
    ];
    for (stream, body) in [(1, "abc"), (3, "abcdefg")] {
        frames.send(&Frame::head(0, stream, &pseudo)).await;
        frames
            .send(&Frame::new(kind::DATA, END_STREAM, stream, body))
            .await;
        let reset = frames.answer(stream).await.unwrap();
        assert_eq!(reset.kind, kind::RST_STREAM, "{body}");
    }
}

#[tokio::test]
async fn limits_have_their_own_answers() {
    let origin = Origin::saying("").await;
    let edge = before(
        &origin.url(),
        "max_header_bytes = \"8KiB\"\nmax_uri = \"1KiB\"",
    )
    .start()
    .await;
    let client = H2Client::connect(edge.address).await;
    let long = client.head("GET", "/").header("x-long", "x".repeat(9000));
    assert_eq!(client.send(long).await.problem(), "head_too_large");
    let answer = client.get(&format!("/{}", "x".repeat(2000))).await;
    assert_eq!(answer.problem(), "uri_too_long");
    assert_eq!(
        client.send(client.head("TRACE", "/")).await.problem(),
        "method_refused"
    );
    assert_eq!(client.get("/fine").await.status, 200);
    assert_eq!(origin.seen().len(), 1);
}
