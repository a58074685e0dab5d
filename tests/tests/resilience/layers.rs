//! One layer tries again: what a BFF asks for is tried by the gateway alone.

use tests::bff::{Bff, Which};
use tests::edge::Edge;
use tests::origin::{Origin, Reply};

/// Every part of a page comes from this backend.
fn file(origin: &Origin, attempts: u32) -> String {
    format!(
        r#"
        [internal]
        bind = "127.0.0.1:0"
        [upstream.m]
        endpoints = ["{}"]
        ejection.consecutive_5xx = 0
        retry.attempts = {attempts}
        [route.all]
        path = "/"
        auth = "none"
        listeners = ["internal"]
        upstream = "m"
        "#,
        origin.url()
    )
}

#[tokio::test]
async fn what_a_bff_asks_for_is_tried_again_by_the_gateway_alone() {
    let unavailable = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
    for (failure, attempts) in [
        (Reply::Bytes(unavailable.to_vec()), 1),
        (Reply::Bytes(unavailable.to_vec()), 3),
        (Reply::Reset(Vec::new()), 3),
    ] {
        let origin = Origin::scripted([failure]).await;
        let edge = Edge::with_routes(&file(&origin, attempts)).start().await;
        for which in [Which::Web, Which::Mobile] {
            let before = origin.seen().len();
            let bff = Bff::behind(which, edge.internal_address.unwrap()).await;
            let answer = bff.get("/products/7").send().await;
            assert!(answer.status >= 500, "{answer:?}");
            let seen = origin.seen();
            let product =
                |seen: &&tests::origin::Seen| seen.head.target().starts_with("/api/products");
            let tries = seen[before..].iter().filter(product).count();
            assert_eq!(tries, attempts as usize, "{which:?}");
            let calls = bff.metric("banyan_bff_calls_total{backend=\"catalog\"}");
            assert!((calls.await - 1.0).abs() < f64::EPSILON, "{which:?}");
            bff.stop().await;
        }
        edge.stop().await;
    }
}
