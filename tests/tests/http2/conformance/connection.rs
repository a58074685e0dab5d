//! Frames, streams, and compressed fields: sections 4 and 5, and RFC 7541.

use tests::h2_frames::{END_HEADERS, END_STREAM, Frame, kind};

use super::{
    CLOSED, COMPRESSION, Case, FRAME_SIZE, POST, PRIORITY, PROTOCOL, REFUSED, Then, get, post, raw,
    setting, window,
};

pub(super) fn frames_and_heads() -> Vec<Case> {
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

pub(super) fn streams() -> Vec<Case> {
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

/// RFC 7541.
pub(super) fn compression() -> Vec<Case> {
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
            behind(b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"),
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
