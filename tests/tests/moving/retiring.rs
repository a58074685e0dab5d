//! Legacy is taken out of use once nobody has used it for long enough.

use serde_json::{Value, json};
use tests::edge::{Edge, Plan};
use tests::origin::Origin;
use tests::sides::Sides;

async fn sides() -> Sides {
    Sides {
        legacy: Origin::saying("legacy").await,
        service: Origin::saying("service").await,
    }
}

fn plan(sides: &Sides, retire_after: &str) -> Plan {
    let plan = sides.edge("phase = \"migrated\"\n");
    plan.edit(|text| format!("{text}\n[state]\nretire_after = \"{retire_after}\"\n"));
    plan
}

async fn ask(edge: &Edge) -> String {
    let answer = edge.get("/api/orders/1").send().await;
    assert_eq!(answer.status, 200);
    answer.text().to_owned()
}

async fn retire(edge: &Edge) {
    let said = edge.prints(&["retire", "orders"]).await;
    assert!(
        said.starts_with("orders: migrated -> retired; routes.toml is written"),
        "{said}"
    );
    // The watch may have been faster.
    assert_eq!(edge.reload().await.status, 200);
    assert_eq!(edge.in_force("orders").await, "retired");
}

#[tokio::test]
async fn too_early_it_says_how_much_is_left() {
    let sides = sides().await;
    let edge = plan(&sides, "1h").start().await;
    let before = edge.routes();
    let said = edge.refuses(&["retire", "orders"]).await;
    let left = "legacy must go unused for 0 d 1 h 0 m: 0 d 1 h 0 m left";
    assert!(
        said.starts_with(&format!("error: orders may not enter retired yet: {left}")),
        "{said}"
    );
    assert_eq!(edge.routes(), before);
    let status = edge.prints(&["status", "orders"]).await;
    assert!(
        status.contains("retire          0 d 1 h 0 m left"),
        "{status}"
    );

    // By hand as little as by command.
    edge.edit(|text| text.replace("\"migrated\"", "\"retired\""));
    let answer = edge.reload().await;
    let why =
        format!("route.orders.phase: orders may not enter retired yet, and stays migrated: {left}");
    assert_eq!((answer.status, &answer.json()["why"]), (422, &json!(why)));

    // A start with it waits, with the way back at hand.
    let edge = edge.stopped().await.start().await;
    assert_eq!(ask(&edge).await, "service");
    assert!(
        edge.in_force("orders")
            .await
            .starts_with("migrated (declared retired, waits: legacy")
    );
    edge.says("orders", "kill", "ana", "it fails").await;
    assert_eq!(ask(&edge).await, "legacy");
    edge.stop().await;
}

#[tokio::test]
async fn once_retired_legacy_gets_no_request_and_no_connection() {
    let sides = sides().await;
    let edge = plan(&sides, "0s").start().await;
    edge.says("orders", "kill", "ana", "to use it once").await;
    assert_eq!(ask(&edge).await, "legacy");
    edge.says("orders", "resume", "ana", "used").await;
    retire(&edge).await;
    // A kill of all cannot lead to what is not there; one of the route says so.
    let said = edge.refuses(&["kill", "orders", "--why", "it fails"]).await;
    assert!(said.starts_with("error: orders is retired"), "{said}");
    let plan = edge.stopped().await;
    let (requests, connections) = (sides.legacy.seen().len(), sides.legacy.connections());
    let edge = plan.start().await;
    edge.prints(&["kill", "--all", "--why", "everything fails"])
        .await;
    for _ in 0..5 {
        assert_eq!(ask(&edge).await, "service");
    }
    edge.prints(&["resume", "--all", "--why", "it works"]).await;
    assert_eq!(ask(&edge).await, "service");
    let edge = edge.stopped().await.start().await;
    assert_eq!(sides.legacy.seen().len(), requests);
    assert_eq!(sides.legacy.connections(), connections);
    // The way back is one edit.
    edge.prints(&["cutover", "orders", "--to", "migrated"])
        .await;
    edge.reload().await;
    assert_eq!(edge.in_force("orders").await, "migrated");
    edge.stop().await;
}

#[tokio::test]
async fn observed_time_goes_on_over_a_restart_and_starts_again_with_a_use() {
    let sides = sides().await;
    let edge = plan(&sides, "2s").start().await;
    edge.says("orders", "kill", "ana", "to use it").await;
    assert_eq!(ask(&edge).await, "legacy");
    edge.says("orders", "resume", "ana", "used").await;
    // Noted a moment later, it is what the clock starts from.
    let used = |row: &Value| row["legacy_last_used"].is_f64();
    let row = edge.tells("/migrations/orders", "the use", used).await;
    assert_eq!(row["retire"]["allowed"], false, "{row}");
    assert!(
        edge.refuses(&["retire", "orders"])
            .await
            .contains("legacy must go unused")
    );
    let edge = edge.stopped().await.start().await;
    let row_again = edge.row("orders").await;
    assert_eq!(row_again["legacy_last_used"], row["legacy_last_used"]);
    let allowed = |row: &Value| row["retire"]["allowed"] == true;
    let row = edge
        .tells("/migrations/orders", "the end of the clock", allowed)
        .await;
    assert_eq!(row["retire"]["left"], "allowed");
    assert!(
        row["retire"]["unused_seconds"].as_f64().unwrap() >= 2.0,
        "{row}"
    );
    retire(&edge).await;
    assert_eq!(ask(&edge).await, "service");
    edge.stop().await;
}
