//! JSON against JSON: kinds, rules, bounds.

use super::*;

#[test]
fn each_kind_is_found_at_its_place() {
    assert_eq!(plain(r#"{"a":1}"#, r#"{"a":2}"#), ["value $.a"]);
    assert_eq!(plain(r#"{"a":1}"#, r#"{"a":"1"}"#), ["type $.a"]);
    assert_eq!(plain(r#"{"a":null}"#, r#"{"a":0}"#), ["type $.a"]);
    assert_eq!(plain(r#"{"a":true}"#, r#"{"a":false}"#), ["value $.a"]);
    assert_eq!(plain(r#"{"a":1,"b":2}"#, r#"{"a":1}"#), ["missing $.b"]);
    assert_eq!(plain("{}", r#"{"b":null}"#), ["extra $.b"]);
    assert_eq!(plain("[1,2]", "[2,1]"), ["order $"]);
    assert_eq!(plain("[1]", "[1,2]"), ["length $"]);
    assert_eq!(plain("1", "[]"), ["type $"]);
    assert_eq!(
        plain(
            r#"{"a b":{"c":[{"d":"x"}]}}"#,
            r#"{"a b":{"c":[{"d":"y"}]}}"#
        ),
        ["value $['a b'].c[*].d"]
    );
}

#[test]
fn meaning_counts_and_not_writing() {
    let same = [
        (r#"{"a":1,"b":2}"#, " { \"b\" : 2.0,\n\"a\":1e0 } "),
        (r#"{"a":"é"}"#, r#"{"\u0061":"\u00e9"}"#),
        ("12345678901234567890123", "12345678901234567890123.0"),
    ];
    for (left, right) in same {
        assert_eq!(plain(left, right), [""; 0], "{left}");
        assert_eq!(
            json(&Rules::default(), left, right).outcome(),
            Outcome::Matched
        );
    }
    assert_eq!(
        plain("12345678901234567890123", "12345678901234567890124"),
        ["value $"]
    );
    assert_eq!(plain("9007199254740993", "9007199254740992"), ["value $"]);
}

#[test]
fn one_difference_a_place_and_kind_is_kept_the_first() {
    let comparison = json(
        &Rules::default(),
        r#"[{"p":1},{"p":2},{"p":3}]"#,
        r#"[{"p":7},{"p":8},{"p":"9"}]"#,
    );
    let kept: Vec<_> = comparison
        .differences
        .iter()
        .map(|found| (found.kind, found.left.as_str(), found.right.as_str()))
        .collect();
    assert_eq!(kept, [(Kind::Value, "1", "7"), (Kind::Type, "3", "\"9\"")]);
}

#[test]
fn at_or_below_an_ignored_place_nothing_counts() {
    let rules = Rules {
        ignore: ["$.meta", "$..at", "$.items[*].seen", "$.list[1]"]
            .map(path)
            .to_vec(),
        ..Rules::default()
    };
    let ignored = [
        (r#"{"meta":1}"#, "{}", "ignored missing $.meta"),
        (
            r#"{"meta":{"x":[1]}}"#,
            r#"{"meta":{"x":[2]}}"#,
            "ignored value $.meta.x[*]",
        ),
        (
            r#"{"a":{"at":1}}"#,
            r#"{"a":{"at":"x"}}"#,
            "ignored type $.a.at",
        ),
        (
            r#"{"items":[{"seen":1}]}"#,
            r#"{"items":[{}]}"#,
            "ignored missing $.items[*].seen",
        ),
        (
            r#"{"list":[1,2,3]}"#,
            r#"{"list":[1,4,3]}"#,
            "ignored value $.list[*]",
        ),
    ];
    for (left, right, expected) in ignored {
        assert_eq!(found(&rules, left, right), [expected]);
        assert_eq!(json(&rules, left, right).outcome(), Outcome::Ignored);
    }
    let mixed = (r#"{"at":1,"b":1}"#, r#"{"at":2,"b":2}"#);
    assert_eq!(
        found(&rules, mixed.0, mixed.1),
        ["ignored value $.at", "value $.b"]
    );
    assert_eq!(
        json(&rules, mixed.0, mixed.1).outcome(),
        Outcome::Mismatched
    );
    // What stands above is another matter.
    assert_eq!(found(&rules, r#"{"items":[]}"#, "{}"), ["missing $.items"]);
}

#[test]
fn what_counts_takes_the_place_of_what_is_ignored() {
    let rules = Rules {
        ignore: vec![path("$[0]")],
        ..Rules::default()
    };
    let comparison = json(&rules, "[1,2]", "[8,9]");
    let [only] = comparison.differences.as_slice() else {
        panic!("{comparison:?}");
    };
    assert_eq!(
        (only.path.as_str(), only.ignored, only.left.as_str()),
        ("$[*]", false, "2")
    );
}

#[test]
fn tolerance_is_for_numbers_only() {
    let rules = Rules {
        tolerance: vec![Tolerance {
            path: path("$.items[*].price"),
            abs: 0.005,
        }],
        ..Rules::default()
    };
    let items = |price: &str| format!(r#"{{"items":[{{"price":{price}}}]}}"#);
    let found = |left: &str, right: &str| found(&rules, &items(left), &items(right));
    assert_eq!(found("10.005", "10.010"), [""; 0]);
    assert_eq!(found("10.005", "10.0101"), ["value $.items[*].price"]);
    assert_eq!(found("10", "\"10\""), ["type $.items[*].price"]);
    assert_eq!(
        found("\"10.005\"", "\"10.006\""),
        ["value $.items[*].price"]
    );
    assert_eq!(plain("10.005", "10.006"), ["value $"]);
}

#[test]
fn samples_are_short() {
    let long = format!("\"{}\"", "ü".repeat(5000));
    let deep = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    let wide = format!("[{}]", vec!["{\"name\":\"value\"}"; 5000].join(","));
    let number = "1".repeat(10_000);
    for value in [long, deep, wide, number] {
        let comparison = json(&Rules::default(), &value, "null");
        let sample = &comparison.differences[0].left;
        assert!(sample.len() <= sample::MAX_SAMPLE && !sample.is_empty());
        assert_eq!(sample.ends_with('…'), value.len() > sample::MAX_SAMPLE);
    }
    let comparison = json(
        &Rules::default(),
        r#"{"b":[1.50,true,null],"a":"x\ny"}"#,
        "0",
    );
    assert_eq!(
        comparison.differences[0].left,
        r#"{"a":"x\ny","b":[1.50,true,null]}"#
    );
    let comparison = json(&Rules::default(), "[[1,2],3]", "[]");
    assert_eq!(comparison.differences[0].left, "2 elements");
}

#[test]
fn differences_are_bounded_and_those_that_do_not_fit_count() {
    let object = |ids: std::ops::Range<usize>| {
        let members: Vec<String> = ids.map(|id| format!("\"k{id}\":1")).collect();
        format!("{{\"map\":{{{}}},\"z\":1}}", members.join(","))
    };
    let (left, right) = (object(0..1500), object(0..0));
    let comparison = json(&Rules::default(), &left, &right);
    assert_eq!(comparison.differences.len(), MAX_DIFFERENCES);
    assert!(comparison.truncated);
    assert_eq!(comparison.outcome(), Outcome::Mismatched);
    let rules = Rules {
        ignore: vec![path("$.map.*")],
        ..Rules::default()
    };
    let comparison = json(&rules, &left, &right);
    assert_eq!(comparison.differences.len(), MAX_DIFFERENCES);
    assert_eq!(comparison.outcome(), Outcome::Ignored);
    // One that counts and comes after a thousand ignored ones is not forgotten.
    let comparison = json(&rules, &left, &right.replace("\"z\":1", "\"z\":2"));
    assert_eq!(comparison.outcome(), Outcome::Mismatched);
}

#[test]
fn every_kind_is_read_as_it_is_written() {
    for kind in Kind::ALL {
        assert_eq!(kind.to_string().parse(), Ok(kind));
    }
    assert!("kind".parse::<Kind>().is_err());
}
