//! What a route does beside forwarding: it sends elsewhere, or says the same to everybody.

use tests::edge::Edge;
use tests::origin::Origin;

#[tokio::test]
async fn a_redirect_names_where_the_client_finds_it() {
    let plan = Edge::with_routes(
        r#"
        [route.old]
        path = "/old"
        auth = "none"
        redirect = { path = "/web", status = 308 }
        [route.exact]
        path = { exact = "/exact" }
        auth = "none"
        redirect = { full_path = "/there", host = "shop.example" }
        [route.secure]
        path = "/secure"
        auth = "none"
        redirect = { scheme = "https", status = 301 }
        "#,
    );
    let edge = plan.start().await;
    for (target, status, location) in [
        ("/old", 308, "http://shop:8080/web"),
        ("/old/a/../b?q=%20", 308, "http://shop:8080/web/b?q=%20"),
        ("/exact?q", 302, "http://shop.example:8080/there?q"),
        ("/secure/x", 301, "https://shop/secure/x"),
        ("http://other/old/", 308, "http://other/web/"),
    ] {
        let asked =
            format!("GET {target} HTTP/1.1\r\nhost: shop:8080\r\nconnection: close\r\n\r\n");
        let answer = edge.exchange(asked).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        assert_eq!(answer.all("location"), [location], "{target}");
        assert_eq!(answer.text(), "");
    }
    let line = edge.access_line("the redirect", |line| line["route"] == "exact");
    assert_eq!(line.await["status"], 302);
    edge.stop().await;
}

#[tokio::test]
async fn a_route_that_answers_itself_is_guarded_as_any_other() {
    let origin = Origin::saying("ok").await;
    let routes = format!(
        r#"
        [auth.issuer.shop]
        issuer = "x"
        audience = ["x"]
        algorithms = ["HS256"]
        secret = "${{SHOP_SECRET}}"
        [rate_limit.few]
        key = "ip"
        rate = "1/h"
        burst = 1
        [upstream.monolith]
        endpoints = ["{}"]
        [route.gone]
        path = "/gone"
        auth = "none"
        respond = {{ status = 410, body = '{{"gone":true}}', content_type = "application/json" }}
        [route.guarded]
        path = "/guarded"
        auth = "shop"
        respond = {{ status = 200, body = "secret" }}
        [route.limited]
        path = "/limited"
        auth = "none"
        rate_limit = ["few"]
        redirect.full_path = "/"
        [route.rest]
        path = "/"
        auth = "none"
        upstream = "monolith"
        "#,
        origin.url()
    );
    let plan =
        Edge::with_routes(&routes).env("SHOP_SECRET", "a-secret-of-at-least-32-bytes-for-hs256");
    let edge = plan.start().await;
    let answer = edge.post("/gone/x").body("some").send().await;
    assert_eq!(answer.status, 410);
    assert_eq!(answer.json()["gone"], true);
    assert_eq!(answer.field("content-type"), Some("application/json"));
    assert_eq!(answer.field("cache-control"), None);
    assert_eq!(edge.get("/guarded").send().await.status, 401);
    assert_eq!(edge.get("/limited").send().await.status, 302);
    assert_eq!(edge.get("/limited").send().await.status, 429);
    assert!(origin.seen().is_empty());
    edge.stop().await;
}
