//! A BFF by itself: what it believes, what it does without its gateway, how it starts and ends.

use std::time::Duration;

use chassis::clock::Clock;
use rustix::process::Signal;
use serde_json::json;
use tests::bff::{Bff, Which};
use tests::screens::Screens;
use tests::shop::Shop;
use tests::wire::Wire;

/// Each backend at the address of its stub.
async fn direct(shop: &Shop, which: Which) -> Bff {
    let url = |stub: &str, path: &str| format!("http://{}{path}", shop.stub(stub).address);
    let env = [
        ("BFF_MODE", "direct".to_owned()),
        ("BFF_CATALOG_URL", url("catalog", "/api/products")),
        ("BFF_REVIEWS_URL", url("reviews", "/api/reviews")),
        ("BFF_INVENTORY_URL", url("inventory", "/api/stock")),
        (
            "BFF_RECOMMENDATIONS_URL",
            url("recommendations", "/api/related"),
        ),
        ("BFF_ORDERS_URL", url("orders", "/api/orders")),
        ("BFF_USERS_URL", url("users", "/users")),
    ];
    let env: Vec<(&str, &str)> = env
        .iter()
        .map(|(name, url)| (*name, url.as_str()))
        .collect();
    Bff::start(which, &env).await
}

#[tokio::test]
async fn the_direct_mode_needs_no_gateway() {
    let shop = Shop::start().await;
    for (which, path) in [(Which::Web, "/products"), (Which::Mobile, "/products/7")] {
        let bff = direct(&shop, which).await;
        let answer = bff.get(path).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.field("x-degraded"), None, "{answer:?}");
        assert!(answer.field("etag").is_some());
        // A backend that fails loses its part and nothing else.
        shop.stub("inventory")
            .switch(json!({ "refuse": true }))
            .await;
        let answer = bff.get(path).send().await;
        assert_eq!(
            answer.field("x-degraded"),
            Some("stock;reason=connect"),
            "{answer:?}"
        );
        shop.stub("inventory").restore().await;
        bff.stop().await;
    }
}

#[tokio::test]
async fn without_its_gateway_it_says_so_at_once_and_never_hangs() {
    let screens = Screens::start().await;
    let clock = Clock::system();
    let ask = async |path: &str| {
        let began = clock.now();
        let answer = screens.web.get(path).send().await;
        (answer, clock.now() - began)
    };
    // It hangs: everything is still there, and nobody answers.
    screens.edge.process.signal(Signal::STOP);
    let (answer, took) = ask("/products").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (504, "backend_timeout".into())
    );
    assert!(took < Duration::from_secs(3), "{took:?}");
    screens.edge.process.signal(Signal::CONT);
    let (answer, _) = ask("/products").await;
    assert_eq!(answer.status, 200, "{answer:?}");

    screens.edge.stop().await;
    let (answer, took) = ask("/products?page=2").await;
    assert_eq!(
        (answer.status, answer.problem()),
        (502, "backend_unreachable".into())
    );
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(answer.json()["part"], "products");
    let (answer, _) = ask("/home").await;
    assert_eq!(
        answer.status, 200,
        "what needs no part is there: {answer:?}"
    );
    assert!(
        answer
            .field("x-degraded")
            .unwrap_or_default()
            .contains("products;reason=connect")
    );
    for health in ["/livez", "/readyz"] {
        assert_eq!(ask(health).await.0.status, 200);
    }
    screens.web.stop().await;
    screens.mobile.stop().await;
}

#[tokio::test]
async fn what_strangers_hand_on_is_ignored_and_counted() {
    let shop = Shop::start().await;
    let gateway = format!("http://{}", shop.stub("monolith").address);
    // Nobody here is in that network.
    let env = [
        ("BFF_GATEWAY_URL", gateway.as_str()),
        ("BFF_TRUSTED_CALLERS", "192.0.2.0/24"),
    ];
    let bff = Bff::start(Which::Web, &env).await;
    let mut request = bff.get("/products/7");
    let spoofed = [
        ("x-banyan-sticky", "bob"),
        ("x-banyan-state", "0000000000000001"),
        ("x-request-deadline-ms", "1"),
        ("x-user-id", "7"),
        ("x-request-id", "mine"),
    ];
    for (name, value) in spoofed {
        request = request.header(name, value);
    }
    let answer = request.send().await;
    assert_eq!(
        answer.status, 200,
        "the deadline of 1 ms was ignored: {answer:?}"
    );
    assert_ne!(answer.field("x-request-id"), Some("mine"));
    for seen in shop.stub("monolith").seen().await {
        let text = seen["fields"].to_string();
        assert!(
            !text.contains("x-banyan") && !text.contains("x-user"),
            "{text}"
        );
        assert!(!text.contains("mine"), "{text}");
    }
    for field in [
        "x-banyan-sticky",
        "x-banyan-state",
        "x-request-deadline-ms",
        "x-user-*",
    ] {
        let series = format!("banyan_bff_ignored_fields_total{{field=\"{field}\"}}");
        assert!((bff.metric(&series).await - 1.0).abs() < 0.1, "{field}");
    }
    bff.stop().await;
}

