//! Switches do what they say, and only for those who may use them.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::{Shop, ask, get};

#[tokio::test]
async fn switches_change_answers_and_what_came_is_told() {
    let shop = Shop::open();
    let put = |change: Value| ask(&shop.monolith, Method::PUT, "/__stub", None, change);
    put(json!({ "wrong": ["price", "missing", "reorder", "timestamp"] })).await;
    let (_, spoiled) = get(&shop.monolith, "/api/products?ids=1,2").await;
    assert_eq!(spoiled["items"][0]["id"], 2);
    assert!(spoiled["items"][0]["price"].is_string());
    assert!(spoiled["items"][0].get("description").is_none());
    assert!(spoiled["generated_at"].is_u64());
    put(json!({ "error_rate": 1.0 })).await;
    assert_eq!(
        get(&shop.monolith, "/api/products/1").await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(
        put(json!({ "nonsense": 1 })).await.0,
        StatusCode::BAD_REQUEST
    );
    ask(&shop.monolith, Method::DELETE, "/__stub", None, Value::Null).await;
    assert_eq!(
        get(&shop.monolith, "/api/products/1").await.0,
        StatusCode::OK
    );
    let (_, seen) = get(&shop.monolith, "/__stub/seen").await;
    assert_eq!(seen["total"], 3);
    assert_eq!(seen["requests"][2]["target"], "/api/products/1");
    assert_eq!(
        seen["requests"][2]["fields"],
        json!([["x-user-id", "alice"]])
    );
}

#[tokio::test]
async fn a_raw_body_takes_the_place_of_every_json_answer() {
    let shop = Shop::open();
    let put = |change: Value| ask(&shop.monolith, Method::PUT, "/__stub", None, change);
    let asked = |path: &'static str| ask(&shop.monolith, Method::GET, path, None, Value::Null);
    put(json!({ "raw": "{\"id\":", "wrong": ["price"] })).await;
    for (path, status) in [
        ("/api/products/1", StatusCode::OK),
        ("/api/products/999", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(asked(path).await, (status, b"{\"id\":".to_vec()), "{path}");
    }
    // What is no JSON stays, and so do the switches.
    assert_eq!(asked("/healthz").await.1, b"ok\n");
    assert!(asked("/__stub").await.1.starts_with(b"{\"latency_ms\""));
    put(json!({ "raw_base64": "/w==" })).await;
    assert_eq!(asked("/api/products/1").await.1, b"\xff");
    put(json!({ "raw_base64": null, "wrong": [] })).await;
    assert_eq!(get(&shop.monolith, "/api/products/1").await.1["id"], 1);
    let both = put(json!({ "raw": "", "raw_base64": "" })).await;
    assert_eq!(both.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_raw_body_keeps_the_content_type_and_may_be_larger_than_an_answer() {
    let shop = Shop::open();
    let long = "x".repeat(5 * 1024 * 1024);
    let change = json!({ "raw": long });
    let put = ask(&shop.monolith, Method::PUT, "/__stub", None, change).await;
    assert_eq!(put.0, StatusCode::OK);
    let request = Request::get("/api/products/1").body(Body::empty()).unwrap();
    let answer = shop.monolith.clone().oneshot(request).await.unwrap();
    let fields = answer.headers();
    assert_eq!(fields["content-type"], "application/json");
    assert_eq!(fields["content-length"], long.len().to_string());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_stub_answers_once_it_is_let_go() {
    let shop = Shop::open();
    ask(
        &shop.monolith,
        Method::PUT,
        "/__stub",
        None,
        json!({ "hang": true }),
    )
    .await;
    let mut asked = tokio::task::JoinSet::new();
    let monolith = shop.monolith.clone();
    asked.spawn(async move { get(&monolith, "/api/products/1").await.0 });
    let still = tokio::time::timeout(std::time::Duration::from_hours(1), asked.join_next()).await;
    assert!(still.is_err());
    ask(
        &shop.monolith,
        Method::PUT,
        "/__stub",
        None,
        json!({ "hang": false }),
    )
    .await;
    assert_eq!(asked.join_all().await, [StatusCode::OK]);
}

#[tokio::test]
async fn the_switches_are_not_to_be_had_through_a_gateway() {
    let shop = Shop::open();
    for path in ["/__stub", "/__stub/seen"] {
        let request = Request::get(path)
            .header("via", "1.1 banyan")
            .body(Body::empty())
            .unwrap();
        let answer = shop.monolith.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}
