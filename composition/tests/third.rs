//! The third BFF of the book: what its page shows is the example, the example builds, and it answers.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

#[path = "../examples/bff-tv.rs"]
#[expect(dead_code, reason = "its main is not run here")]
mod bff_tv;

use std::path::Path;
use std::time::Duration;

use axum::routing::get;
use axum::{Json, Router};
use chassis::tasks::Tasks;
use composition::Settings;
use serde_json::{Value, json};

/// A catalog with two products, and reviews that fail.
fn backend(tasks: &Tasks) -> String {
    let products = json!({"items": [
        {"id": 1, "name": "Lamp", "price": 5, "currency": "EUR"},
        {"id": 2, "name": "Rake", "price": 6, "currency": "EUR"},
    ]});
    let router = Router::new().route("/products", get(|| async { Json(products) }));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    chassis::serve::router(listener, router, tasks).unwrap();
    url
}

#[tokio::test]
async fn a_third_bff_answers_as_the_other_two_do() {
    let tasks = Tasks::new();
    let url = backend(&tasks);
    let mut options = vec!["--bind=127.0.0.1:0".to_owned(), "--mode=direct".to_owned()];
    let backends = [
        ("catalog", "/products"),
        ("reviews", ""),
        ("inventory", ""),
        ("recommendations", ""),
        ("orders", ""),
        ("users", ""),
    ];
    options.extend(backends.map(|(name, path)| format!("--{name}-url={url}{path}")));
    options.push("--access-log=off".to_owned());
    let settings = Settings::read(bff_tv::BFF.name, "for a test", options).unwrap();
    let running = composition::start(&bff_tv::BFF, &settings, &tasks).unwrap();

    let client = chassis::http_client::build(Duration::from_secs(5)).unwrap();
    let ask = async |path: &str| {
        let url = format!("http://{}{path}", running.bind);
        client.get(url).send().await.unwrap()
    };
    let answer = ask("/slides").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-degraded"], "ratings;reason=4xx");
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["slides"][1], json!({"name": "Rake", "stars": null}));
    let document = ask("/openapi.json").await.text().await.unwrap();
    assert!(document.contains("/slides") && document.contains("backend_timeout"));
    assert_eq!(ask("/readyz").await.status(), 200);
    tasks.stop();
    tasks.ended(Duration::from_secs(5)).await.unwrap();
}

#[test]
fn the_book_shows_the_example_as_it_is() {
    let read = |path: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(path).unwrap()
    };
    let page = read("../docs/your-own-bff.md");
    let example = read("examples/bff-tv.rs");
    let code: Vec<&str> = page
        .split("```rust\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert_eq!(
        code.concat(),
        example,
        "docs/your-own-bff.md shows another example"
    );
}
