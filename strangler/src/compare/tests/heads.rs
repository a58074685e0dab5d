//! Status, header fields, and bodies that are no JSON.

use super::*;

fn answer<'a>(status: u16, headers: &'a [(&'a str, &'a [u8])], body: &'a [u8]) -> Answer<'a> {
    Answer {
        status,
        headers,
        body,
    }
}

fn headers(names: &[&str]) -> Rules {
    Rules {
        headers: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Rules::default()
    }
}

fn shown(comparison: &Comparison) -> Vec<(&str, Kind, &str, &str)> {
    let differences = comparison.differences.iter();
    differences
        .map(|found| {
            (
                found.path.as_str(),
                found.kind,
                found.left.as_str(),
                found.right.as_str(),
            )
        })
        .collect()
}

#[test]
fn the_status_is_compared() {
    let comparison = compare(
        &Rules::default(),
        &answer(200, &[], b""),
        &answer(502, &[], b""),
    );
    assert_eq!(shown(&comparison), [("status", Kind::Value, "200", "502")]);
}

#[test]
fn listed_header_fields_are_compared_and_no_others() {
    let left = answer(
        200,
        &[
            ("Content-Type", b"text/html"),
            ("x-a", b"1"),
            ("Vary", b"a"),
            ("vary", b" b"),
        ],
        b"",
    );
    let right = answer(
        200,
        &[
            ("content-type", b"text/plain"),
            ("etag", b"2"),
            ("vary", b"a, b"),
        ],
        b"",
    );
    let comparison = compare(
        &headers(&["content-type", "ETag", "x-a", "vary", "gone"]),
        &left,
        &right,
    );
    assert_eq!(
        shown(&comparison),
        [
            (
                "header:content-type",
                Kind::Value,
                "text/html",
                "text/plain"
            ),
            ("header:etag", Kind::Extra, "", "2"),
            ("header:x-a", Kind::Missing, "1", ""),
        ]
    );
    assert_eq!(
        compare(&headers(&[]), &left, &right).outcome(),
        Outcome::Matched
    );
}

#[test]
fn a_body_that_is_no_json_is_compared_by_its_bytes_and_never_shown() {
    let text: [(&str, &[u8]); 1] = [("content-type", b"text/html")];
    let pair = |left, right| {
        compare(
            &Rules::default(),
            &answer(200, &text, left),
            &answer(200, &text, right),
        )
    };
    assert_eq!(
        shown(&pair(b"<p>a</p>", b"<p>bc</p>")),
        [(
            "body",
            Kind::Value,
            "8 bytes, first different at byte 3",
            "9 bytes, first different at byte 3"
        )]
    );
    assert_eq!(
        shown(&pair(b"ab", b"")),
        [(
            "body",
            Kind::Missing,
            "2 bytes, first different at byte 0",
            ""
        )]
    );
    // It only looks like JSON.
    assert_eq!(
        pair(b"{\"a\":1,\"b\":2}", b"{\"b\":2,\"a\":1}")
            .differences
            .len(),
        1
    );
    assert_eq!(pair(b"\xff\x00", b"\xff\x00").outcome(), Outcome::Matched);
}

#[test]
fn json_is_what_one_side_calls_so_and_both_can_read() {
    let (left, right) = (b"{\"a\":1,\"b\":2}", b"{\"b\":2,\"a\":1}");
    let types: [&[u8]; 5] = [
        b"application/json",
        b"Application/JSON;charset=utf-8",
        b"application/problem+json",
        b"application/vnd.shop.v1+json ; q=1",
        b"application/hal+json",
    ];
    for value in types {
        let typed = [("content-type", value)];
        let old = compare(
            &Rules::default(),
            &answer(200, &typed, left),
            &answer(200, &[], right),
        );
        let new = compare(
            &Rules::default(),
            &answer(200, &[], left),
            &answer(200, &typed, right),
        );
        assert_eq!(
            (old.outcome(), new.outcome()),
            (Outcome::Matched, Outcome::Matched)
        );
    }
    for value in [b"text/json".as_slice(), b"application/jsonp", b"\xff"] {
        let typed = [("content-type", value)];
        let pair = compare(
            &Rules::default(),
            &answer(200, &typed, left),
            &answer(200, &typed, right),
        );
        assert_eq!(shown(&pair)[0].0, "body");
    }
    let broken = compare(
        &Rules::default(),
        &answer(200, &JSON, b"{\"a\":1}"),
        &answer(200, &JSON, b"{\"a\":1"),
    );
    assert_eq!(shown(&broken)[0].0, "body");
}
