//! Files that were taken over are numbered, and the number never starts again.

use serde_json::{Value, json};
use tests::edge::Edge;
use tests::sides::Sides;

/// The numbers and what changed, the newest first.
async fn generations(edge: &Edge) -> Vec<(u64, String)> {
    let told = edge.told("/generations").await;
    let pair = |one: &Value| {
        let changes = one["changes"].as_str().unwrap().to_owned();
        (one["number"].as_u64().unwrap(), changes)
    };
    told.as_array().unwrap().iter().map(pair).collect()
}

async fn number(edge: &Edge) -> u64 {
    let ready = edge.told("/readyz").await["generation"].as_u64().unwrap();
    let board = edge.told("/migrations").await["generation"]
        .as_u64()
        .unwrap();
    assert_eq!(ready, board);
    ready
}

#[tokio::test]
async fn the_number_goes_on_over_restarts_and_is_the_same_for_the_same_text() {
    let sides = Sides::saying("{}", "{}").await;
    let edge = sides.edge("phase = \"legacy\"").start().await;
    assert_eq!(number(&edge).await, 1);
    edge.take_over(|text| text.replace("\"legacy\"", "\"shadow\""))
        .await;
    assert_eq!(number(&edge).await, 2);
    let line = |line: &Value| line["generation"] == 2;
    edge.get("/api/orders").send().await;
    edge.access_line("a line of the second", line).await;

    // A restart is no change, killed or not.
    let edge = edge.stopped().await.start().await;
    assert_eq!(number(&edge).await, 2);
    let edge = edge.killed().await.start().await;
    assert_eq!(number(&edge).await, 2);
    let before = generations(&edge).await;
    assert_eq!(before.len(), 2, "{before:?}");
    assert_eq!(before[1], (1, "read at the start".to_owned()));
    assert!(before[0].1.contains("shadow"), "{before:?}");

    // What was edited meanwhile is a change.
    let plan = edge.stopped().await;
    plan.edit(|text| format!("{text}\n# a word\n"));
    let edge = plan.start().await;
    assert_eq!(number(&edge).await, 3);
    assert_eq!(
        generations(&edge).await[0],
        (3, "read at the start".to_owned())
    );
    edge.take_over(|text| text.replace("\"shadow\"", "\"legacy\""))
        .await;
    let now = generations(&edge).await;
    assert_eq!(now[0].0, 4);
    assert_eq!(now.len(), 4);
    assert_eq!(
        edge.told("/generations?limit=1")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );

    // A file that is refused has no number.
    edge.edit(|text| text.replace("\"legacy\"\n", "\"nowhere\"\n"));
    assert_eq!(edge.reload().await.status, 422);
    assert_eq!(number(&edge).await, 4);
    assert_eq!(generations(&edge).await, now);
    // Its text is nobody's who only asks for numbers.
    let told = edge.told("/generations").await;
    assert_eq!(told[0].get("text"), None);
    assert_eq!(told[0]["number"], json!(4));
    edge.stop().await;
}