#[tokio::test]
async fn an_absurd_deadline_of_a_trusted_caller_is_ignored_and_a_short_one_is_kept() {
    let shop = Shop::start().await;
    let bff = direct(&shop, Which::Mobile).await;
    for absurd in ["-1", "1e9", "99999999999999999999", "soon"] {
        let request = bff
            .get("/products/7")
            .header("x-request-deadline-ms", absurd);
        assert_eq!(request.send().await.status, 200, "{absurd}");
    }
    let series = "banyan_bff_ignored_fields_total{field=\"x-request-deadline-ms\"}";
    assert!((bff.metric(series).await - 4.0).abs() < 0.1);
    // Nothing of this one is kept.
    let request = bff.get("/products/8").header("x-request-deadline-ms", "3");
    let answer = request.send().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (504, "deadline_exceeded".into())
    );
    bff.stop().await;
}

#[tokio::test]
async fn health_and_figures_are_not_to_be_had_through_a_gateway() {
    let screens = Screens::start().await;
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(screens.web.get(path).send().await.status, 200, "{path}");
        let outside = screens.get(&format!("/web{path}")).send().await;
        assert_eq!(
            (outside.status, outside.problem()),
            (404, "not_found".into())
        );
    }
    let token = screens.token("7").await;
    let page = screens.get("/web/products/7").bearer(&token).send().await;
    assert_eq!(page.status, 200);
    let figures = screens.web.get("/metrics").send().await;
    for series in [
        "banyan_bff_screens_total{screen=\"product\",outcome=\"complete\"} 1",
        "banyan_bff_parts_total{screen=\"product\",part=\"reviews\",status=\"ok\",reason=\"\"} 1",
        "banyan_bff_calls_total{backend=\"catalog\"} 1",
        "banyan_bff_calls_under_way{backend=\"catalog\"} 0",
        "banyan_bff_screen_duration_seconds_count{screen=\"product\"} 1",
    ] {
        assert!(
            figures.text().contains(series),
            "{series}\n{}",
            figures.text()
        );
    }
    let document = screens.get("/web/openapi.json").bearer(&token).send().await;
    assert_eq!(document.json()["openapi"], "3.1.0");
    screens.stop().await;
}

#[tokio::test]
async fn a_request_that_runs_at_the_end_is_answered_and_its_line_is_written() {
    let shop = Shop::start().await;
    let bff = direct(&shop, Which::Web).await;
    shop.stub("catalog")
        .switch(json!({ "latency_ms": 400 }))
        .await;
    let client = bff.client();
    let mut asking = tokio::task::JoinSet::new();
    asking.spawn(async move { client.get("/products/7").send().await });
    let catalog = shop.stub("catalog");
    while catalog.seen().await.is_empty() {
        tokio::task::yield_now().await;
    }
    let ended = bff.stop().await;
    let answer = asking.join_all().await.remove(0);
    assert_eq!(answer.status, 200, "{answer:?}");
    let line = ended
        .stdout
        .lines()
        .find(|line| line.contains("/products/7"));
    assert!(
        line.is_some_and(|line| line.contains("\"screen\":\"product\"")),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_client_that_does_not_wait_has_a_line_too() {
    let shop = Shop::start().await;
    let bff = direct(&shop, Which::Web).await;
    shop.stub("catalog").switch(json!({ "hang": true })).await;
    let mut wire = Wire::connect(bff.address).await;
    wire.send("GET /products/7 HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    while shop.stub("catalog").seen().await.is_empty() {
        tokio::task::yield_now().await;
    }
    drop(wire);
    let gone = |line: &str| {
        (line.contains("/products/7") && line.contains("\"status\":499")).then_some(())
    };
    bff.process
        .stdout
        .find("the line of who left", 0, gone)
        .await;
    bff.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_its_settings_is_said_at_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("its address").to_string();
    for (env, said) in [
        (("BFF_TENANT_FIELD", "x-tenant"), "x-user-"),
        (("BFF_BIND", taken.as_str()), "is taken by another process"),
        (("BFF_MODE", "direct"), "missing: BFF_CATALOG_URL"),
        (("BFF_GATEWAY_URL", "ftp://x"), "write http://host:port"),
        (("BFF_CACHE_BYTES", "much"), "BFF_CACHE_BYTES"),
        (("BFF_CURSOR_SECRET", "short"), "at least 32 bytes"),
    ] {
        let ended = Bff::fails_to_start(Which::Mobile, &[env]).await;
        assert_ne!(ended.code, Some(0), "{env:?}");
        assert!(ended.stderr.contains(said), "{env:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    }
}
