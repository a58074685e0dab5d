//! A canary is entered from shadow once enough pairs were compared and match.

use serde_json::{Value, json};
use tests::edge::{Edge, Plan};
use tests::sides::Sides;

/// So many pairs open the gate.
const PAIRS: u64 = 5;

const SHADOW: &str = r#"phase = "shadow"
        salt = "orders-v2"
        canary.percent = 100
        shadow.noise_percent = 0
        shadow.gate.min_compared = 5"#;

const CLOSED: &str = "0 of 5 pairs compared";

async fn sides() -> Sides {
    Sides::saying(r#"{"a": 1}"#, r#"{"a": 1}"#).await
}

fn plan(sides: &Sides) -> Plan {
    sides.edge(SHADOW).env("USER", "ana")
}

fn to_canary(text: &str) -> String {
    text.replace("phase = \"shadow\"", "phase = \"canary\"")
}

async fn side(edge: &Edge) -> String {
    let request = edge.get("/api/orders/1").header("x-device-id", "alice");
    let answer = request.send().await;
    assert_eq!(answer.status, 200);
    answer.field("x-served-by").unwrap().to_owned()
}

async fn open_the_gate(edge: &Edge) {
    for _ in 0..PAIRS {
        assert_eq!(side(edge).await, "legacy");
    }
    let open = |row: &Value| row["shadow"]["gate"]["open"] == true;
    edge.tells("/migrations/orders", "an open gate", open).await;
}

#[tokio::test]
async fn cutover_asks_the_running_gateway_and_leaves_the_file_alone_while_the_gate_is_closed() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let before = edge.routes();
    let cutover = ["cutover", "orders", "--to", "canary", "--percent", "100"];
    let said = edge.refuses(&cutover).await;
    assert!(
        said.starts_with(&format!(
            "error: orders may not enter canary yet: {CLOSED}; the file stays as it is"
        )),
        "{said}"
    );
    assert_eq!(edge.routes(), before);
    assert_eq!(side(&edge).await, "legacy");
    // Nothing was changed, so nothing is in the audit.
    assert_eq!(edge.told("/audit").await, json!([]));
    // Neither without a reason is it forced.
    let forced = [&cutover[..], &["--force"]].concat();
    assert_eq!(edge.run(&forced).await.code, Some(2));

    let lines = edge.process.stderr.count();
    let forced = [&forced[..], &["--why", "compared by hand"]].concat();
    let said = edge.prints(&forced).await;
    assert!(
        said.starts_with("orders: shadow -> canary 100 %; routes.toml is written"),
        "{said}"
    );
    let taken = |line: &str| line.contains("taken over").then_some(());
    edge.logged("the new phase", lines, taken).await;
    assert_eq!(side(&edge).await, "service");
    assert_eq!(edge.in_force("orders").await, "canary");
    // What was said, and what came of it.
    let audit = edge.told("/audit").await;
    let lines = audit.as_array().unwrap();
    assert_eq!(lines.len(), 2, "{audit}");
    for (line, what, after) in [
        (&lines[0], "cutover", "canary"),
        (&lines[1], "force", "shadow, and canary may be entered"),
    ] {
        let told = ["what", "who", "why", "route", "before", "after"].map(|name| &line[name]);
        let expected = [what, "ana", "compared by hand", "orders", "shadow", after];
        assert_eq!(told, expected, "{audit}");
    }
    let events = edge.told("/migrations/orders/events").await;
    assert_eq!(
        (&events[0]["from"], &events[0]["to"]),
        (&json!("shadow"), &json!("canary"))
    );
    assert_eq!(
        (&events[0]["who"], &events[0]["why"]),
        (&json!("ana"), &json!("compared by hand"))
    );

    // Once: back and forth again, the gate is as closed as it was.
    edge.prints(&["cutover", "orders", "--to", "shadow"]).await;
    edge.reload().await;
    assert!(
        edge.refuses(&cutover)
            .await
            .contains("may not enter canary yet")
    );
    edge.stop().await;
}

#[tokio::test]
async fn cutover_goes_through_once_the_gate_is_open() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    open_the_gate(&edge).await;
    let status = edge.prints(&["status", "orders"]).await;
    assert!(status.contains("gate            open"), "{status}");
    edge.prints(&["cutover", "orders", "--to", "canary"]).await;
    edge.reload().await;
    assert_eq!(side(&edge).await, "service");
    // A word stands above the file: it is taken back first.
    edge.prints(&["hold", "orders", "--why", "wait for me"])
        .await;
    let said = edge
        .refuses(&["cutover", "orders", "--to", "migrated"])
        .await;
    assert!(
        said.contains("held by ana") && said.contains("resume it first"),
        "{said}"
    );
    edge.prints(&["resume", "orders", "--why", "I am back"])
        .await;
    edge.prints(&["cutover", "orders", "--to", "migrated"])
        .await;
    edge.stop().await;
}

