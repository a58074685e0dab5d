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
