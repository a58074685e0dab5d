//! Whatever a backend calls JSON: what is valid passes, what is not costs its part alone, and the whole answer is JSON.
//!
//! The cases are a few of our own, and where the folder with them is at hand those of `JSONTestSuite`: files that
//! begin with `y_` are valid, with `n_` invalid, with `i_` as the reader likes.

use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::script::{Reply, ms};
use crate::shop::{Answer, Keeping, Shop};
use crate::vectors;

/// A body, and what to call it.
type Case = (String, Vec<u8>);

const VALID: [&str; 9] = [
    "null",
    " [ 1 , {\"a\" : []} ]\n",
    r#"{"a":1,"a":2,"":{"\u0000":-0}}"#,
    r#""\ud83d\ude00 \\ud800 \"}]""#,
    "\"\u{7f}\u{2028}\u{10ffff}\"",
    "9007199254740993",
    "18446744073709551617",
    "[12.10,1E400,-0.0e-7]",
    "\t\r\n true \n",
];

const INVALID: [&[u8]; 14] = [
    b"",
    b" ",
    b"[1,]",
    b"{\"a\":1",
    b"{\"a\":1}}",
    b"{'a':1}",
    b"nulL",
    b"01",
    b"[NaN]",
    b"\"\\x41\"",
    b"\"tab\there\"",
    b"{\"a\":\"\xff\"}",
    b"<html>at com.shop.Database.connect(10.0.0.7)</html>",
    b"{} // the password is hunter2",
];

/// What the grammar allows and many a reader does not.
const DOUBTFUL: [&[u8]; 6] = [
    br#""\ud800""#,
    br#"{"\udc00":1}"#,
    br#"["\ud800\ud800\udc00"]"#,
    b"\xef\xbb\xbf{}",
    b"[\"\xed\xa0\x80\"]",
    b"\xff\xfe[\0]\0",
];

/// Our own cases, and the published ones of this kind; at least `count` of these where the folder is there.
fn cases(own: &[&[u8]], kind: &str, count: usize) -> Vec<Case> {
    let own = own.iter().map(|body| {
        let name = String::from_utf8_lossy(body).into_owned();
        (name, body.to_vec())
    });
    let Some(folder) = vectors::published("json") else {
        return own.collect();
    };
    let mut published = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(kind) {
            published.push((name, std::fs::read(&path).unwrap()));
        }
    }
    assert!(published.len() >= count, "{kind}: {}", published.len());
    own.chain(published).collect()
}

fn valid() -> Vec<Case> {
    cases(&VALID.map(str::as_bytes), "y_", 90)
}

fn invalid() -> Vec<Case> {
    let mut invalid = cases(&INVALID, "n_", 180);
    let deep = |levels| [vec![b'['; levels], vec![b']'; levels]].concat();
    invalid.push(("65 levels".into(), deep(65)));
    invalid.push(("many levels that end well".into(), deep(200_000)));
    invalid
}

/// The answer when one backend says this and the others what they should.
async fn when(backend: &'static str, says: &[u8]) -> Answer {
    let shop = Shop::open(Keeping::default());
    // So that it is never there before the order, and `Server-Timing` is the same each time.
    let reviews = Reply::json(&json!({"items": []}));
    shop.script.says("reviews", reviews.after(ms(50)));
    shop.script.says(backend, Reply::bytes(200, says));
    let answer = shop.get(&[]).await;
    let text = std::str::from_utf8(&answer.body).unwrap();
    let whole: &RawValue = serde_json::from_str(text).unwrap();
    assert!(reads(whole), "{text}");
    answer
}

/// Whether a strict reader takes it: every string is characters. Numbers may be of any size.
fn reads(value: &RawValue) -> bool {
    let text = value.get();
    match text.as_bytes()[0] {
        b'{' => serde_json::from_str::<HashMap<String, &RawValue>>(text)
            .is_ok_and(|members| members.values().all(|member| reads(member))),
        b'[' => serde_json::from_str::<Vec<&RawValue>>(text)
            .is_ok_and(|items| items.iter().all(|item| reads(item))),
        b'"' => serde_json::from_str::<String>(text).is_ok(),
        _ => true,
    }
}

