//! The internal listener: the same routes for callers that may speak there, without limits, and with answers that say
//! where their route leads.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::collections::BTreeMap;

use chassis::handover::{Cohort, RouteState};
use http::HeaderValue;
use tests::answer::Answer;
use tests::edge::{Edge, Plan};
use tests::origin::{Origin, Reply};

const SECRET: &str = "a-secret-of-at-least-32-bytes-for-hs256";

/// One route on each listener, one on both, one that moves, one that asks who is calling.
fn routes(legacy: &Origin, service: &Origin) -> String {
    format!(
        r#"
        [internal]
        bind = "127.0.0.1:0"
        [auth.issuer.shop]
        issuer = "https://id.shop.example"
        audience = ["shop-api"]
        algorithms = ["HS256"]
        secret = "${{SHOP_SECRET}}"
        [rate_limit.two]
        key = "ip"
        rate = "2/h"
        burst = 2
        [upstream.monolith]
        endpoints = ["{}"]
        [upstream.orders]
        endpoints = ["{}"]
        [route.outside]
        path = "/outside"
        auth = "none"
        upstream = "monolith"
        [route.inside]
        path = "/inside"
        listeners = ["internal"]
        auth = "none"
        upstream = "monolith"
        [route.limited]
        path = "/limited"
        listeners = ["edge", "internal"]
        auth = "none"
        rate_limit = ["two"]
        upstream = "monolith"
        [route.private]
        path = "/private"
        listeners = ["edge", "internal"]
        auth = "shop"
        upstream = "monolith"
        [route.orders]
        path = "/api/orders"
        listeners = ["edge", "internal"]
        auth = "none"
        legacy = "monolith"
        service = "orders"
        phase = "canary"
        salt = "orders-v2"
        sticky = ["header:x-device-id"]
        canary.percent = 5
        "#,
        legacy.url(),
        service.url()
    )
}

fn plan(legacy: &Origin, service: &Origin) -> Plan {
    Edge::with_routes(&routes(legacy, service)).env("SHOP_SECRET", SECRET)
}

async fn origins() -> (Origin, Origin) {
    (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    )
}

fn state(answer: &Answer) -> RouteState {
    let value = answer.field("x-banyan-state").expect("the route's state");
    RouteState::read(&HeaderValue::from_str(value).unwrap()).expect("a route's state")
}

fn cohort(answer: &Answer) -> Option<Cohort> {
    let value = answer.field("x-banyan-cohort")?;
    Some(Cohort::read(&HeaderValue::from_str(value).unwrap()).expect("a cohort"))
}

#[tokio::test]
async fn a_route_is_found_on_its_listeners_only() {
    let (legacy, service) = origins().await;
    let edge = plan(&legacy, &service).start().await;
    for (path, at_the_edge, inside) in [
        ("/outside", 200, 404),
        ("/inside", 404, 200),
        ("/limited", 200, 200),
    ] {
        assert_eq!(edge.get(path).send().await.status, at_the_edge, "{path}");
        assert_eq!(edge.internal(path).send().await.status, inside, "{path}");
    }
    let line = edge
        .access_line("the line of /inside", |line| {
            line["path"] == "/inside" && line["status"] == 200
        })
        .await;
    assert_eq!(
        (&line["listener"], &line["route"]),
        (&"internal".into(), &"inside".into())
    );
    let line = edge.access_line("the line of /outside", |line| {
        line["path"] == "/outside" && line["status"] == 200
    });
    assert!(line.await.get("listener").is_none());

    let shown = edge.admin("/routes").send().await.json();
    let of = |name: &str| {
        let routes = shown["routes"].as_array().unwrap();
        routes.iter().find(|route| route["name"] == name).unwrap()["listeners"].clone()
    };
    assert_eq!(of("outside"), serde_json::Value::Null);
    assert_eq!(of("inside"), serde_json::json!(["internal"]));
    assert_eq!(of("limited"), serde_json::json!(["edge", "internal"]));
    let explained = ["explain", "GET", "/inside", "--listener", "internal"];
    let told = edge.run(&explained).await.stdout;
    assert!(told.contains("inside takes it, on internal"), "{told}");
    edge.stop().await;
}

