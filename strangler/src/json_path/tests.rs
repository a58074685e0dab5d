use proptest::prelude::*;

use super::*;

fn pattern(text: &str) -> PathPattern {
    text.parse().unwrap()
}

/// `items/3/price`: what is a number is an index.
fn steps(path: &str) -> Vec<Step<'_>> {
    path.split('/')
        .filter(|step| !step.is_empty())
        .map(|step| step.parse().map_or(Step::Name(step), Step::Index))
        .collect()
}

fn matches(text: &str, path: &str) -> bool {
    pattern(text).matches(Location(&steps(path)))
}

#[test]
fn a_pattern_fits_a_whole_place() {
    assert!(matches("$", ""));
    assert!(!matches("$", "a"));
    assert!(matches("$.a.b", "a/b"));
    assert!(!matches("$.a", "a/b"));
    assert!(!matches("$.a.b", "a"));
    assert!(matches("$['a b'].c", "a b/c"));
    assert!(matches("$[\"a b\"]", "a b"));
    assert!(matches("$.items[3]", "items/3"));
    assert!(!matches("$.items[3]", "items/4"));
    // A name of digits is no index.
    assert!(!matches("$['3']", "3"));
}

#[test]
fn wildcards_fit_any_child() {
    assert!(matches("$.items[*].price", "items/0/price"));
    assert!(matches("$.items[*].price", "items/77/price"));
    assert!(matches("$.prices.*", "prices/eur"));
    assert!(matches("$.prices[*]", "prices/eur"));
    assert!(!matches("$.prices.*", "prices"));
    assert!(!matches("$.prices.*", "prices/eur/net"));
}

#[test]
fn two_dots_fit_any_depth() {
    for path in ["email", "user/email", "users/3/email", "email/email"] {
        assert!(matches("$..email", path), "{path}");
        assert!(matches("$..['email']", path), "{path}");
    }
    assert!(!matches("$..email", "email/at"));
    assert!(matches("$.a..b.c", "a/x/y/b/c"));
    assert!(matches("$.a..b.c", "a/b/b/c"));
    assert!(!matches("$.a..b.c", "a/b/x/c"));
    assert!(matches("$..a..b", "a/a/b/b"));
    assert!(!matches("$..a..b", "b/a"));
    assert!(matches("$..*", "a/3"));
    assert!(matches("$..[0]", "a/0"));
    assert!(!matches("$..*", ""));
}

#[test]
fn a_pattern_is_written_as_it_is_read() {
    for text in [
        "$",
        "$.a.b",
        "$['a b']",
        "$.items[*].price",
        "$[3].*",
        "$..email",
        "$..['e mail']",
        "$..*",
        "$..[*]",
        "$.größe.x-y_1",
        r"$['it\'s']",
        r"$['a\\b']",
        r"$['\u0007']",
        "$['']",
    ] {
        assert_eq!(pattern(text).to_string(), text);
    }
    assert_eq!(pattern("$['plain']"), pattern("$.plain"));
    assert_eq!(pattern("$[\"plain\"]").to_string(), "$.plain");
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    for (text, error) in [
        ("", "expected `$` at byte 0"),
        ("items", "expected `$` at byte 0"),
        ("$items", "expected `.`, `..` or `[` at byte 1"),
        (
            "$.",
            "expected a name or `*` (an odd name is written `['odd name']`) at byte 2",
        ),
        (
            "$.a..",
            "expected a name or `*` (an odd name is written `['odd name']`) at byte 5",
        ),
        ("$.a b", "expected `.`, `..` or `[` at byte 3"),
        ("$.ä$", "expected `.`, `..` or `[` at byte 4"),
        ("$[", "expected a number, `*` or a name in quotes at byte 2"),
        (
            "$[-1]",
            "expected a number, `*` or a name in quotes at byte 2",
        ),
        ("$[1", "expected `]` at byte 3"),
        ("$[*.a", "expected `]` at byte 3"),
        ("$['a]", "the name has no closing quote at byte 5"),
        ("$['a'", "expected `]` at byte 5"),
        (
            r"$['a\n']",
            "expected a quote, `\\` or `uXXXX` after the `\\` at byte 4",
        ),
        (
            r"$['a\u00g0']",
            "expected a quote, `\\` or `uXXXX` after the `\\` at byte 4",
        ),
        (
            "$[99999999999999999999]",
            "a number too large for an index at byte 2",
        ),
    ] {
        assert_eq!(
            text.parse::<PathPattern>().unwrap_err().to_string(),
            error,
            "{text}"
        );
    }
    let long = format!("${}", ".a".repeat(MAX_STEPS + 1));
    assert_eq!(
        long.parse::<PathPattern>().unwrap_err().at,
        1 + 2 * MAX_STEPS
    );
    assert!(long[..long.len() - 2].parse::<PathPattern>().is_ok());
}

#[test]
fn a_place_is_shown_with_its_indices_folded() {
    assert_eq!(Location(&[]).to_string(), "$");
    assert_eq!(
        Location(&steps("items/3/price")).to_string(),
        "$.items[*].price"
    );
    assert_eq!(
        Location(&steps("a b/it's")).to_string(),
        r"$['a b']['it\'s']"
    );
    assert_eq!(Location(&[Step::Name("")]).to_string(), "$['']");
    assert_eq!(
        Location(&[Step::Name("a\x1b[31m")]).to_string(),
        r"$['a\u001b[31m']"
    );
}

#[test]
fn a_place_is_shown_bounded() {
    let name = "ö".repeat(1000);
    let place = vec![Step::Name(&name); 100];
    let shown = Location(&place).to_string();
    assert!(shown.len() <= MAX_SHOWN, "{}", shown.len());
    assert!(shown.ends_with('…'));
    let odd = "\u{1}".repeat(MAX_NAME);
    assert!(Location(&[Step::Name(&odd); 3]).to_string().len() <= MAX_SHOWN);
}

fn a_step() -> impl Strategy<Value = (bool, Child)> {
    let child = prop_oneof![
        "[a-c' \\\\\u{1}\u{9b}\u{202e}ä]{0,3}".prop_map(Child::Name),
        (0_usize..3).prop_map(Child::Index),
        Just(Child::AnyMember),
        Just(Child::AnyElement),
    ];
    (any::<bool>(), child)
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(steps in prop::collection::vec(a_step(), 0..8)) {
        let steps = steps.into_iter().map(|(anywhere, child)| PatternStep { anywhere, child }).collect();
        let written = PathPattern { steps };
        prop_assert_eq!(written.to_string().parse(), Ok(written));
    }

    #[test]
    fn no_text_makes_it_panic(text in r#"\$?[.*\[\]'"a\\u0ä]{0,12}"#) {
        if let Err(error) = text.parse::<PathPattern>() {
            prop_assert!(error.at <= text.len());
        }
    }

    #[test]
    fn a_place_fits_its_own_picture(path in prop::collection::vec("[a-z' ]{0,3}|[0-9]", 0..6)) {
        let path = path.join("/");
        let steps = steps(&path);
        let shown = Location(&steps).to_string();
        prop_assert!(pattern(&shown).matches(Location(&steps)), "{}", shown);
    }
}
