//! Pages of other sites use a route from a browser, as far as it lets them.

use http::Method;
use tests::edge::Edge;
use tests::origin::{Origin, Reply};

const SHOP: &str = "https://www.shop.example";

fn routes(origin: &Origin) -> String {
    format!(
        r#"
        [auth.issuer.shop]
        issuer = "x"
        audience = ["x"]
        algorithms = ["HS256"]
        secret = "${{SHOP_SECRET}}"
        [upstream.m]
        endpoints = ["{}"]
        [route.read]
        path = "/api"
        methods = ["GET"]
        auth = "none"
        upstream = "m"
        cors = {{ allow_origins = ["https://*.shop.example"], expose_headers = ["x-total"] }}
        [route.write]
        path = "/api"
        methods = ["PUT"]
        auth = "shop"
        upstream = "m"
        [route.write.cors]
        allow_origins = ["https://www.shop.example"]
        allow_methods = ["PUT"]
        allow_headers = ["authorization"]
        allow_credentials = true
        max_age = "10m"
        [route.own]
        path = "/own"
        auth = "none"
        upstream = "m"
        "#,
        origin.url()
    )
}

async fn edge(origin: &Origin) -> Edge {
    let plan = Edge::with_routes(&routes(origin));
    let plan = plan.env("SHOP_SECRET", "a-secret-of-at-least-32-bytes-for-hs256");
    plan.start().await
}

#[tokio::test]
async fn a_preflight_is_answered_for_the_route_of_the_method_it_asks_about() {
    let origin = Origin::saying("ok").await;
    let edge = edge(&origin).await;
    let ask = async |page: &str, method: &str| {
        let request = edge.request(&Method::OPTIONS, "/api/users");
        let request = request.header("origin", page);
        let request = request.header("access-control-request-method", method);
        request.send().await
    };
    let answer = ask(SHOP, "PUT").await;
    assert_eq!(answer.status, 204, "{answer:?}");
    for (name, value) in [
        ("access-control-allow-origin", SHOP),
        ("access-control-allow-methods", "PUT"),
        ("access-control-allow-headers", "authorization"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "600"),
        ("vary", "origin"),
    ] {
        assert_eq!(answer.field(name), Some(value), "{name}: {answer:?}");
    }
    let answer = ask("https://a.b.shop.example", "GET").await;
    let methods = answer.field("access-control-allow-methods");
    assert_eq!(methods, Some("GET, HEAD, POST"));
    assert_eq!(answer.field("access-control-max-age"), Some("3600"));
    for page in ["https://shop.example.evil", "http://www.shop.example"] {
        let answer = ask(page, "PUT").await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(answer.field("access-control-allow-origin"), None);
        assert_eq!(answer.field("access-control-allow-methods"), None);
        assert_eq!(answer.field("vary"), Some("origin"));
    }
    assert!(origin.seen().is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn a_page_reads_answers_and_problems_but_no_upstreams_own_policy() {
    let own = "HTTP/1.1 200 OK\r\naccess-control-allow-origin: *\r\naccess-control-allow-methods: PATCH\r\ncontent-length: 0\r\n\r\n";
    let origin = Origin::scripted([Reply::Bytes(own.into())]).await;
    let edge = edge(&origin).await;
    let get = async |path: &str, page: &str| {
        let request = edge.get(path).header("origin", page);
        request.send().await
    };
    let answer = get("/api", SHOP).await;
    assert_eq!(answer.field("access-control-allow-origin"), Some(SHOP));
    let exposed = answer.field("access-control-expose-headers");
    assert_eq!(exposed, Some("x-total"));
    assert_eq!(answer.field("access-control-allow-methods"), None);
    let answer = get("/api", "https://evil.example").await;
    assert_eq!(answer.field("access-control-allow-origin"), None);
    assert_eq!(answer.field("vary"), Some("origin"));

    // Without a policy of the route's, the upstream's is its own business.
    let answer = get("/own", SHOP).await;
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));

    let request = edge.request(&Method::PUT, "/api");
    let answer = request.header("origin", SHOP).send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.field("access-control-allow-origin"), Some(SHOP));
    answer.problem();
    edge.stop().await;
}
