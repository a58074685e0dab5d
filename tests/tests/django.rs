//! A Django project nobody here wrote: its admin in a real browser, straight and through the edge.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

use serde_json::Value;
use tests::browser;
use tests::edge::Edge;
use tests::python::{ADMIN, ADMIN_PASSWORD, Monolith};

/// When this fails too, the fault is not the edge's.
#[tokio::test]
async fn the_walk_through_djangos_admin_works_without_the_edge() {
    let django = Monolith::django().await;
    let seen = walk(&django.url()).await;
    assert_walked(&seen, &django.url());
}

#[tokio::test]
async fn djangos_admin_works_behind_an_untouched_starter_file() {
    let django = Monolith::django().await;
    let edge = Edge::from_init(&django.url()).await.start().await;
    let origin = format!("http://{}", edge.address);
    let seen = walk(&origin).await;
    assert_walked(&seen, &origin);
    edge.stop().await;
}

async fn walk(base: &str) -> Value {
    browser::run("admin.mjs", &[base, ADMIN, ADMIN_PASSWORD]).await
}

/// What a person would have seen, and that nothing led away from `origin`.
fn assert_walked(seen: &Value, origin: &str) {
    let step = |name: &str| {
        let steps = seen["steps"].as_array().unwrap();
        let found = steps.iter().find(|step| step["name"] == name);
        found.unwrap_or_else(|| panic!("no step {name:?} in {seen}"))
    };
    let at = |name: &str, path: &str| {
        assert_eq!(step(name)["url"], format!("{origin}{path}"), "{name}");
    };
    at("login form", "/admin/login/?next=/admin/");
    let refusal = step("refused")["error"].as_str().unwrap();
    assert!(refusal.contains("correct username"), "{refusal}");
    at("index", "/admin/");
    assert_eq!(step("index")["background"], "rgb(65, 118, 144)");
    let added = step("added")["message"].as_str().unwrap();
    assert!(added.contains("was added successfully"), "{added}");
    assert_eq!(step("found")["names"], serde_json::json!(["ada"]));
    at("logged out", "/admin/logout/");
    at("login form again", "/admin/login/?next=/admin/");

    assert_eq!(seen["failures"], serde_json::json!([]), "{seen}");
    assert_answers(seen["responses"].as_array().unwrap(), origin);
}

fn assert_answers(responses: &[Value], origin: &str) {
    for response in responses {
        let url = response["url"].as_str().unwrap();
        let status = response["status"].as_u64().unwrap();
        assert!(
            url.starts_with(&format!("{origin}/")),
            "left the edge: {response}"
        );
        assert!(matches!(status, 200 | 302), "{response}");
    }
    let count = |method: &str, status: u64, kind: &str| {
        let matching = responses.iter().filter(|response| {
            response["method"] == method && response["status"] == status && response["type"] == kind
        });
        matching.count()
    };
    assert!(
        count("GET", 200, "stylesheet") >= 5,
        "stylesheets: {responses:?}"
    );
    assert!(count("GET", 200, "script") >= 5, "scripts: {responses:?}");
    assert!(count("GET", 200, "image") >= 1, "images: {responses:?}");
    // Logging in and adding a user answer a form with a redirect.
    assert!(
        count("POST", 302, "document") >= 2,
        "redirects: {responses:?}"
    );
}
