//! Clients that cost much and bring nothing lose their connection; everybody else notices nothing.

use tests::edge::Edge;
use tests::h2_client::H2Client;
use tests::h2_frames::{END_HEADERS, END_STREAM, Frame, Frames, kind};
use tests::origin::Origin;
use tests::wire::within;

use crate::{before, ended};

const CALM: u32 = 11;

/// Sends what `flood` gives until the connection is gone; it is ended for one of `reasons`, and another client is served.
/// How much is read at once decides who sees it first, we or the library.
async fn floods(reasons: &[&str], first: &[Frame], flood: impl Fn(u32) -> Vec<u8>) {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "").start().await;
    let client = H2Client::connect(edge.address).await;
    let mut frames = Frames::connect(edge.address).await;
    for frame in first {
        frames.send(frame).await;
    }
    let sending = async {
        let mut count = 0;
        while frames
            .bytes((count..count + 100).flat_map(&flood).collect::<Vec<_>>())
            .await
        {
            count += 100;
            assert!(count < 1_000_000, "nothing ends it");
        }
    };
    within("the end of the connection", sending).await;
    assert_eq!(client.get("/").await.text(), "hello");
    let mut count = 0;
    for reason in reasons {
        count += ended(&edge, reason).await;
    }
    assert_eq!(count, 1, "{}", metrics(&edge).await);
}

async fn metrics(edge: &Edge) -> String {
    let all = edge.admin("/metrics").send().await;
    let ours = all.text().lines().filter(|line| line.contains("http2"));
    ours.collect::<Vec<_>>().join("\n")
}

fn odd(count: u32) -> u32 {
    count * 2 + 1
}

#[tokio::test]
async fn requests_that_are_cancelled_at_once() {
    floods(&["rapid_reset", "too_much"], &[], |count| {
        let stream = odd(count);
        [
            Frame::get(stream, "/").bytes(),
            Frame::cancel(stream).bytes(),
        ]
        .concat()
    })
    .await;
}

#[tokio::test]
async fn requests_that_we_are_made_to_reset() {
    // A window larger than there can be is a mistake in that stream.
    floods(&["too_much"], &[], |count| {
        let stream = odd(count);
        let wide = Frame::new(
            kind::WINDOW_UPDATE,
            0,
            stream,
            0x7fff_ffff_u32.to_be_bytes(),
        );
        [Frame::get(stream, "/").bytes(), wide.bytes()].concat()
    })
    .await;
}

#[tokio::test]
async fn a_head_in_endless_parts() {
    let begin = Frame::new(kind::HEADERS, END_STREAM, 1, Frame::get(1, "/").content);
    let part = Frame::head(0, 1, &[("x-more", "and more")]).content;
    floods(&["too_much"], &[begin], |_| {
        Frame::new(kind::CONTINUATION, 0, 1, part.clone()).bytes()
    })
    .await;
}

#[tokio::test]
async fn a_head_in_empty_parts() {
    let begin = Frame::new(kind::HEADERS, END_STREAM, 1, Frame::get(1, "/").content);
    floods(&["empty_frames", "too_much"], &[begin], |_| {
        Frame::new(kind::CONTINUATION, 0, 1, []).bytes()
    })
    .await;
}

#[tokio::test]
async fn pings() {
    floods(&["ping_flood"], &[], |_| {
        Frame::new(kind::PING, 0, 0, [0; 8]).bytes()
    })
    .await;
}

#[tokio::test]
async fn settings() {
    floods(&["settings_flood"], &[], |_| {
        Frame::new(kind::SETTINGS, 0, 0, []).bytes()
    })
    .await;
}

#[tokio::test]
async fn priorities() {
    floods(&["priority_flood"], &[], |count| {
        Frame::new(kind::PRIORITY, 0, odd(count), [0, 0, 0, 0, 1]).bytes()
    })
    .await;
}

#[tokio::test]
async fn windows() {
    floods(&["window_update_flood"], &[], |_| {
        Frame::new(kind::WINDOW_UPDATE, 0, 0, 1_u32.to_be_bytes()).bytes()
    })
    .await;
}

#[tokio::test]
async fn frames_that_nobody_knows() {
    floods(&["unknown_frames"], &[], |_| {
        Frame::new(0xfa, 0, 0, [0]).bytes()
    })
    .await;
}

#[tokio::test]
async fn a_body_of_nothing() {
    let head = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "shop.example"),
    ];
    floods(&["empty_frames"], &[Frame::head(0, 1, &head)], |_| {
        Frame::new(kind::DATA, 0, 1, []).bytes()
    })
    .await;
}

#[tokio::test]
async fn whoever_is_ended_is_told_why() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::connect(edge.address).await;
    for _ in 0..=501 {
        frames.send(&Frame::new(kind::PING, 0, 0, [0; 8])).await;
    }
    assert_eq!(frames.ended().await, Some(CALM));
}

#[tokio::test]
async fn a_head_far_over_the_limit() {
    let origin = Origin::saying("hello").await;
    let edge = before(&origin.url(), "max_header_bytes = \"8KiB\"")
        .start()
        .await;
    let mut frames = Frames::connect(edge.address).await;
    let long = "x".repeat(8000);
    let fields = [("x-long", long.as_str()); 2];
    let begin = Frame::new(kind::HEADERS, END_STREAM, 1, Frame::get(1, "/").content);
    frames.send(&begin).await;
    for flags in [0, 0, 0, 0, END_HEADERS] {
        let part = Frame::head(0, 1, &fields).content;
        frames
            .send(&Frame::new(kind::CONTINUATION, flags, 1, part))
            .await;
    }
    let answer = frames.answer(1).await.unwrap();
    assert_eq!((answer.kind, answer.status()), (kind::HEADERS, None));
    frames.send(&Frame::get(3, "/")).await;
    assert_eq!(frames.answer(3).await.unwrap().status(), Some(200));
    assert_eq!(origin.seen().len(), 1);
}
