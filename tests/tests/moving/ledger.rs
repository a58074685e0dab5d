//! Who still uses the old side of a route.

use serde_json::Value;
use tests::edge::Edge;
use tests::origin::{Origin, Reply};
use tests::screens::Screens;
use tests::sides::Sides;

fn answer(status: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

/// Who, with what, what came of it, how often.
type Row = (String, String, String, u64);

fn row(client: &str, agent: &str, status: &str, count: u64) -> Row {
    let [client, agent, status] = [client, agent, status].map(str::to_owned);
    (client, agent, status, count)
}

fn rows(users: &Value) -> Vec<Row> {
    let read = |one: &Value| {
        let text = |member: &str| one[member].as_str().unwrap();
        let count = one["count"].as_u64().unwrap();
        row(text("client"), text("user_agent"), text("status"), count)
    };
    let mut rows: Vec<Row> = users.as_array().unwrap().iter().map(read).collect();
    rows.sort();
    rows
}

/// When each was last seen; never before it was first seen.
fn last_seen(users: &Value) -> Vec<f64> {
    let time = |one: &Value| {
        let (first, last) = (
            one["first"].as_f64().unwrap(),
            one["last"].as_f64().unwrap(),
        );
        assert!(first <= last, "{one}");
        last
    };
    users.as_array().unwrap().iter().map(time).collect()
}

fn total(users: &Value) -> u64 {
    rows(users).iter().map(|row| row.3).sum()
}

async fn asks(edge: &Edge, client: &str, agent: &str) {
    let request = edge.get("/api/orders/1").header("user-agent", agent);
    request.header("x-forwarded-for", client).send().await;
}

#[tokio::test]
async fn users_are_told_apart_by_client_program_and_outcome() {
    let statuses = [
        "200 OK",
        "200 OK",
        "404 Not Found",
        "403 Forbidden",
        "401 Unauthorized",
        "400 Bad Request",
        "500 Internal Server Error",
        "302 Found",
    ];
    let sides = Sides {
        legacy: Origin::scripted(statuses.map(answer)).await,
        service: Origin::saying("service").await,
    };
    let plan = sides.edge("phase = \"legacy\"\n");
    plan.edit(|text| text.replace("[edge]\n", "[edge]\ntrusted_proxies = [\"127.0.0.1\"]\n"));
    let edge = plan.start().await;
    for _ in 0..2 {
        asks(&edge, "192.0.2.7", "old app/1").await;
    }
    for _ in 0..3 {
        asks(&edge, "192.0.2.66", "scanner").await;
    }
    asks(&edge, "192.0.2.7", "old app/1").await;
    asks(&edge, "192.0.2.7", "old app/1").await;
    asks(&edge, "2001:db8::1:2:3:4", "cron").await;
    let path = "/migrations/orders/users";
    let users = edge
        .tells(path, "all users", |users| total(users) == 8)
        .await;
    let expected = [
        row("192.0.2.66", "scanner", "probe", 3),
        row("192.0.2.7", "old app/1", "client_error", 1),
        row("192.0.2.7", "old app/1", "ok", 2),
        row("192.0.2.7", "old app/1", "server_error", 1),
        // The network of a site, not a machine of it.
        row("2001:db8::", "cron", "ok", 1),
    ];
    assert_eq!(rows(&users), expected);
    let last = last_seen(&users);
    assert!(
        last.is_sorted_by(|one, next| one >= next),
        "the last one comes first: {users}"
    );
    let used = edge.row("orders").await["legacy_last_used"]
        .as_f64()
        .unwrap();
    assert!((used - last[0]).abs() < 0.01, "{used} {users}");
    let edge = edge.stopped().await.start().await;
    assert_eq!(rows(&edge.told(path).await), expected);
    edge.stop().await;
}

#[tokio::test]
async fn neither_copies_nor_noise_nor_health_are_a_use() {
    let sides = Sides::saying(r#"{"a": 1}"#, r#"{"a": 1}"#).await;
    let rest = "phase = \"migrated\"\nshadow.reverse = true\nshadow.noise_percent = 100\n";
    let edge = sides.edge(rest).start().await;
    for _ in 0..3 {
        let answer = edge.get("/api/orders/1").send().await;
        assert_eq!(answer.field("x-served-by"), Some("service"));
    }
    edge.has_pairs("matched", 3).await;
    assert_eq!(sides.legacy.saw(3).await.len(), 3);
    for path in ["/livez", "/readyz"] {
        edge.admin(path).send().await;
    }
    edge.says("orders", "kill", "ana", "to use it once").await;
    let request = edge.get("/api/orders/1");
    request.header("user-agent", "the only one").send().await;
    // Everything is noted by then.
    let edge = edge.stopped().await.start().await;
    let users = edge.told("/migrations/orders/users").await;
    assert_eq!(rows(&users), [row("127.0.0.1", "the only one", "ok", 1)]);
    edge.stop().await;
}

#[tokio::test]
async fn when_legacy_is_compared_with_itself_a_request_is_one_use() {
    let sides = Sides::saying(r#"{"a": 1}"#, r#"{"a": 1}"#).await;
    let edge = sides
        .edge("phase = \"shadow\"\nshadow.noise_percent = 100\n")
        .start()
        .await;
    for _ in 0..3 {
        edge.get("/api/orders/1")
            .header("user-agent", "a")
            .send()
            .await;
    }
    edge.has_pairs("matched", 3).await;
    // Asked twice each time.
    assert_eq!(sides.legacy.saw(6).await.len(), 6);
    let edge = edge.stopped().await.start().await;
    assert_eq!(total(&edge.told("/migrations/orders/users").await), 3);
    edge.stop().await;
}

#[tokio::test]
async fn a_page_through_a_bff_is_a_use_of_the_part_that_legacy_answers() {
    let screens = Screens::start().await;
    screens
        .edge
        .says("products", "kill", "ana", "to use it")
        .await;
    let page = screens.get("/web/products/7");
    let page = page.header("user-agent", "a browser").send().await;
    assert_eq!(page.status, 200, "{page:?}");
    let path = "/migrations/products/users";
    let used = |users: &Value| total(users) > 0;
    let users = screens.edge.tells(path, "the use", used).await;
    assert_eq!(rows(&users), [row("127.0.0.1", "bff-web", "ok", 1)]);
    screens.stop().await;
}
