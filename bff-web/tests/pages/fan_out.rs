//! How many calls a page costs, and how long it takes, exactly: the clock is stopped.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Router};
use chassis::identity::Trust;
use chassis::tasks::Tasks;
use composition::shop::{Place, Shop};
use composition::{ANSWER_MAX, Engine, Inbound, Protection, Setup};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::ServiceExt as _;

use crate::backends::{Backends, Delays};

/// The longest path is 200 + 300; one after the other it would be 750.
const SLOW: Delays = &[
    ("/products", 200),
    ("/reviews/summary", 150),
    ("/stock", 100),
    ("/related", 300),
];

/// The web pages over `backends`, without a socket.
fn pages(backends: &Backends) -> Router {
    let engine = Engine::new(Arc::new(backends.clone()), "test", 0, &Tasks::new());
    let place = |_: &str, below_gateway: &str| Place {
        host: Ipv4Addr::LOCALHOST.to_string(),
        port: 80,
        base_path: below_gateway.trim_start_matches("/api").to_owned(),
    };
    let setup = Setup {
        engine,
        shop: Shop::new(place, &Protection::by_gateway(64)).unwrap(),
        cursor_secret: SecretString::from("of-a-test-0123456789-0123456789-01"),
    };
    let (inbound, _) = Inbound::read(&HeaderMap::new(), Trust::Trusted, None, Instant::now());
    let (pages, _) = (bff_web::BFF.screens)(&setup).unwrap().split_for_parts();
    pages.layer(Extension(Arc::new(inbound)))
}

async fn json_of(answer: Response) -> Value {
    let body = to_bytes(answer.into_body(), ANSWER_MAX).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn twenty_products_with_all_that_belongs_to_them_are_four_calls_and_the_longest_path() {
    let backends = Backends::after(SLOW);
    let pages = pages(&backends);
    let request = Request::get("/products?limit=20");
    let began = Instant::now();
    let answer = pages.oneshot(request.body(Body::empty()).unwrap());
    let answer = answer.await.unwrap();
    let took = began.elapsed();
    assert_eq!(answer.status(), 200, "{answer:?}");
    assert_eq!(answer.headers().get("x-degraded"), None);
    let mut asked = backends.asked();
    assert_eq!(asked.remove(0), "/products?page=1&limit=20");
    asked.sort();
    let ids: Vec<String> = (1..=20).map(|id| id.to_string()).collect();
    let of = |path: &str| format!("{path}?ids={}", ids.join(","));
    assert_eq!(asked, ["/related", "/reviews/summary", "/stock"].map(of));

    let ms = Duration::from_millis;
    // The clock goes in whole milliseconds, once for each of the two steps.
    assert!((ms(500)..=ms(502)).contains(&took), "{took:?}");

    let body = json_of(answer).await;
    let items = body["items"].as_array().unwrap();
    assert_eq!(items.len(), 20);
    for (item, id) in items.iter().zip(1_u64..) {
        assert_eq!(item["id"], id);
        assert_eq!(item["rating"]["average_hundredths"], 400 + id);
        assert_eq!(item["available"], id * 2);
        assert_eq!(item["related"][0]["id"], id + 100);
        assert_eq!(item["image"], "/1.jpg");
    }
    let ok = json!({"status": "ok"});
    for part in ["products", "ratings", "stock", "related"] {
        assert_eq!(body["_meta"]["parts"][part], ok, "{part}");
    }
}
