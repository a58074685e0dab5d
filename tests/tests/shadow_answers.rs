//! Answers of every kind are compared by what they say: packed, without a body, without an end.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::Method;
use tests::origin::{Origin, Reply};
use tests::sides::{Sides, json};

const SHADOW: &str = "phase = \"shadow\"\nshadow.noise_percent = 0\n";

#[tokio::test]
async fn answers_are_compared_unpacked() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(br#"{"b": 2, "a": 1}"#).unwrap();
    let packed = packed.finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length:";
    let mut reply = format!("{head} {}\r\n\r\n", packed.len()).into_bytes();
    reply.extend_from_slice(&packed);
    let sides = Sides {
        legacy: Origin::scripted([Reply::Bytes(reply)]).await,
        service: Origin::scripted([json(r#"{"a": 1, "b": 2}"#)]).await,
    };
    let edge = sides.edge(SHADOW).start().await;
    let answer = edge
        .get("/api/orders")
        .header("accept-encoding", "gzip")
        .send()
        .await;
    assert_eq!(answer.body, packed, "the client's answer stays packed");
    edge.has_pairs("matched", 1).await;
}

#[tokio::test]
async fn heads_are_compared_and_streams_are_not() {
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: 1\n\n";
    let sides = Sides {
        legacy: Origin::scripted([
            Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n".to_vec()),
            Reply::Last(events.as_bytes().to_vec()),
        ])
        .await,
        service: Origin::scripted([Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n".to_vec(),
        )])
        .await,
    };
    let edge = sides.edge(SHADOW).start().await;
    let head = edge.request(&Method::HEAD, "/api/orders").send().await;
    assert_eq!(head.field("content-length"), Some("9000000"));
    edge.has_pairs("matched", 1).await;
    assert_eq!(edge.get("/api/orders").send().await.text(), "data: 1\n\n");
    edge.has_dropped("stream", 1).await;
    assert_eq!(sides.service.seen().len(), 1);
}