#[tokio::test]
async fn without_the_table_there_is_no_such_listener() {
    let origin = Origin::saying("ok").await;
    let text = format!(
        "[upstream.m]\nendpoints = [\"{}\"]\n[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        origin.url()
    );
    let edge = Edge::with_routes(&text).start().await;
    assert_eq!(edge.internal_address, None);
    let request = edge.get("/").header("x-request-deadline-ms", "50");
    assert_eq!(request.send().await.status, 200);
    let head = &origin.seen()[0].head;
    for name in ["x-banyan-state", "x-banyan-sticky", "x-request-deadline-ms"] {
        assert!(head.all(name).is_empty(), "{name}");
    }
    // It comes with a restart, and not before.
    let added = |text: &str| {
        text.replace(
            "[upstream.m]",
            "[internal]\nbind = \"127.0.0.1:0\"\n[upstream.m]",
        )
    };
    let lines = edge.process.stderr.count();
    edge.edit(added);
    edge.logged("what needs a restart", lines, |line| {
        (line.contains("only with a restart") && line.contains("internal added")).then_some(())
    })
    .await;
    edge.stop().await;
}

#[tokio::test]
async fn who_is_no_trusted_caller_is_refused_until_a_reload_says_otherwise() {
    let (legacy, service) = origins().await;
    let text = routes(&legacy, &service).replace(
        "[internal]\n",
        "[internal]\n        trusted_callers = [\"10.0.0.0/8\"]\n",
    );
    let edge = Edge::with_routes(&text)
        .env("SHOP_SECRET", SECRET)
        .start()
        .await;
    for path in ["/inside", "/nowhere"] {
        let refused = edge.internal(path).send().await;
        assert_eq!(
            (refused.status, refused.problem()),
            (403, "caller_refused".into())
        );
        assert_eq!(refused.field("x-banyan-state"), None);
        assert_eq!(refused.field("x-banyan-rejected"), Some("caller_refused"));
    }
    let line = edge
        .access_line("the refusal", |line| line["code"] == "caller_refused")
        .await;
    assert_eq!(
        (&line["listener"], &line["status"]),
        (&"internal".into(), &403.into())
    );
    let metrics = edge.admin("/metrics").send().await;
    let counted = "banyan_problems_total{code=\"caller_refused\"} 2";
    assert!(metrics.text().contains(counted), "{}", metrics.text());
    assert!(legacy.seen().is_empty());

    edge.take_over(|text| text.replace("10.0.0.0/8", "127.0.0.1"))
        .await;
    assert_eq!(edge.internal("/inside").send().await.status, 200);
    edge.stop().await;
}

#[tokio::test]
async fn tokens_are_verified_there_and_identity_is_believed_from_nobody() {
    let (legacy, service) = origins().await;
    let plan = plan(&legacy, &service);
    let token = plan.run(&["token", "--user", "ana"]).await.stdout;
    let edge = plan.start().await;
    let spoofed = edge.internal("/private").header("x-user-id", "root");
    let refused = spoofed.send().await;
    assert_eq!(
        (refused.status, refused.problem()),
        (401, "token_missing".into())
    );
    assert_eq!(state(&refused).route, "private");
    let request = edge.internal("/private").bearer(token.trim());
    let request = request
        .header("x-user-id", "root")
        .header("x-user-admin", "1")
        .header("x-forwarded-for", "192.0.2.1");
    assert_eq!(request.send().await.status, 200);
    let head = &legacy.seen()[0].head;
    assert_eq!(head.all("x-user-id"), ["ana"]);
    assert!(head.all("x-user-admin").is_empty());
    assert_eq!(head.all("x-forwarded-for"), ["127.0.0.1"]);
    edge.stop().await;
}

#[tokio::test]
async fn only_a_problem_of_the_gateway_is_called_so_and_only_there() {
    const FIELD: &str = "x-banyan-rejected";
    let claim =
        "HTTP/1.1 404 Not Found\r\nx-banyan-rejected: route_not_found\r\ncontent-length: 0\r\n\r\n";
    let legacy = Origin::scripted([Reply::Bytes(claim.into())]).await;
    let service = Origin::saying("service").await;
    let edge = plan(&legacy, &service).start().await;
    let said = edge.internal("/nowhere").send().await;
    assert_eq!(said.field(FIELD), Some("route_not_found"));
    let claimed = edge.internal("/inside").send().await;
    assert_eq!((claimed.status, claimed.field(FIELD)), (404, None));
    for path in ["/nowhere", "/outside"] {
        let outside = edge.get(path).send().await;
        assert_eq!(
            (outside.status, outside.field(FIELD)),
            (404, None),
            "{path}"
        );
    }
    edge.stop().await;
}

