//! The rules of RFC 9113, one by one: each is broken on a connection of its own, in the order of the RFC's sections.

use std::time::Duration;

use tests::h2_frames::{END_HEADERS, END_STREAM, Frame, Frames, PREFACE, block, kind};
use tests::origin::Origin;

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

fn frames_and_heads() -> Vec<Case> {
    use Then::{Answers, Ends, Pongs, Resets};
    let whole = get().content;
    let (first, second) = whole.split_at(10);
    let part = |flags, stream, content| raw(kind::CONTINUATION, flags, stream, content);
    vec![
        (
            "4.1 an unknown kind is nothing",
            vec![raw(0xff, 0, 0, b"12345678"), get()],
            Answers,
        ),
        (
            "4.1 unknown flags are nothing",
            vec![raw(kind::PING, 0x16, 0, &[1; 8])],
            Pongs,
        ),
        (
            "4.1 the reserved bit is nothing",
            vec![raw(kind::PING, 0, 1 << 31, &[1; 8])],
            Pongs,
        ),
        (
            "4.2 content as long as may be",
            vec![post(), raw(kind::DATA, END_STREAM, 1, &[0; 16_384])],
            Answers,
        ),
        (
            "4.2 content longer than may be",
            vec![post(), raw(kind::DATA, END_STREAM, 1, &[0; 16_385])],
            Resets(&[FRAME_SIZE]),
        ),
        (
            "4.2 a head longer than may be",
            vec![raw(
                kind::HEADERS,
                END_STREAM | END_HEADERS,
                1,
                &[0; 16_385],
            )],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "4.3 no header block",
            vec![raw(
                kind::HEADERS,
                END_STREAM | END_HEADERS,
                1,
                b"\xff\xff\xff\xff\xff",
            )],
            Ends(&[COMPRESSION, PROTOCOL]),
        ),
        (
            "4.3 something within a head",
            vec![
                raw(kind::HEADERS, END_STREAM, 1, first),
                raw(kind::PRIORITY, 0, 1, &[0, 0, 0, 0, 1]),
                part(END_HEADERS, 1, second),
            ],
            Ends(&[PROTOCOL]),
        ),
        (
            "4.3 another head within a head",
            vec![
                raw(kind::HEADERS, END_STREAM, 1, first),
                Frame::get(3, "/"),
                part(END_HEADERS, 1, second),
            ],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.10 a head in parts",
            vec![
                raw(kind::HEADERS, END_STREAM, 1, first),
                part(0, 1, &second[..3]),
                part(END_HEADERS, 1, &second[3..]),
            ],
            Answers,
        ),
        (
            "6.10 a part of another head",
            vec![
                raw(kind::HEADERS, END_STREAM, 1, first),
                part(END_HEADERS, 3, second),
            ],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.10 a part of no stream",
            vec![
                raw(kind::HEADERS, END_STREAM, 1, first),
                part(END_HEADERS, 0, second),
            ],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.10 a part after the end",
            vec![get(), part(END_HEADERS, 1, second)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.10 a part without a beginning",
            vec![part(END_HEADERS, 1, &whole)],
            Ends(&[PROTOCOL]),
        ),
    ]
}

fn streams() -> Vec<Case> {
    use Then::{Answers, Ends, Resets};
    vec![
        (
            "5.1 content on an idle stream",
            vec![raw(kind::DATA, END_STREAM, 1, b"x")],
            Ends(&[PROTOCOL, CLOSED]),
        ),
        (
            "5.1 a reset of an idle stream",
            vec![Frame::cancel(1)],
            Ends(&[PROTOCOL]),
        ),
        (
            "5.1 a window of an idle stream",
            vec![window(1, 100)],
            Ends(&[PROTOCOL]),
        ),
        (
            "5.1 content after the end",
            vec![get(), raw(kind::DATA, END_STREAM, 1, b"x")],
            Resets(&[CLOSED, PROTOCOL]),
        ),
        (
            "5.1 a head after the end",
            vec![get(), get()],
            Resets(&[CLOSED, PROTOCOL]),
        ),
        (
            "5.1 content after a reset",
            vec![
                post(),
                Frame::cancel(1),
                raw(kind::DATA, END_STREAM, 1, b"x"),
            ],
            Resets(&[CLOSED, PROTOCOL]),
        ),
        (
            "5.1.1 a stream of the server's",
            vec![Frame::get(2, "/")],
            Ends(&[PROTOCOL]),
        ),
        (
            "5.1.1 a stream lower than the last",
            vec![Frame::get(5, "/"), Frame::get(3, "/")],
            Ends(&[PROTOCOL, CLOSED]),
        ),
        (
            "5.1.2 more than 100 requests",
            (0..101)
                .map(|count| Frame::head(0, count * 2 + 1, &POST))
                .collect(),
            Resets(&[REFUSED, PROTOCOL]),
        ),
        (
            "5.3 a stream that depends on itself",
            vec![raw(kind::PRIORITY, 0, 1, &[0, 0, 0, 1, 1])],
            Resets(&[PROTOCOL]),
        ),
        (
            "5.3 a head that depends on itself",
            vec![raw(
                kind::HEADERS,
                END_STREAM | END_HEADERS | PRIORITY,
                1,
                &[&[0, 0, 0, 1, 1][..], &get().content].concat(),
            )],
            Resets(&[PROTOCOL]),
        ),
        (
            "5.5 a setting nobody knows",
            vec![setting(0xff, 1), get()],
            Answers,
        ),
    ]
}

fn definitions() -> Vec<Case> {
    use Then::{Answers, Confirms, Ends, Pongs, Resets};
    let padded_head = [&[9][..], &get().content, &[0; 9]].concat();
    vec![
        (
            "6.1 content on the connection",
            vec![raw(kind::DATA, END_STREAM, 0, b"x")],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.1 padding longer than the content",
            vec![post(), raw(kind::DATA, END_STREAM | PADDED, 1, b"\x06test")],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.1 padding",
            vec![
                post(),
                raw(kind::DATA, END_STREAM | PADDED, 1, b"\x02test\0\0"),
            ],
            Answers,
        ),
        (
            "6.2 a head on the connection",
            vec![Frame::get(0, "/")],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.2 padding",
            vec![raw(
                kind::HEADERS,
                END_STREAM | END_HEADERS | PADDED,
                1,
                &padded_head,
            )],
            Answers,
        ),
        (
            "6.2 padding longer than the head",
            vec![raw(
                kind::HEADERS,
                END_STREAM | END_HEADERS | PADDED,
                1,
                &[&[250][..], &get().content].concat(),
            )],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.3 a priority of the connection",
            vec![raw(kind::PRIORITY, 0, 0, &[0, 0, 0, 0, 1])],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.3 a priority of another length",
            vec![raw(kind::PRIORITY, 0, 1, &[0; 4])],
            Resets(&[FRAME_SIZE]),
        ),
        (
            "6.4 a reset of the connection",
            vec![Frame::cancel(0)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.4 a reset of another length",
            vec![post(), raw(kind::RST_STREAM, 0, 1, &[0; 3])],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "6.5 settings are confirmed",
            vec![setting(3, 100)],
            Confirms,
        ),
        (
            "6.5 a confirmation with content",
            vec![raw(kind::SETTINGS, 1, 0, &[0])],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "6.5 settings of a stream",
            vec![raw(kind::SETTINGS, 0, 1, &[])],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.5 settings of another length",
            vec![raw(kind::SETTINGS, 0, 0, &[0; 5])],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "6.5.2 push is neither on nor off",
            vec![setting(2, 2)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.5.2 a window too large",
            vec![setting(4, 1 << 31)],
            Ends(&[FLOW_CONTROL]),
        ),
        (
            "6.5.2 frames too small",
            vec![setting(5, 16_383)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.5.2 frames too large",
            vec![setting(5, 1 << 24)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.6 a promise of the client's",
            vec![raw(kind::PUSH_PROMISE, END_HEADERS, 1, &[0, 0, 0, 2])],
            Ends(&[PROTOCOL]),
        ),
        ("6.7 a ping", vec![raw(kind::PING, 0, 0, &[1; 8])], Pongs),
        (
            "6.7 an answer to no ping",
            vec![
                raw(kind::PING, 1, 0, &[2; 8]),
                raw(kind::PING, 0, 0, &[1; 8]),
            ],
            Pongs,
        ),
        (
            "6.7 a ping of a stream",
            vec![raw(kind::PING, 0, 1, &[0; 8])],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.7 a ping of another length",
            vec![raw(kind::PING, 0, 0, &[0; 6])],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "6.8 a farewell of a stream",
            vec![raw(kind::GOAWAY, 0, 1, &[0; 8])],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.9 no more for the connection",
            vec![window(0, 0)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.9 no more for a stream",
            vec![post(), window(1, 0)],
            Resets(&[PROTOCOL]),
        ),
        (
            "6.9 a window of another length",
            vec![raw(kind::WINDOW_UPDATE, 0, 0, &[0; 3])],
            Ends(&[FRAME_SIZE]),
        ),
        (
            "6.9.1 a window too wide",
            vec![window(0, 0x7fff_ffff), window(0, 0x7fff_ffff)],
            Ends(&[FLOW_CONTROL]),
        ),
        (
            "6.9.1 a stream's window too wide",
            vec![post(), window(1, 0x7fff_ffff), window(1, 0x7fff_ffff)],
            Resets(&[FLOW_CONTROL]),
        ),
    ]
}

fn requests() -> Vec<Case> {
    use Then::{Answers, Resets};
    let malformed = Resets(&[PROTOCOL]);
    let with = |more: &[(&'static str, &'static str)]| head_of(&[&POST[..], more].concat());
    let without = |left_out: usize| {
        let mut fields = POST.to_vec();
        fields.remove(left_out);
        head_of(&fields)
    };
    vec![
        (
            "8.1 a second head that ends nothing",
            vec![post(), post()],
            malformed,
        ),
        (
            "8.1 trailers",
            vec![post(), Frame::head(END_STREAM, 1, &[("x-sum", "1")])],
            Answers,
        ),
        (
            "8.1 trailers with a pseudo-field",
            vec![post(), Frame::head(END_STREAM, 1, &[(":method", "GET")])],
            malformed,
        ),
        ("8.2 upper case", vec![with(&[("X-Test", "1")])], malformed),
        (
            "8.2.2 a field of the connection",
            vec![with(&[("connection", "keep-alive")])],
            malformed,
        ),
        (
            "8.2.2 TE",
            vec![with(&[("te", "trailers, deflate")])],
            malformed,
        ),
        (
            "8.3 an unknown pseudo-field",
            vec![with(&[(":test", "1")])],
            malformed,
        ),
        (
            "8.3 one of answers",
            vec![with(&[(":status", "200")])],
            malformed,
        ),
        (
            "8.3 one behind other fields",
            vec![head_of(&[
                POST[0],
                POST[1],
                ("x-test", "1"),
                POST[2],
                POST[3],
            ])],
            malformed,
        ),
        (
            "8.3.1 an empty path",
            vec![head_of(&[POST[0], POST[1], (":path", ""), POST[3]])],
            malformed,
        ),
        ("8.3.1 no method", vec![without(0)], malformed),
        ("8.3.1 no scheme", vec![without(1)], malformed),
        ("8.3.1 no path", vec![without(2)], malformed),
        (
            "8.3.1 two methods",
            vec![with(&[(":method", "GET")])],
            malformed,
        ),
        ("8.3.1 two paths", vec![with(&[(":path", "/")])], malformed),
        (
            "8.1.1 shorter than it says",
            vec![
                Frame::head(0, 1, &[&POST[..], &[("content-length", "5")]].concat()),
                raw(kind::DATA, END_STREAM, 1, b"test"),
            ],
            malformed,
        ),
        (
            "8.1.1 longer than it says",
            vec![
                Frame::head(0, 1, &[&POST[..], &[("content-length", "3")]].concat()),
                raw(kind::DATA, END_STREAM, 1, b"test"),
            ],
            malformed,
        ),
        (
            "8.1.1 in pieces, shorter",
            vec![
                Frame::head(0, 1, &[&POST[..], &[("content-length", "9")]].concat()),
                raw(kind::DATA, 0, 1, b"test"),
                raw(kind::DATA, END_STREAM, 1, b"test"),
            ],
            malformed,
        ),
        (
            "8.5 CONNECT",
            vec![head_of(&[
                (":method", "CONNECT"),
                (":scheme", "http"),
                (":path", "/"),
                POST[3],
            ])],
            malformed,
        ),
    ]
}

/// RFC 7541.
fn compression() -> Vec<Case> {
    let usual = get().content;
    let head = |begin: &[u8]| {
        let content = [begin, &usual].concat();
        vec![raw(kind::HEADERS, END_STREAM | END_HEADERS, 1, &content)]
    };
    let behind = |end: &[u8]| {
        let content = [&usual, end].concat();
        vec![raw(kind::HEADERS, END_STREAM | END_HEADERS, 1, &content)]
    };
    let ends = Then::Ends(&[COMPRESSION, PROTOCOL]);
    vec![
        ("2.3.3 an index that is not there", head(&[0xc6]), ends),
        (
            "2.3.3 a name that is not there",
            head(&[0x7f, 0x01, 0x01, b'a']),
            ends,
        ),
        ("4.2 a table's size behind fields", behind(&[0x20]), ends),
        (
            "5.2 Huffman padding of eight bits",
            behind(&[0x00, 0x85, 0xf2, 0xb2, 0x4a, 0x84, 0xff, 0x01, b'a']),
            ends,
        ),
        (
            "5.2 Huffman padding with zeros",
            behind(&[0x00, 0x84, 0xf2, 0xb2, 0x4a, 0x80, 0x01, b'a']),
            ends,
        ),
        ("6.1 the index 0", head(&[0x80]), ends),
        (
            "6.3 a table larger than ours",
            head(&[0x3f, 0xff, 0xff, 0x7f]),
            ends,
        ),
    ]
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
    // It answers late, so that requests are still open when the next frame comes.
    let origin = Origin::handling(|mut wire, _| async move {
        while wire.request().await.is_some() {
            tokio::time::sleep(Duration::from_millis(100)).await;
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
        }
    })
    .await;
    let edge = before(&origin.url(), "").start().await;
    let mut wrong = Vec::new();
    for (name, sent, then) in cases {
        let mut frames = Frames::connect(edge.address).await;
        let bytes: Vec<u8> = sent.iter().flat_map(Frame::bytes).collect();
        frames.bytes(bytes).await;
        let came = tokio::time::timeout(Duration::from_secs(5), came(&mut frames, then)).await;
        if came != Ok(true) {
            wrong.push((name, then, came));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn frames_and_header_blocks() {
    check(frames_and_heads()).await;
}

#[tokio::test]
async fn streams_and_their_states() {
    check(streams()).await;
}

#[tokio::test]
async fn definitions_of_frames() {
    check(definitions()).await;
}

#[tokio::test]
async fn requests_in_http() {
    check(requests()).await;
}

#[tokio::test]
async fn compressed_fields() {
    check(compression()).await;
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
