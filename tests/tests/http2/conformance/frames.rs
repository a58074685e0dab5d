//! Each kind of frame, section 6, and what is said in them, section 8.

use tests::h2_frames::{END_HEADERS, END_STREAM, Frame, kind};

use super::{
    Case, FLOW_CONTROL, FRAME_SIZE, PADDED, POST, PROTOCOL, Then, get, head_of, post, raw, setting,
    window,
};

pub(super) fn definitions() -> Vec<Case> {
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
            Resets(&[FRAME_SIZE, PROTOCOL]),
        ),
        (
            "6.4 a reset of the connection",
            vec![Frame::cancel(0)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.4 a reset of another length",
            vec![post(), raw(kind::RST_STREAM, 0, 1, &[0; 3])],
            Ends(&[FRAME_SIZE, PROTOCOL]),
        ),
        (
            "6.5 settings are confirmed",
            vec![setting(3, 100)],
            Confirms,
        ),
        (
            "6.5 a confirmation with content",
            vec![raw(kind::SETTINGS, 1, 0, &[0])],
            Ends(&[FRAME_SIZE, PROTOCOL]),
        ),
        (
            "6.5 settings of a stream",
            vec![raw(kind::SETTINGS, 0, 1, &[])],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.5 settings of another length",
            vec![raw(kind::SETTINGS, 0, 0, &[0; 5])],
            Ends(&[FRAME_SIZE, PROTOCOL]),
        ),
        (
            "6.5.2 push is neither on nor off",
            vec![setting(2, 2)],
            Ends(&[PROTOCOL]),
        ),
        (
            "6.5.2 a window too large",
            vec![setting(4, 1 << 31)],
            Ends(&[FLOW_CONTROL, PROTOCOL]),
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
            Ends(&[FRAME_SIZE, PROTOCOL]),
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
            Ends(&[FRAME_SIZE, PROTOCOL]),
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

pub(super) fn requests() -> Vec<Case> {
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
