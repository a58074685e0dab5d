//! How many calls a page costs, and how long it takes.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::backends::{Backends, Delays};
use crate::site::Site;

/// The longest path is 200 + 300; one after the other it would be 750.
const SLOW: Delays = &[
    ("/products", 200),
    ("/reviews/summary", 150),
    ("/stock", 100),
    ("/related", 300),
];

#[tokio::test]
async fn twenty_products_with_all_that_belongs_to_them_are_four_calls_and_the_longest_path() {
    let site = Site::over(Backends::after(SLOW));
    let began = Instant::now();
    let answer = site.get("/products?limit=20", &[]).await;
    let took = began.elapsed();
    assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
    let mut asked = site.backends.asked();
    assert_eq!(asked.remove(0), "/products?page=1&limit=20");
    asked.sort();
    let ids: Vec<String> = (1..=20).map(|id| id.to_string()).collect();
    let of = |path: &str| format!("{path}?ids={}", ids.join(","));
    assert_eq!(asked, ["/related", "/reviews/summary", "/stock"].map(of));

    let ms = Duration::from_millis;
    assert!((ms(500)..ms(650)).contains(&took), "{took:?}");

    let body = answer.json();
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
