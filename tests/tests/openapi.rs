//! The BFFs' descriptions: whatever they say can be asked is asked, and the answers are as they say.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tests::bff::{Bff, Which};
use tests::load::times;
use tests::process::Process;
use tests::python;
use tests::shop::Shop;
use tests::tree;

/// The variable that says how many cases each operation gets; 500 and more where there is time, such as every night.
const CASES: &str = "BANYAN_OPENAPI_CASES";
const CASES_DEFAULT: u32 = 50;

/// Whose the first order is, which the descriptions give for an example.
const OWNER: &str = "1";

/// For so many cases, on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Each BFF, and how many screens it has.
const BFFS: [(Which, usize); 2] = [(Which::Web, 5), (Which::Mobile, 4)];

#[tokio::test]
async fn every_page_is_as_its_description_says() {
    ask_everything(BFFS[0]).await;
}

#[tokio::test]
async fn every_screen_is_as_its_description_says() {
    ask_everything(BFFS[1]).await;
}

/// Where apps can be too old, the description says what they get.
async fn start(which: Which, gateway: SocketAddr) -> Bff {
    let gateway = format!("http://{gateway}");
    let mut env = vec![
        ("BFF_GATEWAY_URL", gateway.as_str()),
        ("BFF_ACCESS_LOG", "off"),
    ];
    if which == Which::Mobile {
        env.push(("BFF_MIN_CLIENT", "ios=5.2.0"));
    }
    Bff::start(which, &env).await
}

/// Straight to the BFF: the edge would soon say that these are too many requests.
async fn ask_everything((which, screens): (Which, usize)) {
    let shop = Shop::start().await;
    // Thousands of lines that nobody reads.
    let edge = shop.edge().env("BANYAN_ACCESS_LOG", "off").start().await;
    let token = shop.token(&edge, &["--user", OWNER]).await;
    let bff = start(which, edge.internal_address.unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = python::program("schemathesis", folder.path());
    let cases = times(CASES, CASES_DEFAULT);
    let how = tree::root().join("tests/python/openapi.toml");
    command
        .args(["--config-file".as_ref(), how.as_os_str()])
        .args(["run", "--max-examples", &cases.to_string()])
        .args(["--header", &format!("authorization: Bearer {token}")])
        .arg(format!("http://{}/openapi.json", bff.address));
    let running = Process::start("schemathesis", &mut command);
    let ended = running
        .ended_within(PATIENCE * cases.div_ceil(CASES_DEFAULT))
        .await;
    assert_eq!(ended.code, Some(0), "{}\n{}", ended.stdout, ended.stderr);
    let tested = format!("Tested: {screens}\n");
    assert!(ended.stdout.contains(&tested), "{}", ended.stdout);
    bff.stop().await;
    edge.stop().await;
}

#[tokio::test]
async fn the_descriptions_are_whole() {
    // Nobody is asked for anything: a description needs no gateway.
    let nowhere = "127.0.0.1:9".parse().unwrap();
    for (which, screens) in BFFS {
        let name = format!("{which:?}");
        let bff = start(which, nowhere).await;
        let document = bff.get("/openapi.json").send().await.json();
        assert_eq!(document["openapi"], "3.1.0", "{name}");
        let paths = document["paths"].as_object().unwrap();
        assert_eq!(paths.len(), screens, "{name}");
        for (path, operations) in paths {
            assert_described(&document, &operations["get"], &format!("{name} {path}"));
        }
        for reference in references(&document) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{name}: {reference}");
        }
        let codes = codes(&document["components"]["responses"]);
        for (code, ..) in composition::CODES {
            let is_for_apps = code == "app_upgrade_required";
            let expected = !is_for_apps || which == Which::Mobile;
            assert_eq!(codes.contains(&code), expected, "{name}: {code}");
        }
        bff.stop().await;
    }
}

fn assert_described(document: &Value, operation: &Value, what: &str) {
    let summary = operation["summary"].as_str().unwrap_or_default();
    assert!(!summary.is_empty(), "{what} has no summary");
    let responses = operation["responses"].as_object().unwrap();
    let schema = &responses["200"]["content"]["application/json"]["schema"];
    assert!(has_example(document, schema), "{what}: {schema}");
    let shared = document["components"]["responses"].as_object().unwrap();
    for status in shared.keys() {
        assert!(responses.contains_key(status), "{what}: {status}");
    }
    for parameter in operation["parameters"].as_array().unwrap() {
        let described = parameter["description"].as_str().unwrap_or_default();
        assert!(!described.is_empty(), "{what}: {parameter}");
    }
}

/// Whether there is an example in it, or in what it refers to.
fn has_example(document: &Value, schema: &Value) -> bool {
    let own = |members: &serde_json::Map<String, Value>| members.contains_key("example");
    schema.as_object().is_some_and(own)
        || references(schema).iter().any(|reference| {
            let pointer = reference.trim_start_matches('#');
            let named = document.pointer(pointer).unwrap();
            inside(named).any(|value| value.as_object().is_some_and(own))
        })
}

fn references(value: &Value) -> Vec<&str> {
    inside(value)
        .filter_map(|value| value.get("$ref")?.as_str())
        .collect()
}

fn codes(responses: &Value) -> Vec<&str> {
    inside(responses)
        .filter_map(|value| value.get("code")?.as_str())
        .collect()
}

/// It and everything in it.
fn inside(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    let members: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(members) => Box::new(members.values()),
        Value::Array(items) => Box::new(items.iter()),
        _ => Box::new(std::iter::empty()),
    };
    Box::new(std::iter::once(value).chain(members.flat_map(inside)))
}
