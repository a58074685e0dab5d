//! A screen's backends without a gateway before them: then the BFF repeats by itself.

use tests::bff::{Bff, Which};
use tests::origin::{Origin, Refusing, Reply};
use tests::shop::Shop;

fn unavailable() -> Reply {
    Reply::Bytes(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_vec())
}

#[tokio::test]
async fn without_a_gateway_a_bff_repeats_by_itself_and_leaves_a_dead_backend_alone() {
    let shop = Shop::start().await;
    let product = shop.stub("catalog").get("/api/products/7").await;
    let flaky = Origin::scripted([unavailable(), Reply::ok(product.text())]).await;
    let dead = Refusing::new();
    let at = |name: &str, path: &str| format!("http://{}{path}", shop.stub(name).address);
    let urls = [
        ("BFF_CATALOG_URL", format!("{}/api/products", flaky.url())),
        ("BFF_REVIEWS_URL", format!("{}/api/reviews", dead.url())),
        ("BFF_INVENTORY_URL", at("inventory", "/api/stock")),
        (
            "BFF_RECOMMENDATIONS_URL",
            at("recommendations", "/api/related"),
        ),
        ("BFF_ORDERS_URL", at("orders", "/api/orders")),
        ("BFF_USERS_URL", at("users", "/users")),
    ];
    let mut env = vec![("BFF_MODE", "direct")];
    env.extend(urls.iter().map(|(name, url)| (*name, url.as_str())));
    let bff = Bff::start(Which::Mobile, &env).await;

    // The product was there at the second try; what nobody has is missing, and said so.
    let answer = bff.get("/products/7").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let degraded = answer.field("x-degraded");
    assert_eq!(degraded, Some("rating;reason=connect"), "{answer:?}");
    assert_eq!(flaky.seen().len(), 2);
    let retries = "banyan_bff_retries_total{backend=\"catalog\",cause=\"status\"}";
    assert!((bff.metric(retries).await - 1.0).abs() < f64::EPSILON);

    // Two tries each: ten calls are enough.
    for _ in 0..10 {
        bff.get("/products/7").send().await;
    }
    let answer = bff.get("/products/7").send().await;
    let degraded = answer.field("x-degraded");
    assert_eq!(degraded, Some("rating;reason=breaker_open"), "{answer:?}");
    let open = "banyan_bff_breaker_state{backend=\"reviews\",state=\"open\"}";
    assert!((bff.metric(open).await - 1.0).abs() < f64::EPSILON);
    bff.stop().await;
}
