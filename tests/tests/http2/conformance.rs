//! The rules of RFC 9113, one by one: each is broken on a connection of its own, in the order of the RFC's sections.

mod connection;
mod frames;

use std::time::Duration;

use tests::h2_frames::{END_STREAM, Frame, Frames, PREFACE, block, kind};
use tests::origin::Origin;
use tokio::sync::watch;

use crate::before;

const PROTOCOL: u32 = 1;
const FLOW_CONTROL: u32 = 3;
const CLOSED: u32 = 5;
const FRAME_SIZE: u32 = 6;
const REFUSED: u32 = 7;
const COMPRESSION: u32 = 9;

const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// What has to come of it.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// The whole connection ends, with one of these reasons if it says one.
    Ends(&'static [u32]),
    /// The request ends so, or the whole connection does.
    Resets(&'static [u32]),
    /// The request on stream 1 is answered with 200.
    Answers,
    /// A ping is answered.
    Pongs,
    /// Our settings are confirmed twice: the first ones and these.
    Confirms,
}

type Case = (&'static str, Vec<Frame>, Then);

fn raw(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Frame {
    Frame::new(kind, flags, stream, content)
}

fn get() -> Frame {
    Frame::get(1, "/")
}

/// A POST whose content is to follow.
fn post() -> Frame {
    Frame::head(0, 1, &POST)
}

const POST: [(&str, &str); 4] = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "shop.example"),
];

fn head_of(fields: &[(&str, &str)]) -> Frame {
    Frame::head(END_STREAM, 1, fields)
}

fn setting(id: u16, value: u32) -> Frame {
    let content = [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    raw(kind::SETTINGS, 0, 0, &content)
}

fn window(stream: u32, more: u32) -> Frame {
    raw(kind::WINDOW_UPDATE, 0, stream, &more.to_be_bytes())
}

/// What came of it, or nothing in time.
async fn came(frames: &mut Frames, then: Then) -> bool {
    let mut confirmed = 0;
    loop {
        let Some(frame) = frames.next().await else {
            return matches!(then, Then::Ends(_) | Then::Resets(_));
        };
        let is_reason = |reasons: &[u32]| reasons.contains(&frame.code());
        match (then, frame.kind) {
            (Then::Ends(reasons), kind::GOAWAY) => return is_reason(reasons),
            (Then::Resets(reasons), kind::GOAWAY | kind::RST_STREAM) if is_reason(reasons) => {
                return true;
            }
            (Then::Resets(_) | Then::Answers | Then::Pongs | Then::Confirms, kind::GOAWAY) => {
                return false;
            }
            (Then::Answers, kind::HEADERS) => return frame.status() == Some(200),
            (Then::Pongs, kind::PING) if frame.flags & 1 == 1 => return frame.content == [1; 8],
            (Then::Confirms, kind::SETTINGS) if frame.flags & 1 == 1 => {
                confirmed += 1;
                if confirmed == 2 {
                    return true;
                }
            }
            _ => {}
        }
    }
}

async fn check(cases: Vec<Case>) {
    // It answers once all frames of a case are out, so that requests are still open when the last one comes.
    let (all_sent, is_sent) = watch::channel(false);
    let origin = Origin::handling(move |mut wire, _| {
        let mut is_sent = is_sent.clone();
        async move {
            while wire.request().await.is_some() && is_sent.wait_for(|sent| *sent).await.is_ok() {
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
            }
        }
    })
    .await;
    let edge = before(&origin.url(), "").start().await;
    let mut wrong = Vec::new();
    for (name, sent, then) in cases {
        let mut frames = Frames::connect(edge.address).await;
        let bytes: Vec<u8> = sent.iter().flat_map(Frame::bytes).collect();
        all_sent.send_replace(false);
        frames.bytes(bytes).await;
        all_sent.send_replace(true);
        let came = tokio::time::timeout(Duration::from_secs(5), came(&mut frames, then)).await;
        if came != Ok(true) {
            wrong.push((name, then, came));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn frames_and_header_blocks() {
    check(connection::frames_and_heads()).await;
}

#[tokio::test]
async fn streams_and_their_states() {
    check(connection::streams()).await;
}

#[tokio::test]
async fn definitions_of_frames() {
    check(frames::definitions()).await;
}

#[tokio::test]
async fn requests_in_http() {
    check(frames::requests()).await;
}

#[tokio::test]
async fn compressed_fields() {
    check(connection::compression()).await;
}

#[tokio::test]
async fn a_preface_that_is_none_ends_the_connection() {
    let origin = Origin::saying("").await;
    let edge = before(&origin.url(), "").start().await;
    let mut frames = Frames::silent(edge.address).await;
    frames.bytes(PREFACE).await;
    // Something else than settings comes first.
    frames.bytes(block(&[("x", "y")])).await;
    frames.send(&raw(kind::PING, 0, 1, &[0; 8])).await;
    assert!(
        frames
            .find(|frame| frame.kind == kind::PING)
            .await
            .is_none()
    );
}
