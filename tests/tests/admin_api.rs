//! The admin listener's description: every path is in it, and the answers are as it says.
use std::collections::BTreeSet;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tests::edge::Edge;
use tests::load::times;
use tests::process::Process;
use tests::python;
use tests::sides::Sides;
use tests::tree;

/// The variable that says how many cases each operation gets.
const CASES: &str = "BANYAN_OPENAPI_CASES";
const CASES_DEFAULT: u32 = 10;

/// For so many cases, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// All that there is.
const PATHS: [(&str, &str); 26] = [
    ("get", "/livez"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/routes"),
    ("get", "/status"),
    ("get", "/upstreams"),
    ("get", "/openapi.json"),
    ("post", "/reload"),
    ("get", "/migrations"),
    ("get", "/migrations/{route}"),
    ("get", "/migrations/{route}/diffs"),
    ("get", "/migrations/{route}/users"),
    ("get", "/migrations/{route}/events"),
    ("post", "/migrations/{route}/kill"),
    ("post", "/migrations/{route}/rollback"),
    ("post", "/migrations/{route}/hold"),
    ("post", "/migrations/{route}/resume"),
    ("post", "/migrations/{route}/advance"),
    ("post", "/migrations/{route}/permission"),
    ("post", "/kill"),
    ("post", "/resume"),
    ("get", "/audit"),
    ("get", "/generations"),
    ("get", "/events"),
    ("get", "/notifications"),
    ("post", "/notifications/{id}/retry"),
];

/// A canary that is compared, with something to tell of it, and a route outside the migration.
async fn gateway() -> (Sides, Edge) {
    let sides = Sides::saying(r#"{"a": 1}"#, r#"{"a": 2}"#).await;
    let plan = sides.edge("phase = \"canary\"\ncanary.percent = 0\nshadow.noise_percent = 0\n");
    plan.edit(|text| {
        format!("{text}\n[route.other]\npath = \"/\"\nauth = \"none\"\nupstream = \"orders\"\n")
    });
    let edge = plan.start().await;
    edge.get("/api/orders/1").send().await;
    edge.has_pairs("mismatched", 1).await;
    edge.says("orders", "hold", "ana", "wait for me").await;
    (sides, edge)
}

#[tokio::test]
async fn every_path_is_described_with_its_answers_and_problems() {
    let (_sides, edge) = gateway().await;
    let document = edge.told("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            described.insert((method.as_str(), path.as_str()));
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses["200"]["content"].is_object(), "{method} {path}");
            let is_health = path.ends_with('z');
            assert_eq!(responses.contains_key("401"), !is_health, "{method} {path}");
        }
    }
    assert_eq!(described, BTreeSet::from(PATHS));
    for (method, path) in PATHS {
        // With the other method it is there, too, and says so.
        let path = path.replace("{route}", "orders").replace("{id}", "msg_1");
        let other = if method == "get" {
            Method::POST
        } else {
            Method::GET
        };
        let answer = edge.admin_client().request(&other, &path).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (405, "method_not_allowed"),
            "{path}"
        );
        let allowed = answer.field("allow").unwrap();
        assert!(
            allowed.contains(&method.to_uppercase()),
            "{path}: {allowed}"
        );
    }
    for pointer in references(&document) {
        assert!(document.pointer(&pointer).is_some(), "{pointer}");
    }
    edge.stop().await;
}

fn references(value: &Value) -> Vec<String> {
    let own = value.get("$ref").and_then(Value::as_str);
    let own = own.map(|reference| reference.trim_start_matches('#').to_owned());
    let inside: Vec<&Value> = match value {
        Value::Object(members) => members.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => Vec::new(),
    };
    let deeper = inside.into_iter().flat_map(references);
    own.into_iter().chain(deeper).collect()
}

#[tokio::test]
async fn reads_and_writes_are_as_the_description_says() {
    let (_sides, edge) = gateway().await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = python::program("schemathesis", folder.path());
    let cases = times(CASES, CASES_DEFAULT);
    let how = tree::root().join("tests/python/openapi.toml");
    command
        .args(["--config-file".as_ref(), how.as_os_str()])
        // One after another: what one says, the next one reads.
        .args([
            "run",
            "--workers",
            "1",
            "--max-examples",
            &cases.to_string(),
        ])
        .arg(format!("http://{}/openapi.json", edge.admin_address));
    let running = Process::start("schemathesis", &mut command);
    let patience = PATIENCE * cases.div_ceil(CASES_DEFAULT);
    let ended = running.ended_within(patience).await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    // The description does not ask for itself.
    let tested = format!("Tested: {}\n", PATHS.len() - 1);
    assert!(ended.stdout.contains(&tested), "{}", ended.stdout);
    // Whatever was said: it is kept, and nothing is amiss.
    assert_eq!(edge.details().await, [""; 0]);
    assert!(edge.told("/audit").await.as_array().unwrap().len() > 1);
    edge.stop().await;
}

#[tokio::test]
async fn what_cannot_be_understood_is_refused_in_words() {
    let (_sides, edge) = gateway().await;
    for (path, said) in [
        ("/migrations?minutes=0", "minutes is a number from 1 to 15"),
        (
            "/migrations/orders?minutes=16",
            "minutes is a number from 1 to 15",
        ),
        ("/audit?limit=1001", "limit is a number from 1 to 1000"),
        ("/audit?limit=many", "limit"),
        ("/migrations?hours=1", "unknown field `hours`"),
        ("/migrations/%ff", "UTF-8"),
    ] {
        let answer = edge.admin(path).send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "bad_question"),
            "{path}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{path}: {detail}");
    }
    let long = "x".repeat(1_001);
    for (order, said) in [
        (json!({"who": "ana"}), "missing field `why`"),
        (
            json!({"who": "ana", "why": "x", "when": "now"}),
            "unknown field `when`",
        ),
        (
            json!({"who": "ana", "why": long}),
            "at most 1000 characters",
        ),
        (json!({"who": "ana\nben", "why": "x"}), "in one line"),
        (json!({"who": "\u{a0}", "why": "x"}), "who is empty"),
    ] {
        let request = edge
            .admin_client()
            .post("/migrations/orders/kill")
            .json(&order);
        let answer = request.send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (400, "bad_order"),
            "{order}"
        );
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(said), "{order}: {detail}");
    }
    let answer = edge.admin("/migrations/orders").send().await.json();
    assert_eq!(answer["effective"]["phase"], "canary");
    edge.stop().await;
}
