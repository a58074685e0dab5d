//! What one gateway counted is shown by all, and a use of legacy on one is a use on all.

use std::time::Duration;

use serde_json::Value;
use tests::redis::Redis;

use crate::pair::{Sides, pair, row};

/// So many requests come to one of them.
const REQUESTS: u64 = 60;

/// A use that was long ago; the next one is later by more than this.
const WAITED: Duration = Duration::from_secs(3);

#[tokio::test]
async fn what_one_counted_is_shown_by_all_and_none_counts_twice() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, "percent = 50").await;
    for user in 0..REQUESTS {
        let asked = one
            .get("/api/orders/1")
            .header("x-device-id", &user.to_string());
        asked.send().await;
    }
    let requests = |row: &Value, side: &str| row[side]["requests"].as_u64().unwrap();
    let all = |row: &Value| requests(row, "legacy") + requests(row, "service");
    let seen = row(&other, "the other one's requests", |row| {
        all(row) == REQUESTS
    })
    .await;
    let own = row(&one, "its own requests", |row| all(row) == REQUESTS).await;
    for side in ["legacy", "service"] {
        assert!(requests(&seen, side) > 0, "{seen}");
        assert_eq!(seen[side], own[side]);
    }
    assert_eq!(seen["service_share"], own["service_share"]);
    other
        .get("/api/orders/1")
        .header("x-device-id", "0")
        .send()
        .await;
    for edge in [&one, &other] {
        row(edge, "all requests", |row| all(row) == REQUESTS + 1).await;
        let status = edge.prints(&["status"]).await;
        assert!(status.contains("2 gateways; this one"), "{status}");
    }
    let company = one.told("/migrations").await["company"].take();
    assert_eq!(company["others"].as_array().unwrap().len(), 1, "{company}");

    // What it knew before it was killed it still knows: it is not counted once more.
    let back = other.killed().await.start().await;
    for edge in [&one, &back] {
        let known = |board: &Value| board["company"]["others"].as_array().unwrap().len() == 1;
        edge.tells("/migrations", "the other one", known).await;
        row(edge, "the same requests", |row| all(row) == REQUESTS + 1).await;
    }
    // Whoever ends well is not there any more.
    back.stop().await;
    let alone = |board: &Value| board["company"]["others"].as_array().unwrap().is_empty();
    one.tells("/migrations", "that it is alone", alone).await;
    one.stop().await;
}

#[tokio::test]
async fn a_use_of_legacy_on_one_starts_the_wait_again_on_all() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, "percent = 0").await;
    let waits =
        |row: &Value| row["retire"]["unused_seconds"].as_f64() >= Some(WAITED.as_secs_f64());
    let before = row(&other, "some time without a use", waits).await;
    assert!(before["legacy_last_used"].is_null(), "{before}");
    one.get("/api/orders/1").send().await;
    let after = row(&other, "the use", |row| row["legacy_last_used"].is_f64()).await;
    assert!(!waits(&after), "{after}");
    let same = |row: &Value| row["legacy_last_used"] == after["legacy_last_used"];
    row(&one, "the same use", same).await;
    one.stop().await;
    other.stop().await;
}
