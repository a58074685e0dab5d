use proptest::prelude::*;

use super::*;

fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

#[test]
fn numbers_are_equal_by_value_exactly() {
    let equal = [
        ("1", "1.0"),
        ("1", "10e-1"),
        ("1", "0.1E+1"),
        ("0", "-0.0e99"),
        ("1200", "1.2e3"),
        ("-5.50", "-5.5"),
        ("12345678901234567890123", "12345678901234567890123.000"),
        ("1e99999999999999999999999", "1e99999999999999999999999"),
    ];
    for (left, right) in equal {
        assert_eq!(json(left), json(right), "{left} {right}");
    }
    let different = [
        ("1", "-1"),
        ("1", "1.0000000000000000000000001"),
        ("12345678901234567890123", "12345678901234567890124"),
        ("9007199254740993", "9007199254740992"),
        ("1e400", "2e400"),
        ("1e99999999999999999999998", "1e99999999999999999999999"),
        ("0.1", "0.10000000000000001"),
    ];
    for (left, right) in different {
        assert_ne!(json(left), json(right), "{left} {right}");
    }
}

#[test]
fn numbers_that_no_machine_holds_are_equal_by_value_too() {
    let many = "1234567890".repeat(6);
    assert_eq!(json(&many), json(&format!("{many}.000")));
    assert_eq!(json(&many), json(&format!("0.{many}e60")));
    assert_ne!(json(&many), json(&format!("{many}.001")));
    assert_ne!(json(&many), json(&format!("-{many}")));
    assert_eq!(json(&format!("1{}", "0".repeat(50))), json("1e50"));
    assert_eq!(json(&format!("0.{}1", "0".repeat(49))), json("1e-50"));
    assert_ne!(
        json(&u128::MAX.to_string()),
        json(&u128::MAX.to_string().replace('5', "6"))
    );
}

#[test]
fn the_text_of_a_number_is_kept() {
    let Json::Array(numbers) = json("[1.50, 12345678901234567890123, -0, 1E5]") else {
        panic!();
    };
    let texts: Vec<&str> = numbers
        .iter()
        .map(|number| match number {
            Json::Number(number) => number.text(),
            _ => "no number",
        })
        .collect();
    assert_eq!(texts, ["1.50", "12345678901234567890123", "-0", "1E5"]);
}

#[test]
fn tolerance_is_exact_and_needs_no_float() {
    let decimal = |text: &str| match json(text) {
        Json::Number(number) => number.decimal().unwrap(),
        _ => panic!(),
    };
    let within = |left: &str, right: &str, abs: f64| {
        let tolerance = Decimal::of(abs).unwrap();
        let (left, right) = (decimal(left), decimal(right));
        assert_eq!(
            left.is_within(&right, &tolerance),
            right.is_within(&left, &tolerance)
        );
        left.is_within(&right, &tolerance)
    };
    assert!(within("10.005", "10.010", 0.005));
    assert!(!within("10.005", "10.0100001", 0.005));
    assert!(within("1.10", "1.1", 0.0));
    assert!(within("-1", "1", 2.0));
    assert!(!within("-1", "1", 1.999));
    assert!(within(
        "12345678901234567890123",
        "12345678901234567890124",
        1.0
    ));
    assert!(!within(
        "12345678901234567890123",
        "12345678901234567890125",
        1.0
    ));
    // Too far apart in size to count: not tolerated.
    assert!(!within("1e300", "1", 0.5));
    assert!(!within("1", "2", -5.0));
    assert_eq!(Decimal::of(f64::NAN), None);
    assert_eq!(Decimal::of(f64::INFINITY), None);
}

#[test]
fn the_order_of_members_says_nothing_and_the_last_of_a_name_counts() {
    assert_eq!(json(r#"{"a":1,"b":[2]}"#), json(r#"{"b":[2],"a":1}"#));
    assert_ne!(json("[1,2]"), json("[2,1]"));
    assert_eq!(json(r#"{"a":1,"a":2}"#), json(r#"{"a":2}"#));
    assert_eq!(json(r#"{"\u0061":1}"#).member("a"), Some(&json("1")));
    assert_eq!(json(r#"{"a":1}"#).member("b"), None);
    assert_eq!(json("[1]").member("a"), None);
}

#[test]
fn only_whole_json_of_bounded_depth_is_json() {
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "01",
        "+1",
        ".5",
        "1.",
        "nul",
        "NaN",
        "[1] 2",
        "'a'",
        "\"\u{1}\"",
        r#""\ud800""#,
        r#"{"a":"\ud800"}"#,
        r"{1:2}",
        "\u{feff}1",
        "[1e]",
        r#"["\x"]"#,
    ] {
        assert_eq!(Json::parse(text.as_bytes()), Err(Unread::NotJson), "{text}");
    }
    assert_eq!(Json::parse(b"\"\xff\""), Err(Unread::NotJson));
    assert_eq!(json(" \n[ 1 ]\t"), json("[1]"));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert!(Json::parse(nested(MAX_DEPTH + 1).as_bytes()).is_err());
    assert!(Json::parse(nested(1_000_000).as_bytes()).is_err());
}

#[test]
fn what_takes_long_to_look_at_is_not_read() {
    let list = |values: usize| format!("[{}0]", "0,".repeat(values - 2));
    assert!(Json::parse(list(MAX_VALUES).as_bytes()).is_ok());
    let one_more = list(MAX_VALUES + 1);
    assert_eq!(Json::parse(one_more.as_bytes()), Err(Unread::TooComplex));
    // As many, spread over containers.
    let members = format!(
        r#"{{"a":{},"b":{}}}"#,
        list(MAX_VALUES / 2),
        list(MAX_VALUES / 2)
    );
    assert_eq!(Json::parse(members.as_bytes()), Err(Unread::TooComplex));

    let deep = |depth: usize| {
        let text = "x".repeat(1024 * 1024);
        format!("{}\"{text}\"{}", "[".repeat(depth), "]".repeat(depth))
    };
    assert!(Json::parse(deep(40).as_bytes()).is_ok());
    assert_eq!(Json::parse(deep(60).as_bytes()), Err(Unread::TooComplex));

    let way = |name: usize| {
        let name = "n".repeat(name);
        format!(r#"{{"{name}":{{"{name}":1}}}}"#)
    };
    assert!(Json::parse(way(2048).as_bytes()).is_ok());
    assert_eq!(Json::parse(way(2049).as_bytes()), Err(Unread::TooComplex));
    // What is no JSON further on is no JSON at all.
    let broken = format!("{one_more},");
    assert_eq!(Json::parse(broken.as_bytes()), Err(Unread::NotJson));
}

proptest! {
    #[test]
    fn whatever_serde_json_reads_is_read_likewise(text in r#"[\[\]{}",:0-9eE.\\u tfnrualse\-]{0,24}"#) {
        // Its own values cannot hold every number, so it may refuse some more.
        if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
            prop_assert!(Json::parse(text.as_bytes()).is_ok());
        }
        if Json::parse(text.as_bytes()).is_ok() {
            prop_assert!(serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok());
        }
    }

    #[test]
    fn moving_the_point_changes_no_number(digits in any::<i64>(), places in 0_u32..12) {
        let moved = format!("{digits}{}e-{places}", "0".repeat(places as usize));
        prop_assert_eq!(json(&digits.to_string()), json(&moved));
        let other = json(&digits.wrapping_add(1).to_string());
        prop_assert_ne!(other, json(&moved));
    }
}
