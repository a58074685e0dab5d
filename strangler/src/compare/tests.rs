mod documents;
mod arrays;
mod heads;
mod secrets;
mod terminals;
mod properties;

use super::*;
use crate::json_path::PathPattern;

const JSON: [(&str, &[u8]); 1] = [("Content-Type", b"application/json; charset=utf-8")];

fn compare(rules: &Rules, left: &Answer<'_>, right: &Answer<'_>) -> Comparison {
    super::compare(rules, left, right).unwrap()
}

fn path(text: &str) -> PathPattern {
    text.parse().unwrap()
}

fn unordered(at: &str, key: Option<&str>) -> Rules {
    let key = key.map(str::to_owned);
    Rules {
        unordered: vec![Unordered {
            path: path(at),
            key,
        }],
        ..Rules::default()
    }
}

fn json(rules: &Rules, left: &str, right: &str) -> Comparison {
    let answer = |body| Answer {
        status: 200,
        headers: &JSON,
        body,
    };
    compare(rules, &answer(left.as_bytes()), &answer(right.as_bytes()))
}

/// `value $.a`, and `ignored value $.a`.
fn found(rules: &Rules, left: &str, right: &str) -> Vec<String> {
    let words = |found: &Difference| {
        let ignored = if found.ignored { "ignored " } else { "" };
        format!("{ignored}{} {}", found.kind, found.path)
    };
    let comparison = json(rules, left, right);
    comparison.differences.iter().map(words).collect()
}

#[test]
fn what_takes_too_long_is_not_compared() {
    let long = format!("[{}0]", "0,".repeat(crate::json::MAX_VALUES));
    let both = |left: &str, right: &str| {
        let [left, right] = [left, right].map(|text| Answer {
            status: 200,
            headers: &JSON,
            body: text.as_bytes(),
        });
        super::compare(&Rules::default(), &left, &right)
    };
    assert_eq!(both(&long, "[]"), Err(TooComplex));
    assert_eq!(both("[]", &long), Err(TooComplex));
    // The same bytes need no look, and what is no JSON on one side is compared by bytes.
    assert_eq!(both(&long, &long).unwrap().outcome(), Outcome::Matched);
    assert_eq!(both(&long, "[").unwrap().differences[0].path, "body");
    assert_eq!(both("[", &long).unwrap().differences[0].path, "body");
}

fn plain(left: &str, right: &str) -> Vec<String> {
    found(&Rules::default(), left, right)
}
