//! Starting, commands, and limits as an operator meets them.

use tests::edge::Edge;
use tests::origin::Origin;

const ROUTE: &str = "[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n";

fn on_port(edge: u16, admin: u16) -> String {
    format!(
        "version = 1\n[edge]\nbind = \"127.0.0.1:{edge}\"\n[admin]\nbind = \"127.0.0.1:{admin}\"\n\
         [upstream.m]\nendpoints = [\"http://127.0.0.1:1\"]\n{ROUTE}"
    )
}

#[tokio::test]
async fn a_second_gateway_on_a_port_is_refused_and_told_which_key_to_change() {
    let first = Edge::with_exactly(&on_port(0, 0)).start().await;
    let second = Edge::with_exactly(&on_port(first.address.port(), 0))
        .fails_to_start()
        .await;
    assert_eq!(second.code, Some(1), "{second:?}");
    assert!(
        second.stderr.contains("edge.bind") && second.stderr.contains("taken"),
        "{second:?}"
    );
    let third = Edge::with_exactly(&on_port(0, first.admin_address.port()))
        .fails_to_start()
        .await;
    assert!(third.stderr.contains("admin.bind"), "{third:?}");
    first.stop().await;
}

#[tokio::test]
async fn a_broken_file_does_not_start_and_says_every_mistake() {
    let text = "version = 1\n[upstream.m]\nendpoints = [\"http://127.0.0.1:1\"]\n\
                [route.a]\npath = \"/a\"\nupstream = \"n\"\n[route.b]\npath = \"/b\"\nauth = \"none\"\nupstrem = \"m\"\n";
    let ended = Edge::with_exactly(text).fails_to_start().await;
    assert_eq!(ended.code, Some(1));
    for said in ["routes.toml:4", "routes.toml:6", "upstrem", "auth"] {
        assert!(
            ended.stderr.contains(said),
            "{said} is missing in:\n{}",
            ended.stderr
        );
    }
}

const CANARY: &str = r#"
        [upstream.m]
        endpoints = ["http://127.0.0.1:1"]
        [upstream.o]
        endpoints = ["http://127.0.0.1:2"]
        [auth.issuer.shop]
        issuer = "x"
        audience = ["x"]
        algorithms = ["HS256"]
        secret = "${SHOP_SECRET}"
        [route.orders]
        path = "/api/orders"
        auth = "shop"
        legacy = "m"
        service = { upstream = "o", rewrite.path = "/orders" }
        phase = "canary"
        salt = "orders-v2"
        canary.percent = 5
        canary.allow.groups = ["testers"]
        [route.all]
        path = "/"
        auth = "none"
        upstream = "m"
        "#;

#[tokio::test]
async fn explain_says_which_route_side_and_path() {
    let plan =
        Edge::with_routes(CANARY).env("SHOP_SECRET", "a-secret-of-at-least-32-bytes-for-hs256");
    for (more, side, reason, bucket, path) in [
        (
            &["--user", "alice"][..],
            "service",
            "bucket",
            318,
            "/orders/7",
        ),
        (
            &["--user", "bob"],
            "legacy",
            "bucket",
            7826,
            "/api/orders/7",
        ),
        (
            &["--user", "bob", "--group", "testers"],
            "service",
            "allowed",
            7826,
            "/orders/7",
        ),
    ] {
        let arguments = [
            &["explain", "GET", "/api/orders/./7", "--output", "json"],
            more,
        ]
        .concat();
        let ended = plan.run(&arguments).await;
        let told: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(told["route"], "orders");
        assert_eq!(
            (told["side"].as_str(), told["reason"].as_str()),
            (Some(side), Some(reason)),
            "{told}"
        );
        assert_eq!(
            (&told["bucket"], &told["path"]),
            (&bucket.into(), &path.into()),
            "{told}"
        );
    }
    let text = plan
        .run(&["explain", "POST", "/api/orders", "--user", "alice"])
        .await
        .stdout;
    assert!(
        text.contains("legacy, by rule: method") && text.contains("not all: it matches too"),
        "{text}"
    );
}

#[tokio::test]
async fn check_ends_with_the_public_routes() {
    let ended = Edge::with_exactly(&on_port(0, 0))
        .run(&["check", "routes.toml"])
        .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("1 routes")
            && ended.stdout.contains("public, no token asked for: all"),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let origin = Origin::saying("ok").await;
    let edge = Edge::with_routes(&format!(
        "[rate_limit.few]\nkey = \"ip\"\nrate = \"2/h\"\nburst = 2\n[upstream.m]\nendpoints = [\"{}\"]\n{ROUTE}\
         rate_limit = [\"few\"]\n",
        origin.url()
    ));
    let edge = edge.start().await;
    let first = edge.get("/").send().await;
    assert_eq!(first.field("ratelimit-policy"), Some("\"few\";q=2;w=3600"));
    assert_eq!(first.field("ratelimit"), Some("\"few\";r=1;t=1800"));
    edge.get("/").send().await;
    let over = edge.get("/").send().await;
    assert_eq!((over.status, over.problem()), (429, "rate_limited".into()));
    let wait: u64 = over.field("retry-after").unwrap().parse().unwrap();
    assert!((1790..=1800).contains(&wait), "{wait}");
    assert_eq!(over.json()["limit"], "few");
    assert_eq!(origin.seen().len(), 2);
    edge.stop().await;
}

#[tokio::test]
async fn a_reload_by_admin_says_what_changed_or_what_is_wrong() {
    let edge = Edge::with_exactly(&on_port(0, 0)).start().await;
    // Beside the watch, so that only the order itself reads the file.
    let text = edge.routes();
    std::fs::write(
        edge.folder().join("routes.toml"),
        text.replace("[edge]", "[egde]"),
    )
    .unwrap();
    let refused = edge.reload().await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.json()["report"].as_str().unwrap().contains("egde"),
        "{}",
        refused.json()
    );
    std::fs::write(
        edge.folder().join("routes.toml"),
        text.replace("\"/\"", "\"/x\""),
    )
    .unwrap();
    let applied = edge.reload().await;
    assert_eq!(applied.status, 200);
    assert_eq!(
        edge.admin("/routes").send().await.json()["routes"][0]["takes"],
        "/x"
    );
    edge.stop().await;
}
