//! Which protocol is spoken, and how a connection ends.

use std::sync::Arc;

use tests::h2_client::H2Client;
use tests::h2_frames::{Frame, Frames, PREFACE, kind};
use tests::origin::{Origin, Reply};
use tests::wire::within;
use tokio::sync::Notify;

use crate::{before, ended};

#[tokio::test]
async fn both_versions_are_spoken_on_one_port() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let answer = client.get("/over-2?x=1").await;
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    assert!(answer.field("x-request-id").is_some());
    assert_eq!(answer.field("connection"), None);
    let answer = edge.get("/over-1").send().await;
    assert_eq!((answer.status, answer.text()), (200, "hello"));
    let seen = origin.seen();
    assert_eq!(seen[0].head.line, "GET /over-2?x=1 HTTP/1.1");
    assert_eq!(seen[0].head.all("host"), [edge.address.to_string()]);
    assert_eq!(seen[1].head.line, "GET /over-1 HTTP/1.1");
}

#[tokio::test]
async fn a_preface_may_come_byte_by_byte_but_not_for_ever() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "header_timeout = \"1s\"")
        .start()
        .await;
    let mut frames = Frames::silent(edge.address).await;
    for byte in PREFACE {
        frames.bytes([*byte]).await;
    }
    frames.send(&Frame::new(kind::SETTINGS, 0, 0, [])).await;
    frames.send(&Frame::get(1, "/")).await;
    assert_eq!(frames.answer(1).await.unwrap().status(), Some(200));
    let mut wire = edge.wire().await;
    wire.send(&PREFACE[..10]).await;
    assert_eq!(wire.answer().await.problem(), "head_timeout");
}

#[tokio::test]
async fn where_the_file_says_so_only_http_1_is_spoken() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "http2 = false").start().await;
    let mut frames = Frames::connect(edge.address).await;
    assert_eq!(
        frames.find(|frame| frame.kind == kind::SETTINGS).await,
        None
    );
    assert_eq!(origin.seen(), []);
}

#[tokio::test]
async fn requests_run_side_by_side() {
    let origin = Origin::scripted([Reply::Silence, Reply::ok("quick")]).await;
    let edge = before(&origin.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let slow = client.begin(client.head("GET", "/slow"), true).await;
    origin.saw(1).await;
    assert_eq!(client.get("/quick").await.text(), "quick");
    drop(slow);
    // The client gave it up, and so do we.
    let line = edge.access_line("the one given up", |line| line["path"] == "/slow");
    assert_eq!(line.await["status"], 499);
}

#[tokio::test]
async fn a_drain_says_goodbye_and_lets_requests_end() {
    let told = Arc::new(Notify::new());
    let when_told = Arc::clone(&told);
    let origin = Origin::handling(move |mut wire, log| {
        let told = Arc::clone(&when_told);
        async move {
            while let Some((head, body)) = wire.request().await {
                log.note(head, body);
                told.notified().await;
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlate")
                    .await;
            }
        }
    })
    .await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::connect(edge.address).await;
    frames.send(&Frame::get(1, "/")).await;
    origin.saw(1).await;
    let client = async move {
        let goodbye = frames.find(|frame| frame.kind == kind::GOAWAY).await;
        assert!(goodbye.is_some());
        told.notify_one();
        let answer = frames.answer(1).await.unwrap();
        assert_eq!(answer.status(), Some(200), "{answer:?}");
        let body = frames.find(|frame| frame.kind == kind::DATA).await.unwrap();
        assert_eq!(body.content, b"late");
    };
    let (stopped, ()) = tokio::join!(edge.stop(), client);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
}

#[tokio::test]
async fn a_connection_without_a_request_ends_in_time() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "idle_timeout = \"1s\"").start().await;
    let mut frames = Frames::connect(edge.address).await;
    frames.send(&Frame::get(1, "/")).await;
    assert_eq!(frames.answer(1).await.unwrap().status(), Some(200));
    // GOAWAY without a reason, and then the end although it is never confirmed.
    assert_eq!(within("the end", frames.ended()).await, Some(0));
}

#[tokio::test]
async fn a_head_that_does_not_end_has_its_time() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "header_timeout = \"1s\"")
        .start()
        .await;
    let mut frames = Frames::connect(edge.address).await;
    let whole = Frame::get(1, "/");
    let first = Frame::new(kind::HEADERS, 1, 1, whole.content);
    frames.send(&first).await;
    within("the end", frames.ended()).await;
    assert_eq!(ended(&edge, "head_timeout").await, 1);
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let large = "x".repeat(300_000);
    let origin = Origin::scripted([Reply::ok(&large), Reply::ok("small")]).await;
    let edge = before(&origin.url(), "body_idle_timeout = \"1s\"")
        .start()
        .await;
    let mut frames = Frames::connect(edge.address).await;
    frames.send(&Frame::get(1, "/large")).await;
    let reset = frames.find(|frame| frame.kind == kind::RST_STREAM);
    assert_eq!(within("the reset", reset).await.unwrap().stream, 1);
    // The connection is none the worse for it, once its own window is open again.
    let more = Frame::new(kind::WINDOW_UPDATE, 0, 0, 100_000_u32.to_be_bytes());
    frames.send(&more).await;
    frames.send(&Frame::get(3, "/small")).await;
    assert_eq!(frames.answer(3).await.unwrap().status(), Some(200));
}
