//! The shop as its clients see it: both sides answer alike, writes are seen by both, switches do what they say.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use axum::Router;
use axum::body::{Body, to_bytes};
use chassis::principal::USER_ID;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use stubs::monolith;
use stubs::service::Service;
use stubs::store::Store;
use stubs::stub::Stub;
use stubs::switches::Settings;
use tempfile::TempDir;
use tower::ServiceExt as _;

struct Shop {
    store: Arc<Store>,
    monolith: Router,
    _folder: TempDir,
}

impl Shop {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let monolith = monolith::router(&Stub::new("monolith", &store, Settings::default()));
        Self {
            store,
            monolith,
            _folder: folder,
        }
    }

    fn service(&self, service: Service) -> Router {
        service.router(&Stub::new("service", &self.store, Settings::default()))
    }
}

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    user: Option<&str>,
    body: Value,
) -> (StatusCode, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(user) = user {
        request = request.header(USER_ID, user);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let answer = router
        .clone()
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    (
        status,
        to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    )
}

async fn get(router: &Router, path: &str) -> (StatusCode, Value) {
    let (status, body) = ask(router, Method::GET, path, Some("alice"), Value::Null).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn both_sides_answer_the_same_bytes() {
    let shop = Shop::open();
    for (which, path, inside) in [
        (Service::Users, "/api/users/me", "/users/me"),
        (Service::Users, "/api/users/7", "/users/7"),
        (Service::Users, "/api/users/61", "/users/61"),
        (Service::Catalog, "/api/products", "/api/products"),
        (
            Service::Catalog,
            "/api/products?page=3&limit=7",
            "/api/products?page=3&limit=7",
        ),
        (
            Service::Catalog,
            "/api/products?ids=7,1,999",
            "/api/products?ids=7,1,999",
        ),
        (Service::Catalog, "/api/products/240", "/api/products/240"),
        (Service::Catalog, "/api/products/x", "/api/products/x"),
        (
            Service::Reviews,
            "/api/reviews?product=7",
            "/api/reviews?product=7",
        ),
        (
            Service::Reviews,
            "/api/reviews/summary?ids=1,2",
            "/api/reviews/summary?ids=1,2",
        ),
        (
            Service::Inventory,
            "/api/stock?ids=1,2,3",
            "/api/stock?ids=1,2,3",
        ),
        (
            Service::Recommendations,
            "/api/related?product=7",
            "/api/related?product=7",
        ),
        (Service::Orders, "/api/orders", "/api/orders"),
        (Service::Payments, "/api/payments/1", "/api/payments/1"),
    ] {
        let legacy = ask(
            &shop.monolith,
            Method::GET,
            path,
            Some("alice"),
            Value::Null,
        )
        .await;
        let service = ask(
            &shop.service(which),
            Method::GET,
            inside,
            Some("alice"),
            Value::Null,
        )
        .await;
        assert_eq!(legacy, service, "{path}");
        assert!(!legacy.1.is_empty(), "{path}");
    }
}

#[tokio::test]
async fn lists_have_pages_and_ids_keep_their_order() {
    let shop = Shop::open();
    let (_, page) = get(&shop.monolith, "/api/products?page=2&limit=5").await;
    assert_eq!(
        (&page["total"], &page["items"][0]["id"]),
        (&json!(240), &json!(6))
    );
    let (_, chosen) = get(&shop.monolith, "/api/products?ids=9,3,9999,1").await;
    let ids: Vec<u64> = chosen["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [9, 3, 1]);
    assert_eq!(
        get(&shop.monolith, "/api/products?ids=").await.1["items"],
        json!([])
    );
    for wrong in ["?page=0", "?limit=101", "?ids=1,x", "?page=x"] {
        assert_eq!(
            get(&shop.monolith, &format!("/api/products{wrong}"))
                .await
                .0,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}

async fn post(router: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    let (status, body) = ask(router, Method::POST, path, Some("alice"), body).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn an_order_goes_its_way_over_both_sides() {
    let shop = Shop::open();
    let orders = shop.service(Service::Orders);
    let wanted = json!({ "items": [{ "product": 1, "quantity": 2 }] });
    let (status, order) = post(&orders, "/api/orders", wanted).await;
    assert_eq!((status, &order["id"]), (StatusCode::CREATED, &json!(601)));
    assert_eq!(get(&shop.monolith, "/api/orders/601").await.1, order);
    for (user, status) in [
        (Some("bob"), StatusCode::NOT_FOUND),
        (None, StatusCode::UNAUTHORIZED),
    ] {
        let answer = ask(
            &shop.monolith,
            Method::GET,
            "/api/orders/601",
            user,
            Value::Null,
        )
        .await;
        assert_eq!(answer.0, status);
    }
    assert_eq!(
        post(&shop.monolith, "/api/orders/601/cancel", Value::Null)
            .await
            .0,
        StatusCode::OK
    );
    assert_eq!(
        get(&orders, "/api/orders/601").await.1["status"],
        "cancelled"
    );
}

#[tokio::test]
async fn money_is_taken_once_and_given_back_once() {
    let shop = Shop::open();
    let wanted = json!({ "items": [{ "product": 1, "quantity": 2 }] });
    let (_, order) = post(&shop.monolith, "/api/orders", wanted).await;
    let payments = shop.service(Service::Payments);
    let charge = |amount: u64| json!({ "order": 601, "amount": amount, "method": "card" });
    let cheap = post(&payments, "/api/payments", charge(1)).await;
    assert_eq!(cheap.0, StatusCode::UNPROCESSABLE_ENTITY);
    let paid = post(
        &payments,
        "/api/payments",
        charge(order["total"].as_u64().unwrap()),
    )
    .await;
    assert_eq!(paid.0, StatusCode::CREATED);
    let twice = post(
        &shop.monolith,
        "/api/payments",
        charge(order["total"].as_u64().unwrap()),
    )
    .await;
    assert_eq!(
        (twice.0, &twice.1["code"]),
        (StatusCode::CONFLICT, &json!("already_paid"))
    );
    for status in [StatusCode::OK, StatusCode::CONFLICT] {
        assert_eq!(
            post(&shop.monolith, "/api/payments/1/refund", Value::Null)
                .await
                .0,
            status
        );
    }
}

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
