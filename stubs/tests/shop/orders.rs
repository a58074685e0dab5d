//! What is written through one side is seen by the other.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use stubs::service::Service;

use crate::{Shop, ask, get, post};

#[tokio::test]
async fn an_order_goes_its_way_over_both_sides() {
    let shop = Shop::open();
    let orders = shop.service(Service::Orders);
    let wanted = json!({ "items": [{ "product": 1, "quantity": 2 }] });
    let (status, order) = post(&orders, "/api/orders", wanted).await;
    assert_eq!((status, &order["id"]), (StatusCode::CREATED, &json!(601)));
    let read = get(&shop.monolith, "/api/orders/601").await.1;
    assert_eq!(timeless(read), timeless(order));
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
async fn both_sides_say_the_same_of_an_order_but_for_the_time() {
    let shop = Shop::open();
    let orders = shop.service(Service::Orders);
    for path in ["/api/orders?limit=3", "/api/orders/564"] {
        let legacy = get(&shop.monolith, path).await.1;
        let service = get(&orders, path).await.1;
        assert_ne!(legacy["meta"], service["meta"], "{path}");
        assert_eq!(timeless(legacy), timeless(service), "{path}");
    }
}

#[tokio::test]
async fn a_price_as_text_is_the_only_thing_that_is_wrong_then() {
    let shop = Shop::open();
    let orders = shop.service(Service::Orders);
    let switch = |on: bool| {
        let change = json!({ "price_as_text": on });
        ask(&orders, Method::PUT, "/__stub", None, change)
    };
    switch(true).await;
    let right = timeless(get(&shop.monolith, "/api/orders/564").await.1);
    let mut wrong = timeless(get(&orders, "/api/orders/564").await.1);
    for item in wrong["items"].as_array_mut().unwrap() {
        let price = item["price"].as_str().unwrap();
        item["price"] = json!(price.parse::<u64>().unwrap());
    }
    assert_eq!(wrong, right);
    switch(false).await;
    assert_eq!(timeless(get(&orders, "/api/orders/564").await.1), right);
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

/// Without the moment when it was said.
fn timeless(mut answer: Value) -> Value {
    let meta = answer["meta"].as_object_mut().unwrap();
    assert!(meta.shift_remove("generated_at").unwrap().is_string());
    answer
}
