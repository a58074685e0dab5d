//! What no sample may show.

use super::*;

fn samples(rules: &Rules, left: &str, right: &str) -> Vec<(String, String)> {
    let differences = json(rules, left, right).differences;
    differences
        .into_iter()
        .map(|found| (found.left, found.right))
        .collect()
}

fn redacting(paths: &[&str]) -> Rules {
    Rules {
        redact: paths.iter().map(|text| path(text)).collect(),
        ..Rules::default()
    }
}

fn pair(left: &str, right: &str) -> (String, String) {
    (left.to_owned(), right.to_owned())
}

const HIDDEN: &str = "[redacted]";

#[test]
fn at_and_below_a_redacted_place_nothing_is_shown() {
    let rules = redacting(&["$..email", "$.user.address"]);
    assert_eq!(
        samples(&rules, r#"{"email":"a@x"}"#, r#"{"email":"b@x"}"#),
        [pair(HIDDEN, HIDDEN)]
    );
    assert_eq!(
        samples(&rules, r#"{"email":"a@x"}"#, "{}"),
        [pair(HIDDEN, "")]
    );
    assert_eq!(
        samples(
            &rules,
            r#"{"user":{"address":{"zip":1}}}"#,
            r#"{"user":{"address":{"zip":2}}}"#
        ),
        [pair(HIDDEN, HIDDEN)]
    );
    assert_eq!(
        samples(&rules, r#"{"email":[1]}"#, r#"{"email":[1,2]}"#),
        [pair(HIDDEN, HIDDEN)]
    );
    assert_eq!(
        samples(&rules, r#"{"email":[1,2]}"#, r#"{"email":[2,1]}"#),
        [pair(HIDDEN, HIDDEN)]
    );
}

#[test]
fn above_a_redacted_place_all_else_is_shown() {
    let rules = redacting(&["$.users[*].email"]);
    let left = r#"{"users":[{"email":"a@x","name":"Ada"}]}"#;
    assert_eq!(
        samples(&rules, left, "{}"),
        [pair(r#"[{"email":[redacted],"name":"Ada"}]"#, "")]
    );
    assert_eq!(
        samples(&rules, left, "0"),
        [pair(
            r#"{"users":[{"email":[redacted],"name":"Ada"}]}"#,
            "0"
        )]
    );
}

#[test]
fn what_its_name_calls_a_secret_is_never_shown() {
    for name in [
        "password",
        "oldPassword",
        "PASSWD",
        "client_secret",
        "accessToken",
        "refresh-token",
        "csrf token",
        "Authorization",
        "cookies",
        "api_key",
        "apiKey",
        "x-api-key",
        "creditCard",
        "credit_card_number",
        "card number",
        "cardNumber",
        "CVV",
        "cvc2",
        "iban",
        "private_key",
        "jwt",
        "userJWT",
        "session",
        "sessions",
        "PHPSESSID",
        "jsessionid",
        "sessionKey",
        "connect.sid",
        "userSID",
        "db_pwd",
        "pin",
        "cardPin2",
        "OTPCode",
        "ssn",
        "credentials",
        "bearer",
    ] {
        let member = |value: &str| format!(r#"{{"{name}":"{value}","x":"{value}"}}"#);
        let shown = samples(&Rules::default(), &member("one"), &member("two"));
        assert!(shown.contains(&pair(HIDDEN, HIDDEN)), "{name}: {shown:?}");
        assert!(
            shown.contains(&pair("\"one\"", "\"two\"")),
            "{name}: {shown:?}"
        );
        let [(whole, _)] = samples(&Rules::default(), &member("one"), "0")
            .try_into()
            .unwrap();
        assert_eq!(whole.matches("one").count(), 1, "{whole}");
    }
}

#[test]
fn secret_header_values_are_never_shown() {
    let rules = Rules {
        headers: ["Set-Cookie", "authorization", "x-csrf-token"]
            .map(str::to_owned)
            .to_vec(),
        ..Rules::default()
    };
    let side = |value| Answer {
        status: 200,
        headers: value,
        body: b"",
    };
    let left: [(&str, &[u8]); 3] = [
        ("set-cookie", b"one"),
        ("authorization", b"one"),
        ("x-csrf-token", b"one"),
    ];
    let right: [(&str, &[u8]); 1] = [("set-cookie", b"two")];
    let comparison = compare(&rules, &side(&left), &side(&right));
    assert_eq!(comparison.differences.len(), 3);
    let text = format!("{comparison:?}");
    assert!(!text.contains("one") && !text.contains("two"), "{text}");
}

#[test]
fn names_of_members_within_a_secret_are_not_shown_either() {
    let rules = redacting(&["$.sessions"]);
    let pairs = [
        (
            r#"{"sessions":{"f00":{"at":[1]}}}"#,
            r#"{"sessions":{"f00":{"at":[2]}}}"#,
            "value $.sessions.*.*[*]",
        ),
        (
            r#"{"a":{"tokens":{"f00":1}}}"#,
            r#"{"a":{"tokens":{}}}"#,
            "missing $.a.tokens.*",
        ),
        (r#"{"password":1}"#, r#"{"password":2}"#, "value $.password"),
    ];
    for (left, right, expected) in pairs {
        assert_eq!(found(&rules, left, right), [expected]);
    }
    let root = redacting(&["$"]);
    assert_eq!(found(&root, r#"{"f00":1}"#, "{}"), ["missing $.*"]);
}

#[test]
fn names_that_only_sound_like_secrets_are_shown() {
    for name in [
        "opinion",
        "shipping",
        "sidebar",
        "inside",
        "className",
        "classname",
        "option",
        "pinned",
        "spinSpeed",
        "obsession",
        "hotpink",
        "residence",
        "SIDEBAR",
    ] {
        let member = |value: &str| format!(r#"{{"{name}":"{value}"}}"#);
        let shown = samples(&Rules::default(), &member("one"), &member("two"));
        assert_eq!(shown, [pair("\"one\"", "\"two\"")], "{name}");
    }
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl";

#[test]
fn tokens_are_shown_nowhere() {
    let rules = Rules {
        headers: vec!["x-link".to_owned()],
        ..Rules::default()
    };
    let long = format!("eyJ{}.{}.c", "a".repeat(300), "b".repeat(300));
    for token in [TOKEN, &long] {
        let said = [
            format!(r#"{{"next":"{token}"}}"#),
            format!(r#"{{"next":{{"{token}":"Bearer {token}"}}}}"#),
            format!(r#"{{"next":["a",{{"b":"/c?d={token}&e"}}]}}"#),
        ];
        for left in said {
            for right in ["{}", r#"{"next":{}}"#, "0"] {
                let text = format!("{:?}", json(&rules, &left, right));
                assert!(text.contains(HIDDEN) && !text.contains("eyJ"), "{text}");
            }
        }
        let fields: [(&str, &[u8]); 1] = [("x-link", token.as_bytes())];
        let side = |headers| Answer {
            status: 200,
            headers,
            body: b"",
        };
        let text = format!("{:?}", compare(&rules, &side(&fields), &side(&[])));
        assert!(text.contains(HIDDEN) && !text.contains("eyJ"), "{text}");
    }
}

#[test]
fn of_an_address_in_a_field_it_is_not_shown_what_is_asked() {
    for (name, value, expected) in [
        ("location", "/login?code=abc&state=d", "/login?…"),
        ("Location", "https://a/b#access=1", "https://a/b?…"),
        ("content-location", "/a", "/a"),
        ("refresh", "5; url=/a?b=c", "5; url=/a?…"),
        (
            "link",
            "</a?b=1>; rel=\"next\", </c?d=2>; rel=\"last\"",
            "</a?…>; rel=\"next\", </c?…>; rel=\"last\"",
        ),
        ("etag", "a?b", "a?b"),
    ] {
        let rules = Rules {
            headers: vec![name.to_owned()],
            ..Rules::default()
        };
        let fields: [(&str, &[u8]); 1] = [(name, value.as_bytes())];
        let side = |headers| Answer {
            status: 200,
            headers,
            body: b"",
        };
        let comparison = compare(&rules, &side(&fields), &side(&[]));
        assert_eq!(comparison.differences[0].left, expected);
    }
}
