//! What holds for all documents.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};

use super::*;
use crate::json_path::{Location, Step};

/// Never drawn by chance.
const SECRET: &str = "S3CR3T";

fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_i64..4).prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "[a-z\"\\\\ ö\u{1}]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let members = prop::collection::btree_map("[a-e ]{0,2}", inner.clone(), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(ignore, unordered, tolerance)| Rules {
        ignore: ignore.then(|| path("$..b")).into_iter().collect(),
        unordered: unordered
            .then(|| Unordered {
                path: path("$..a"),
                key: Some("c".to_owned()),
            })
            .into_iter()
            .chain(unordered.then(|| Unordered {
                path: path("$.*"),
                key: None,
            }))
            .collect(),
        tolerance: tolerance
            .then(|| Tolerance {
                path: path("$..c"),
                abs: 1.0,
            })
            .into_iter()
            .collect(),
        ..Rules::default()
    })
}

fn reordered(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(reordered).collect(),
        Value::Object(members) => {
            let members = members.iter().rev();
            Value::Object(
                members
                    .map(|(name, value)| (name.clone(), reordered(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

/// Every value that is no container, with its place.
fn leaves<'a>(
    value: &'a Value,
    at: &mut Vec<Step<'a>>,
    found: &mut Vec<(Vec<Step<'a>>, &'a Value)>,
) {
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                at.push(Step::Index(index));
                leaves(element, at, found);
                at.pop();
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                at.push(Step::Name(name));
                leaves(value, at, found);
                at.pop();
            }
        }
        leaf => found.push((at.clone(), leaf)),
    }
}

fn put(document: &mut Value, place: &[Step<'_>], value: Value) {
    let target = place.iter().fold(document, |at, step| match step {
        Step::Name(name) => &mut at[*name],
        Step::Index(index) => &mut at[*index],
    });
    *target = value;
}

/// Wherever a name says so, a secret.
fn with_secrets(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(with_secrets).collect(),
        Value::Object(members) => {
            let mut with = Map::new();
            for (name, value) in members {
                let name = if name == "a" {
                    "my_Token"
                } else {
                    name.as_str()
                };
                let secret = matches!(name, "my_Token" | "b");
                let value = if secret {
                    hidden(value)
                } else {
                    with_secrets(value)
                };
                with.insert(name.to_owned(), value);
            }
            Value::Object(with)
        }
        other => other.clone(),
    }
}

fn hidden(value: &Value) -> Value {
    match value {
        Value::Array(elements) => elements.iter().map(hidden).collect(),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), hidden(value)))
                .collect(),
        ),
        other => Value::from(format!("{SECRET}{other}")),
    }
}

fn kinds(comparison: &Comparison) -> BTreeSet<(String, Kind, bool)> {
    let differences = comparison.differences.iter();
    differences
        .map(|found| (found.path.clone(), found.kind, found.ignored))
        .collect()
}

proptest! {
    #[test]
    fn nothing_differs_from_itself_in_whatever_order_its_members_stand(document in documents(), rules in rules()) {
        let text = document.to_string();
        prop_assert_eq!(json(&rules, &text, &text), Comparison::default());
        let other = serde_json::to_string_pretty(&reordered(&document)).unwrap();
        prop_assert_eq!(json(&rules, &text, &other), Comparison::default());
    }

    #[test]
    fn a_single_change_is_found_at_its_place(document in documents(), which in any::<prop::sample::Index>(), typed in any::<bool>()) {
        let document = Value::from(vec![document, Value::from(1)]);
        let (mut at, mut found) = (Vec::new(), Vec::new());
        leaves(&document, &mut at, &mut found);
        let (place, value) = which.get(&found);
        let (changed, kind) = match value {
            Value::String(text) if typed => (Value::from(format!("{text}!")), Kind::Value),
            Value::Bool(value) if typed => (Value::from(!value), Kind::Value),
            Value::Number(_) if typed => (Value::from(i64::MIN), Kind::Value),
            _ => (Value::Array(Vec::new()), Kind::Type),
        };
        let mut other = document.clone();
        put(&mut other, place, changed);
        let comparison = json(&Rules::default(), &document.to_string(), &other.to_string());
        let expected = (Location(place).to_string(), kind, false);
        prop_assert_eq!(kinds(&comparison), BTreeSet::from([expected]));
    }

    #[test]
    fn the_other_way_round_missing_is_extra(left in documents(), right in documents(), rules in rules()) {
        let (left, right) = (left.to_string(), right.to_string());
        let there = kinds(&json(&rules, &left, &right));
        let back = kinds(&json(&rules, &right, &left));
        let turned = there.into_iter().map(|(path, kind, ignored)| {
            let kind = match kind {
                Kind::Missing => Kind::Extra,
                Kind::Extra => Kind::Missing,
                other => other,
            };
            (path, kind, ignored)
        });
        prop_assert_eq!(turned.collect::<BTreeSet<_>>(), back);
    }

    #[test]
    fn secrets_are_in_no_sample(left in documents(), right in documents(), rules in rules()) {
        let rules = Rules { redact: vec![path("$..b")], ..rules };
        let (left, right) = (with_secrets(&left).to_string(), with_secrets(&right).to_string());
        let comparison = json(&rules, &left, &right);
        for found in &comparison.differences {
            prop_assert!(!found.left.contains(SECRET), "{:?}", found);
            prop_assert!(!found.right.contains(SECRET), "{:?}", found);
            prop_assert!(found.left.len() <= sample::MAX_SAMPLE && found.right.len() <= sample::MAX_SAMPLE);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        left in prop::collection::vec(any::<u8>(), 0..64),
        right in r#"[\[\]{}",:0-9eE.\\u tfn\-a]{0,32}"#,
        name in "[a-z-]{0,8}",
        value in prop::collection::vec(any::<u8>(), 0..300),
        rules in rules(),
    ) {
        let rules = Rules { headers: vec![name.clone()], ..rules };
        let fields = [("content-type", b"application/json".as_slice()), (name.as_str(), &value)];
        let one = Answer { status: 200, headers: &fields, body: &left };
        let other = Answer { status: 404, headers: &JSON, body: right.as_bytes() };
        for (l, r) in [(&one, &other), (&other, &one), (&one, &one)] {
            for found in compare(&rules, l, r).differences {
                prop_assert!(found.left.len() <= sample::MAX_SAMPLE && found.right.len() <= sample::MAX_SAMPLE);
            }
        }
    }
}