#[tokio::test]
async fn an_edit_that_comes_too_early_is_refused_and_taken_over_by_itself_in_time() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let why =
        format!("route.orders.phase: orders may not enter canary yet, and stays shadow: {CLOSED}");
    let lines = edge.process.stderr.count();
    edge.edit(to_canary);
    let refused = |line: &str| {
        (line.contains("configuration refused") && line.contains(CLOSED)).then_some(())
    };
    edge.logged("the refusal", lines, refused).await;
    assert!(
        edge.details().await[0].ends_with(&why),
        "{:?}",
        edge.details().await
    );
    assert_eq!(edge.in_force("orders").await, "shadow");
    let answer = edge.reload().await;
    assert_eq!((answer.status, &answer.json()["why"]), (422, &json!(why)));

    // Nobody has to save the file again.
    let lines = edge.process.stderr.count();
    open_the_gate(&edge).await;
    let taken = |line: &str| line.contains("taken over").then_some(());
    edge.logged("the file in force", lines, taken).await;
    assert_eq!(edge.details().await, [""; 0]);
    assert_eq!(edge.in_force("orders").await, "canary");
    assert_eq!(side(&edge).await, "service");
    edge.stop().await;
}

#[tokio::test]
async fn an_edit_that_came_too_early_is_taken_over_at_once_when_somebody_asks() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    edge.edit(to_canary);
    assert_eq!(edge.reload().await.status, 422);
    open_the_gate(&edge).await;
    // The watch may have been faster.
    let answer = edge.reload().await;
    assert_eq!(
        (answer.status, &answer.json()["generation"]),
        (200, &json!(2))
    );
    assert_eq!(side(&edge).await, "service");
    edge.stop().await;
}

#[tokio::test]
async fn a_start_with_a_phase_that_comes_too_early_waits_in_the_one_before() {
    let sides = sides().await;
    let plan = plan(&sides).start().await.stopped().await;
    plan.edit(to_canary);
    let edge = plan.start().await;
    let waits = format!("declared canary, waits: {CLOSED}");
    assert_eq!(side(&edge).await, "legacy");
    assert_eq!(edge.details().await, [format!("route orders: {waits}")]);
    assert_eq!(edge.in_force("orders").await, format!("shadow ({waits})"));
    let logged = |line: &str| {
        let said = line.contains("the declared phase is not in force");
        (said && line.contains("orders") && line.contains(CLOSED)).then_some(())
    };
    edge.logged("that it waits", 0, logged).await;
    let status = edge.prints(&["status"]).await;
    assert!(status.contains(&format!("orders: {waits}")), "{status}");
    let row = edge.row("orders").await;
    assert_eq!(
        (&row["declared"], &row["effective"]["phase"]),
        (&json!("canary"), &json!("shadow"))
    );

    // Another edit is taken over meanwhile, and changes nothing about it but how far it has got.
    edge.take_over(|text| {
        let route = "path = \"/x\"\nauth = \"none\"\nupstream = \"monolith\"";
        format!("{text}\n[route.x]\n{route}\n")
    })
    .await;
    let now = edge.in_force("orders").await;
    assert!(now.starts_with("shadow (declared canary, waits: "), "{now}");

    // It is compared as in shadow, and enters by itself.
    open_the_gate(&edge).await;
    let entered = |row: &Value| row["effective"]["phase"] == "canary";
    edge.tells("/migrations/orders", "the canary", entered)
        .await;
    assert_eq!(edge.details().await, [""; 0]);
    assert_eq!(side(&edge).await, "service");
    // From here on it is history.
    let edge = edge.killed().await.start().await;
    assert_eq!(side(&edge).await, "service");
    edge.stop().await;
}

#[tokio::test]
async fn without_a_gateway_the_next_start_looks_and_a_force_needs_one() {
    let sides = sides().await;
    let edge = plan(&sides).start().await;
    let address = edge.admin_address.to_string();
    let plan = edge.stopped().await.env("BANYAN_ADMIN_BIND", &address);
    let before = plan.routes();
    let forced = [
        "cutover", "orders", "--to", "canary", "--force", "--why", "now",
    ];
    let ended = plan.run(&forced).await;
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no gateway answers"), "{ended:?}");
    assert_eq!(plan.routes(), before);
    let ended = plan.run(&["cutover", "orders", "--to", "canary"]).await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("looked at when one starts"),
        "{ended:?}"
    );
    let edge = plan.env("BANYAN_ADMIN_BIND", "127.0.0.1:0").start().await;
    assert!(edge.in_force("orders").await.starts_with("shadow ("));
    edge.stop().await;
}
