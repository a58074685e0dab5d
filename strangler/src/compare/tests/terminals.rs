//! Nothing that a backend says does anything to a terminal.

use super::*;

const ACTING: &str = "\u{9b}2J\u{202e}\u{2028}\u{7f}\u{feff}";
const SHOWN: &str = r"\u009b2J\u202e\u2028\u007f\ufeff";

fn only(comparison: Comparison) -> Difference {
    let [only] = comparison.differences.try_into().unwrap();
    only
}

#[test]
fn what_json_says_is_spelled_out() {
    let rules = Rules::default();
    let left = format!(r#"{{"a":"{ACTING}"}}"#);
    assert_eq!(only(json(&rules, &left, "{}")).left, format!("\"{SHOWN}\""));
    let named = format!(r#"{{"a":{{"{ACTING}":1}}}}"#);
    let found = only(json(&rules, &named, "{}"));
    assert_eq!(found.left, format!(r#"{{"{SHOWN}":1}}"#));
    let found = only(json(&rules, &named, r#"{"a":{}}"#));
    assert_eq!(found.path, format!("$.a['{SHOWN}']"));
}

#[test]
fn what_a_field_says_is_spelled_out() {
    let rules = Rules {
        headers: vec!["etag".to_owned()],
        ..Rules::default()
    };
    let side = |headers| Answer {
        status: 200,
        headers,
        body: b"",
    };
    let fields: [(&str, &[u8]); 1] = [("etag", ACTING.as_bytes())];
    let found = only(compare(&rules, &side(&fields), &side(&[])));
    assert_eq!(found.left, SHOWN);
}
