//! Arrays: in order, reordered, unordered.

use super::*;

#[test]
fn arrays_are_compared_element_by_element() {
    assert_eq!(plain("[1,2,3]", "[1,9,3]"), ["value $[*]"]);
    assert_eq!(plain("[1,2,3]", "[1,2]"), ["length $"]);
    assert_eq!(plain("[1,2,3]", "[9,2]"), ["length $", "value $[*]"]);
    assert_eq!(plain("[]", "[1]"), ["length $"]);
}

#[test]
fn the_same_elements_in_another_order_are_one_difference() {
    assert_eq!(
        plain(r#"{"a":[{"x":1},{"x":2}]}"#, r#"{"a":[{"x":2},{"x":1.0}]}"#),
        ["order $.a"]
    );
    assert_eq!(plain("[1,1,2]", "[1,2,2]"), ["value $[*]"]);
    assert_eq!(
        plain("[[1,2],[3]]", "[[3],[2,1]]"),
        ["length $[*]", "value $[*][*]"]
    );
    // Nested, and found at each level once.
    assert_eq!(plain("[[2,1],[3,4]]", "[[1,2],[4,3]]"), ["order $[*]"]);
}

#[test]
fn order_is_found_below_many_levels_in_good_time() {
    let nested = |inner: &str| format!("{}{inner}{}", "[[0],".repeat(60), "]".repeat(60));
    assert_eq!(
        plain(&nested("[1,2]"), &nested("[2,1]")),
        [format!("order ${}", "[*]".repeat(60))]
    );
}

#[test]
fn what_is_ignored_hides_no_order() {
    let rules = Rules {
        ignore: vec![path("$..at")],
        ..Rules::default()
    };
    let left = r#"[{"id":1,"at":5},{"id":2,"at":6}]"#;
    assert_eq!(
        found(&rules, left, r#"[{"id":2,"at":7},{"id":1,"at":5}]"#),
        ["order $", "ignored value $[*].at"]
    );
    assert_eq!(
        found(&rules, left, r#"[{"id":2,"at":6},{"id":1,"at":5}]"#),
        ["order $"]
    );
}

#[test]
fn unordered_elements_are_matched_by_their_key() {
    let rules = unordered("$.items", Some("id"));
    let between = |left: &str, right: &str| {
        let items = |items: &str| format!(r#"{{"items":[{items}]}}"#);
        found(&rules, &items(left), &items(right))
    };
    assert_eq!(
        between(
            r#"{"id":1,"p":1},{"id":2,"p":2}"#,
            r#"{"id":2.0,"p":2},{"id":1,"p":1}"#
        ),
        [""; 0]
    );
    assert_eq!(
        between(
            r#"{"id":1,"p":1},{"id":2,"p":2}"#,
            r#"{"id":2,"p":3},{"id":1,"p":1}"#
        ),
        ["value $.items[*].p"]
    );
    assert_eq!(
        between(r#"{"id":1},{"id":2}"#, r#"{"id":2}"#),
        ["missing $.items[*]"]
    );
    assert_eq!(
        between(r#"{"id":2}"#, r#"{"id":3},{"id":2}"#),
        ["extra $.items[*]"]
    );
    assert_eq!(
        between(r#"{"id":1}"#, r#"{"id":"1"}"#),
        ["missing $.items[*]", "extra $.items[*]"]
    );
    let large =
        ["12345678901234567890123", "12345678901234567890124"].map(|id| format!("{{\"id\":{id}}}"));
    assert_eq!(
        between(&large[0], &large[1]),
        ["missing $.items[*]", "extra $.items[*]"]
    );
}

#[test]
fn elements_without_key_or_with_the_same_one_are_matched_too() {
    let rules = unordered("$", Some("id"));
    assert_eq!(
        found(&rules, r#"[1,{"x":2},{"id":1}]"#, r#"[{"id":1},{"x":2},1]"#),
        [""; 0]
    );
    assert_eq!(
        found(&rules, r#"[1,{"x":2}]"#, r#"[{"x":3},1]"#),
        ["missing $[*]", "extra $[*]"]
    );
    assert_eq!(
        found(
            &rules,
            r#"[{"id":1,"a":1},{"id":1,"a":2}]"#,
            r#"[{"id":1,"a":1}]"#
        ),
        ["missing $[*]"]
    );
}

#[test]
fn without_a_key_unordered_elements_are_matched_by_all_that_they_say() {
    let rules = unordered("$.tags", None);
    let between = |left: &str, right: &str| {
        let tags = |tags: &str| format!(r#"{{"tags":[{tags}]}}"#);
        found(&rules, &tags(left), &tags(right))
    };
    assert_eq!(between(r#""a","b","a""#, r#""b","a","a""#), [""; 0]);
    assert_eq!(
        between(r#""a","b","a""#, r#""b","a","b""#),
        ["missing $.tags[*]", "extra $.tags[*]"]
    );
    assert_eq!(between(r#""a""#, ""), ["missing $.tags[*]"]);
    // Only that array, not those in it.
    assert_eq!(between("[1,2]", "[2,1]").len(), 2);
}

#[test]
fn unordered_arrays_in_each_other_are_matched() {
    let mut rules = unordered("$", None);
    rules
        .unordered
        .extend(unordered("$[*].tags", None).unordered);
    let left = r#"[{"id":1,"tags":["a","b"]},{"id":2,"tags":[]}]"#;
    assert_eq!(
        found(
            &rules,
            left,
            r#"[{"tags":[],"id":2},{"tags":["b","a"],"id":1}]"#
        ),
        [""; 0]
    );
}

#[test]
fn tolerated_and_ignored_values_keep_no_elements_apart() {
    let mut rules = unordered("$", None);
    rules.ignore.push(path("$[*].at"));
    rules.tolerance.push(Tolerance {
        path: path("$[*].p"),
        abs: 0.01,
    });
    let left = r#"[{"p":10.001,"at":1},{"p":20.001,"at":2},{"p":30,"at":3}]"#;
    let right = r#"[{"p":30,"at":3},{"p":20.002,"at":2},{"p":10.002,"at":1}]"#;
    assert_eq!(found(&rules, left, right), [""; 0]);
    let later = right.replace("\"at\":2", "\"at\":9");
    assert_eq!(found(&rules, left, &later), ["ignored value $[*].at"]);
    let dearer = right.replace("20.002", "20.5");
    assert_eq!(found(&rules, left, &dearer), ["value $[*].p"]);
    let fewer = r#"[{"p":30,"at":3},{"p":20.001,"at":2}]"#;
    assert_eq!(found(&rules, left, fewer), ["missing $[*]"]);
}