fn part(answer: &Answer, name: &str) -> Value {
    answer.json()["_meta"]["parts"][name].clone()
}

fn lost_to_decoding() -> Value {
    json!({"status": "omitted", "reason": "decode"})
}

#[tokio::test(start_paused = true)]
async fn what_is_valid_passes_an_untyped_part_unchanged() {
    for (name, body) in valid() {
        let answer = when("customer", &body).await;
        let text = std::str::from_utf8(&body).unwrap();
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let said = String::from_utf8(answer.body.clone()).unwrap();
        let expected = format!("\"customer\":{text},\"reviews\"");
        assert!(said.contains(&expected), "{name}: {said}");
        assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_valid_is_either_what_was_agreed_on_or_undecodable() {
    for (name, body) in valid() {
        let answer = when("order", &body).await;
        if answer.status != 200 {
            assert_eq!(answer.json()["code"], "backend_undecodable", "{name}");
        }
        let answer = when("products", &body).await;
        assert_eq!(answer.status, 200, "{name}");
        let products = part(&answer, "products");
        let is_fine = products == json!({"status": "ok"}) || products == lost_to_decoding();
        assert!(is_fine, "{name}: {products}");
    }
    let agreed = br#" {"more":"\ud83d","user":7,"items":[1],"x":[[[18446744073709551617]]]} "#;
    let answer = when("order", agreed).await;
    assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
}

/// Byte for byte the same, whatever was refused: so nothing of it is in the answer.
#[tokio::test(start_paused = true)]
async fn what_is_invalid_costs_its_optional_part_alone_and_leaves_no_trace() {
    for backend in ["customer", "products"] {
        let refused = when(backend, b"!").await;
        for (name, body) in invalid() {
            let answer = when(backend, &body).await;
            assert_eq!(answer.status, 200, "{backend}, {name}");
            let degraded = format!("{backend};reason=decode");
            assert_eq!(answer.field("x-degraded"), Some(degraded.as_str()));
            assert_eq!(part(&answer, backend), lost_to_decoding(), "{name}");
            assert_eq!(answer.field("cache-control"), Some("no-store"), "{name}");
            assert_eq!(answer.body, refused.body, "{backend}, {name}");
            assert_eq!(answer.fields, refused.fields, "{backend}, {name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_invalid_and_needed_is_the_backends_fault_and_leaves_no_trace() {
    let refused = when("order", b"!").await;
    for (name, body) in invalid() {
        let answer = when("order", &body).await;
        assert_eq!(answer.status, 502, "{name}");
        let problem = answer.json();
        assert_eq!(problem["code"], "backend_undecodable", "{name}");
        assert_eq!(problem["part"], "order", "{name}");
        assert_eq!(answer.body, refused.body, "{name}");
        assert_eq!(answer.fields, refused.fields, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_doubtful_passes_as_it_is_or_costs_its_part_alone() {
    for (name, body) in cases(&DOUBTFUL, "i_", 30) {
        let refused = when("customer", b"!").await;
        let answer = when("customer", &body).await;
        assert_eq!(answer.status, 200, "{name}");
        if answer.field("x-degraded").is_some() {
            assert_eq!(answer.body, refused.body, "{name}");
        } else {
            let said = String::from_utf8(answer.body).unwrap();
            let text = String::from_utf8(body.clone()).unwrap();
            let expected = format!("\"customer\":{},\"reviews\"", text.trim());
            assert!(said.contains(&expected), "{name}: {said}");
        }
        for (typed, lost) in [("order", 502), ("products", 200)] {
            let answer = when(typed, &body).await;
            assert!([200, lost].contains(&answer.status), "{typed}, {name}");
        }
    }
}

/// A part that many readers stumble over would cost them the whole answer.
#[tokio::test(start_paused = true)]
async fn half_a_character_costs_its_part() {
    for half in [
        &br#"{"name":"\ud800"}"#[..],
        br#"{"name":"\uDBFFx"}"#,
        br#"{"\udc00\ud800":1}"#,
    ] {
        let answer = when("customer", half).await;
        assert_eq!(
            answer.field("x-degraded"),
            Some("customer;reason=decode"),
            "{}",
            String::from_utf8_lossy(half)
        );
    }
}
