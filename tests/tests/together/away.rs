//! While Redis is away each gateway goes on alone, rollouts hold, and nothing is lost when it is back.

use serde_json::Value;
use tests::moody::Mood;
use tests::redis::Redis;
use tests::users::Users;

use crate::pair::{HAND, Sides, pair, phase, row, shares, soon};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_rollouts_hold_and_words_are_heard_when_it_is_back() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, "steps = [25, 50]").await;
    let users = Users::asking(|| one.client(), "/api/orders/1", 1_000, 150);
    let seen = |row: &Value| row["judge"]["service"]["samples"].as_u64() > Some(30);
    row(&one, "samples", seen).await;

    let gone = redis.kill().await;
    shares(&one, false).await;
    shares(&other, false).await;
    assert!(
        one.details()
            .await
            .iter()
            .any(|detail| detail.contains("rollouts hold"))
    );
    let looks = one.row("orders").await["judge"]["looks"].clone();
    // Traffic goes on, and so do words, where they are said.
    sides.service.is(Mood {
        failing: 0.5,
        ..Mood::default()
    });
    other.says("orders", "hold", "ana", "redis is away").await;
    let mut users = users;
    users.go_on(300).await;
    let held = one.row("orders").await;
    assert_eq!(
        (&held["judge"]["looks"], &held["effective"]["phase"]),
        (&looks, &Value::from("canary"))
    );

    // It comes back with nothing, and knows everything soon: the word, and what was seen meanwhile.
    let _redis = gone.start().await;
    shares(&one, true).await;
    shares(&other, true).await;
    let heard = |row: &Value| {
        let reason = row["effective"]["reason"].as_str().unwrap_or_default();
        reason.contains("held by ana")
    };
    soon(&one, "the word", heard).await;
    row(&one, "the rollback", phase("rolled_back")).await;
    soon(&other, "the rollback", phase("rolled_back")).await;
    let heard = users.stop().await;
    assert!(
        heard
            .iter()
            .all(|one| matches!(one.status, Some(200 | 500)))
    );
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn a_frozen_redis_holds_nobody_up_and_what_was_said_meanwhile_is_heard() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, HAND).await;
    redis.freeze();
    shares(&one, false).await;
    one.says("orders", "kill", "ana", "redis is frozen").await;
    assert!(phase("legacy")(&one.row("orders").await));
    assert_eq!(other.get("/api/orders/1").send().await.status, 200);
    assert!(phase("canary")(&other.row("orders").await));
    redis.thaw();
    row(&other, "the kill", phase("legacy")).await;
    shares(&one, true).await;
    shares(&other, true).await;
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn when_redis_and_a_gateway_forget_everything_the_kept_word_is_heard_by_all() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, HAND).await;
    one.says("orders", "kill", "ana", "checkout fails").await;
    soon(&other, "the kill", phase("legacy")).await;
    let url = redis.url();
    let (kept, gone) = (one.stopped().await, redis.kill().await);
    other.stop().await;
    let _redis = gone.start().await;
    let anew = sides.plan(&url, HAND).start().await;
    assert!(phase("canary")(&anew.row("orders").await));
    let back = kept.start().await;
    assert!(phase("legacy")(&back.row("orders").await));
    row(&anew, "the kill", phase("legacy")).await;
    back.stop().await;
    anew.stop().await;
}
