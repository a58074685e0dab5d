//! Requests are copied to the other side of a migration, and what both say is compared.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tests::edge::Edge;
use tests::origin::{Origin, Reply};
use tests::shop::Shop;
use tests::sides::{Sides, json};

const SHADOW: &str = "phase = \"shadow\"\nshadow.noise_percent = 0\n";

#[tokio::test]
async fn a_copy_goes_to_the_service_and_the_client_hears_legacy() {
    let sides = Sides::saying(r#"{"total": 5}"#, r#"{"total": 5.0}"#).await;
    let edge = sides.edge(SHADOW).start().await;
    let answer = edge
        .get("/api/orders/7?a=1&b=%20")
        .header("x-shadow", "spoofed")
        .header("x-request-id", "of the client")
        .header("cookie", "sid=secret")
        .header("authorization", "Bearer secret")
        .header("x-api-key", "secret")
        .header("accept", "application/json")
        .send()
        .await;
    assert_eq!((answer.status, answer.text()), (200, r#"{"total": 5}"#));
    assert_eq!(answer.field("x-served-by"), Some("legacy"));
    assert_eq!(answer.field("x-shadow"), None);
    edge.has_pairs("matched", 1).await;

    let (original, copy) = (
        &sides.legacy.saw(1).await[0],
        &sides.service.saw(1).await[0],
    );
    assert_eq!(copy.head.line, "GET /api/orders/7?a=1&b=%20 HTTP/1.1");
    assert_eq!(copy.head.line, original.head.line);
    assert!(original.head.all("x-shadow").is_empty());
    assert_eq!(copy.head.all("x-shadow"), ["1"]);
    for name in ["host", "accept", "x-forwarded-for", "via"] {
        assert_eq!(copy.head.all(name), original.head.all(name), "{name}");
    }
    for name in ["cookie", "authorization", "x-api-key"] {
        assert_eq!(original.head.all(name).len(), 1);
        assert!(copy.head.all(name).is_empty(), "{name}");
    }
    let (one, other) = (
        original.head.all("x-request-id"),
        copy.head.all("x-request-id"),
    );
    assert_ne!(one, other);
    let (one, other) = (
        original.head.all("traceparent"),
        copy.head.all("traceparent"),
    );
    assert_eq!(one[0][..36], other[0][..36], "the same trace");
    assert_ne!(one, other);
    edge.stop().await;
}

#[tokio::test]
async fn the_shops_orders_are_copied_for_whom_they_are_without_token_or_cookie() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let token = shop.token(&edge, &["--user", "u-2"]).await;
    let answer = edge
        .get("/api/orders")
        .bearer(&token)
        .header("cookie", "sid=1")
        .send()
        .await;
    assert_eq!(
        (answer.status, answer.field("x-served-by")),
        (200, Some("legacy"))
    );
    // But for the time of the answer, which the file ignores.
    edge.has_pairs("ignored", 1).await;
    let seen = shop.stub("orders").seen().await;
    let copy = seen.last().unwrap()["fields"].to_string();
    assert!(
        copy.contains("x-user-id") && copy.contains("x-shadow"),
        "{copy}"
    );
    assert!(
        !copy.contains("authorization") && !copy.contains("cookie"),
        "{copy}"
    );
    shop.stub("orders")
        .switch(serde_json::json!({"price_as_text": true}))
        .await;
    edge.get("/api/orders").bearer(&token).send().await;
    edge.has_pairs("mismatched", 1).await;
    // Legacy's prices are numbers, the service's are texts now.
    let found = differences(&edge).await;
    let prices = found
        .iter()
        .find(|(path, _, _)| path == "$.items[*].items[*].price");
    assert_eq!(
        prices.map(|(_, kind, _)| kind.as_str()),
        Some("type"),
        "{found:?}"
    );
}

/// Path, kind and class of what both sides differ in.
async fn differences(edge: &Edge) -> Vec<(String, String, String)> {
    let said = edge.admin("/migrations/orders/diffs").send().await.json();
    let rows = said["diffs"].as_array().cloned().unwrap_or_default();
    let word =
        |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (word(row, "path"), word(row, "kind"), word(row, "class")))
        .collect()
}

#[tokio::test]
async fn credentials_go_along_only_when_the_file_says_so() {
    for (credentials, goes) in [("none", false), ("identity", false), ("forward", true)] {
        let sides = Sides::saying("{}", "{}").await;
        let rest = format!("{SHADOW}shadow.credentials = \"{credentials}\"");
        let edge = sides.edge(&rest).start().await;
        let request = edge.get("/api/orders").header("cookie", "sid=secret");
        request
            .header("authorization", "Bearer secret")
            .header("x-api-key", "secret")
            .send()
            .await;
        let copy = &sides.service.saw(1).await[0].head;
        for name in ["cookie", "authorization", "x-api-key"] {
            assert_eq!(
                copy.all(name).len(),
                usize::from(goes),
                "{credentials} {name}"
            );
        }
    }
}

#[tokio::test]
async fn a_write_is_copied_only_to_what_the_file_calls_a_sandbox() {
    let sides = Sides::saying("{}", "{}").await;
    let edge = sides.edge(SHADOW).start().await;
    let post = || {
        edge.post("/api/orders")
            .header("content-type", "text/plain")
    };
    assert_eq!(post().body("first").send().await.status, 200);
    edge.has_dropped("method", 1).await;
    edge.take_over(|text| {
        let methods = "shadow.methods = [\"POST\"]\nshadow.unsafe_methods = true";
        text.replace(
            SHADOW,
            &format!("{SHADOW}{methods}\nshadow.target_is_sandbox = true\n"),
        )
    })
    .await;
    assert_eq!(post().body("second").send().await.status, 200);
    edge.has_pairs("matched", 1).await;
    let copies = sides.service.saw(1).await;
    assert_eq!(copies.len(), 1);
    assert_eq!(
        (copies[0].head.method(), copies[0].body.as_slice()),
        ("POST", &b"second"[..])
    );
    assert_eq!(sides.legacy.seen().len(), 2);
    // It says so only once: the file is refused, and nothing changes.
    edge.edit(|text| text.replace("shadow.target_is_sandbox = true", ""));
    assert_eq!(edge.reload().await.status, 422);
}

#[tokio::test]
async fn what_differs_is_told_from_what_may() {
    let legacy = r#"{"id": 1, "at": "12:00", "items": [{"price": 5}, {"price": 6}]}"#;
    let service = r#"{"id": 1, "at": "12:01", "items": [{"price": 5}, {"price": "6"}]}"#;
    let sides = Sides::saying(legacy, service).await;
    let edge = sides.edge(SHADOW).start().await;
    edge.get("/api/orders").send().await;
    edge.has_pairs("mismatched", 1).await;
    let ignoring = |paths: &str| format!("{SHADOW}shadow.ignore = [{paths}]\n");
    let only_time = ignoring(r#""$.at""#);
    edge.take_over(|text| text.replace(SHADOW, &only_time))
        .await;
    edge.get("/api/orders").send().await;
    edge.has_pairs("mismatched", 2).await;
    let both = ignoring(r#""$.at", "$.items[*].price""#);
    edge.take_over(|text| text.replace(&only_time, &both)).await;
    edge.get("/api/orders").send().await;
    edge.has_pairs("ignored", 1).await;
    assert_eq!(edge.pairs("mismatched").await, 2);
}

/// Answers with another id each time.
async fn numbering() -> Origin {
    let next = Arc::new(AtomicU64::new(0));
    Origin::handling(move |mut wire, log| {
        let next = Arc::clone(&next);
        async move {
            while let Some((head, body)) = wire.request().await {
                log.note(head, body);
                let id = next.fetch_add(1, Ordering::SeqCst);
                let Reply::Bytes(bytes) = json(&format!(r#"{{"id": {id}}}"#)) else {
                    return;
                };
                wire.send(bytes).await;
            }
        }
    })
    .await
}

#[tokio::test]
async fn legacy_is_asked_twice_where_noise_is_looked_for() {
    let sides = Sides {
        legacy: numbering().await,
        service: Origin::scripted([json(r#"{"id": 1000}"#)]).await,
    };
    let rest = "phase = \"shadow\"\nshadow.noise_percent = 100\n";
    let edge = sides.edge(rest).start().await;
    let asked = edge.get("/api/orders").header("cookie", "sid=1");
    assert_eq!(asked.send().await.text(), r#"{"id": 0}"#);
    edge.has_pairs("mismatched", 1).await;
    let asked = sides.legacy.saw(2).await;
    assert_eq!(asked[1].head.all("x-shadow"), ["1"]);
    // It had them already.
    assert_eq!(asked[1].head.all("cookie"), ["sid=1"]);
    assert_eq!(sides.service.seen().len(), 1);
    // Asking again is no use of legacy by anybody.
    assert_eq!(edge.metric("banyan_requests_total", "legacy").await, 1);
    // What legacy does not say twice is nothing that the service must say.
    for _ in 0..29 {
        edge.get("/api/orders").send().await;
    }
    edge.has_pairs("mismatched", 30).await;
    let found = differences(&edge).await;
    assert_eq!(found, [("$.id".into(), "value".into(), "noise".into())]);
}

#[tokio::test]
async fn a_canary_copies_what_legacy_answers() {
    let sides = Sides::saying("{}", "{}").await;
    let edge = sides
        .edge("phase = \"canary\"\ncanary.percent = 50\nshadow.percent = 100\nshadow.noise_percent = 0")
        .start()
        .await;
    let mut legacy = 0;
    for user in 0..40 {
        let request = edge.get(&format!("/api/orders/{user}"));
        let answer = request
            .header("x-device-id", &format!("user-{user}"))
            .send()
            .await;
        legacy += u64::from(answer.field("x-served-by") == Some("legacy"));
    }
    assert!((10..30).contains(&legacy), "{legacy}");
    edge.has_pairs("matched", legacy).await;
    let seen = sides.service.saw(40).await;
    let copies = seen
        .iter()
        .filter(|seen| seen.head.all("x-shadow") == ["1"]);
    assert_eq!(copies.count() as u64, legacy);
    // Forced back, nothing is copied.
    edge.take_over(|text| {
        text.replace(
            "phase = \"canary\"",
            "force = \"legacy\"\nphase = \"canary\"",
        )
    })
    .await;
    edge.get("/api/orders/1")
        .header("x-device-id", "user-1")
        .send()
        .await;
    assert_eq!(edge.pairs("matched").await, legacy);
    assert_eq!(
        edge.metric("banyan_shadow_copies_total", "orders").await,
        legacy
    );
}

#[tokio::test]
async fn the_sample_is_the_same_callers_in_every_process() {
    let mut samples: Vec<BTreeSet<String>> = Vec::new();
    for _ in 0..2 {
        let sides = Sides::saying("{}", "{}").await;
        let rest = format!("{SHADOW}shadow.percent = 50");
        let edge = sides.edge(&rest).start().await;
        for user in (0..30).chain(0..30) {
            let request = edge.get(&format!("/api/orders/{user}"));
            request
                .header("x-device-id", &format!("user-{user}"))
                .send()
                .await;
        }
        let copies = edge.metric("banyan_shadow_copies_total", "orders");
        let sent = copies.await;
        let seen = sides.service.saw(usize::try_from(sent).unwrap()).await;
        samples.push(
            seen.iter()
                .map(|seen| seen.head.target().to_owned())
                .collect(),
        );
        let once = samples.last().unwrap().len();
        assert!((5..25).contains(&once), "{once}");
        edge.has_pairs("matched", 2 * once as u64).await;
    }
    assert_eq!(samples[0], samples[1]);
}

#[tokio::test]
async fn once_migrated_legacy_is_asked_as_the_file_says() {
    let sides = Sides::saying(r#"{"a": 1}"#, r#"{"a": 1}"#).await;
    let edge = sides
        .edge("phase = \"migrated\"\nshadow.reverse = true\nshadow.noise_percent = 0")
        .start()
        .await;
    let answer = edge.get("/api/orders").send().await;
    assert_eq!(answer.field("x-served-by"), Some("service"));
    edge.has_pairs("matched", 1).await;
    assert_eq!(sides.legacy.saw(1).await[0].head.all("x-shadow"), ["1"]);
    assert_eq!(edge.metric("banyan_requests_total", "legacy").await, 0);
    edge.take_over(|text| text.replace("shadow.reverse = true", ""))
        .await;
    edge.get("/api/orders").send().await;
    assert_eq!(sides.legacy.seen().len(), 1);
}

#[tokio::test]
async fn a_mirror_compares_nothing() {
    let sides = Sides::saying("{}", r#"["something else"]"#).await;
    let edge = sides
        .edge("phase = \"shadow\"\nshadow.compare = false")
        .start()
        .await;
    edge.get("/api/orders").send().await;
    edge.has_pairs("mirrored", 1).await;
    assert_eq!(sides.service.seen().len(), 1);
    assert_eq!(
        (edge.pairs("mismatched").await, sides.legacy.seen().len()),
        (0, 1)
    );
}

#[tokio::test]
async fn a_copy_goes_where_the_service_has_its_paths() {
    let sides = Sides::saying("{}", "{}").await;
    let text = tests::sides::routes(&sides.legacy.url(), &sides.service.url(), SHADOW);
    let table = "service = { upstream = \"orders\", rewrite.path = \"/v2\", rewrite.host = \"orders.internal\" }";
    let text = text.replace("service = \"orders\"", table);
    let edge = Edge::with_routes(&text).start().await;
    edge.get("/api/orders/%37?a=1").send().await;
    let copy = &sides.service.saw(1).await[0].head;
    assert_eq!(copy.target(), "/v2/7?a=1");
    assert_eq!(copy.all("host"), ["orders.internal"]);
    edge.has_pairs("matched", 1).await;
}
