use std::time::Duration;

use chassis::handover::DEADLINE;
use chassis::request_id;
use chassis::trace::TRACEPARENT;
use http::{HeaderMap, HeaderValue, Method};

use super::{again, for_target};
use crate::shadow::config::Credentials;
use crate::shadow::job::Asked;

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn asked() -> Asked {
    let mut fields = HeaderMap::new();
    for (name, value) in [
        ("host", "shop.example"),
        ("accept", "application/json"),
        ("cookie", "sid=secret"),
        ("authorization", "Bearer secret"),
        ("proxy-authorization", "Basic secret"),
        ("x-api-key", "secret"),
        ("x-user-id", "alice"),
        ("x-user-scopes", "orders"),
        ("x-request-id", "original"),
        ("traceparent", TRACE),
        ("x-request-deadline-ms", "90"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    Asked {
        method: Method::GET,
        given: "/api/orders".parse().unwrap(),
        path: None,
        fields,
        scheme: "http",
    }
}

const ALL: [&str; 6] = [
    "x-user-id",
    "x-user-scopes",
    "cookie",
    "authorization",
    "proxy-authorization",
    "x-api-key",
];

fn has(fields: &HeaderMap) -> Vec<&str> {
    ALL.into_iter()
        .filter(|name| fields.contains_key(*name))
        .collect()
}

#[test]
fn a_copy_says_who_asked_as_the_file_allows() {
    let second = Duration::from_secs(1);
    for (credentials, expected) in [
        (Credentials::None, vec![]),
        (Credentials::Identity, vec!["x-user-id", "x-user-scopes"]),
        (Credentials::Forward, ALL.to_vec()),
    ] {
        let fields = for_target(&asked(), credentials, second);
        assert_eq!(has(&fields), expected, "{credentials:?}");
        assert_eq!(fields["accept"], "application/json");
    }
}

#[test]
fn a_copy_is_marked_and_linked_to_what_it_is_a_copy_of() {
    for fields in [
        for_target(&asked(), Credentials::None, Duration::from_secs(2)),
        again(&asked(), Duration::from_secs(2)),
    ] {
        assert_eq!(fields["x-shadow"], "1");
        assert_eq!(fields[DEADLINE], "2000");
        assert_eq!(fields[request_id::FIELD].len(), 32);
        let trace = fields[TRACEPARENT].to_str().unwrap();
        assert_eq!(trace[..36], TRACE[..36]);
        assert_ne!(trace[36..52], TRACE[36..52]);
    }
    // The side that answered had them already.
    let twice = again(&asked(), Duration::from_secs(2));
    assert_eq!(has(&twice), ALL);
}