#[tokio::test]
async fn no_limit_runs_there() {
    let (legacy, service) = origins().await;
    let edge = plan(&legacy, &service).start().await;
    for _ in 0..5 {
        let answer = edge.internal("/limited").send().await;
        assert_eq!((answer.status, answer.field("ratelimit")), (200, None));
    }
    for status in [200, 200, 429] {
        assert_eq!(edge.get("/limited").send().await.status, status);
    }
    edge.stop().await;
}

/// Every route's state on the internal listener.
async fn states(edge: &Edge) -> BTreeMap<String, RouteState> {
    let mut states = BTreeMap::new();
    for path in ["/inside", "/limited", "/private", "/api/orders"] {
        let state = state(&edge.internal(path).send().await);
        states.insert(state.route.clone(), state);
    }
    states
}

#[tokio::test]
async fn a_routes_state_changes_with_that_route_alone_and_is_the_same_in_every_process() {
    let (legacy, service) = origins().await;
    let (edge, other) = (plan(&legacy, &service), plan(&legacy, &service));
    let (edge, other) = (edge.start().await, other.start().await);
    let first = states(&edge).await;
    assert_eq!(first, states(&other).await);
    assert_eq!(first.len(), 4);

    edge.take_over(|text| {
        text.replace("path = \"/inside\"", "path = \"/inside\"\ntimeout = \"3s\"")
    })
    .await;
    assert_eq!(states(&edge).await, first);
    edge.take_over(|text| text.replace("canary.percent = 5", "canary.percent = 6"))
        .await;
    let moved = states(&edge).await;
    for (name, state) in &moved {
        assert_ne!(state.state, first[name].state, "{name}");
        assert_eq!(state.token != first[name].token, name == "orders", "{name}");
    }
    edge.take_over(|text| text.replace("canary.percent = 6", "canary.percent = 5"))
        .await;
    assert_eq!(states(&edge).await, first);
    edge.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn every_routes_state_changes_when_a_route_takes_requests_from_another() {
    let (legacy, service) = origins().await;
    let edge = plan(&legacy, &service).start().await;
    let first = states(&edge).await;
    let route = "[route.one]\npath = { exact = \"/api/orders/71\" }\nlisteners = [\"internal\"]";
    let route = format!("{route}\nauth = \"none\"\nupstream = \"monolith\"\n");
    edge.take_over(|text| format!("{text}\n{route}")).await;
    let taken = edge.internal("/api/orders/71").send().await;
    assert_eq!(state(&taken).route, "one");
    for (name, state) in &states(&edge).await {
        assert_ne!(state.token, first[name].token, "{name}");
        assert_ne!(state.state, first[name].state, "{name}");
    }
    edge.take_over(|text| text.replace(&route, "")).await;
    assert_eq!(states(&edge).await, first);
    edge.stop().await;
}

#[tokio::test]
async fn an_answer_names_its_cohort_while_the_route_is_a_canary() {
    let (legacy, service) = origins().await;
    let edge = plan(&legacy, &service).start().await;
    let ask = |key: &'static str| {
        let request = edge.internal("/api/orders");
        request.header("x-banyan-sticky", key).send()
    };
    let cohort_of = |side: &str| {
        let (route, side) = ("orders".to_owned(), side.to_owned());
        Some(Cohort {
            route,
            epoch: 1,
            side,
        })
    };
    // alice is in bucket 318 under this salt, bob in 7826.
    for (key, side) in [("alice", "service"), ("bob", "legacy")] {
        let answer = ask(key).await;
        assert_eq!(
            (answer.text(), answer.field("x-served-by")),
            (side, Some(side))
        );
        assert_eq!(cohort(&answer), cohort_of(side));
    }
    assert_eq!(cohort(&edge.internal("/inside").send().await), None);
    // Taken back, it is still one.
    edge.take_over(|text| {
        text.replace(
            "canary.percent = 5",
            "canary.percent = 5\nforce = \"legacy\"",
        )
    })
    .await;
    assert_eq!(cohort(&ask("alice").await), cohort_of("legacy"));
    edge.take_over(|text| {
        let over = text.replace("force = \"legacy\"\n", "");
        over.replace("phase = \"canary\"", "phase = \"migrated\"")
    })
    .await;
    let answer = ask("bob").await;
    assert_eq!((answer.text(), cohort(&answer)), ("service", None));
    edge.stop().await;
}
