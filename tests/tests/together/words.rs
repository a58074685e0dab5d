//! What is said to one gateway holds on all.

use tests::redis::Redis;

use crate::pair::{HAND, Sides, pair, phase, soon};

#[tokio::test]
async fn what_is_said_to_one_is_in_force_on_the_other_within_two_seconds() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, HAND).await;
    one.says("orders", "kill", "ana", "checkout fails").await;
    let row = soon(&other, "the kill", phase("legacy")).await;
    let reason = row["effective"]["reason"].as_str().unwrap();
    assert!(reason.contains("killed by ana"), "{reason}");
    // Both ways, and by whom is known everywhere.
    other.says("orders", "resume", "ben", "mended").await;
    soon(&one, "the resume", phase("canary")).await;
    for edge in [&one, &other] {
        let known = |events: &serde_json::Value| {
            let who = |name: &str| {
                events
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|event| event["who"] == name)
            };
            who("ana") && who("ben")
        };
        let events = edge
            .tells("/migrations/orders/events", "both words", known)
            .await;
        let events = events.as_array().unwrap();
        let kills = events.iter().filter(|event| event["who"] == "ana");
        assert_eq!(kills.count(), 1, "{events:?}");
    }
    // A gateway that comes later knows before it answers anybody.
    other.says("orders", "rollback", "ben", "prices").await;
    let third = sides.plan(&redis.url(), HAND).start().await;
    assert!(phase("rolled_back")(&third.row("orders").await));
    for edge in [one, other, third] {
        edge.stop().await;
    }
}

#[tokio::test]
async fn the_same_user_is_on_the_same_side_everywhere_after_a_resume_too() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (one, other) = pair(&sides, &redis, HAND).await;
    one.says("orders", "rollback", "ana", "prices").await;
    soon(&other, "the rollback", phase("rolled_back")).await;
    other.says("orders", "resume", "ana", "mended").await;
    soon(&one, "the resume", |row| {
        row["epoch"] == 2 && phase("canary")(row)
    })
    .await;
    let mut moved = 0;
    for user in 0..200 {
        let name = format!("user-{user}");
        let mut sides = Vec::new();
        for edge in [&one, &other] {
            let answer = edge
                .get("/api/orders/1")
                .header("x-device-id", &name)
                .send()
                .await;
            sides.push(answer.field("x-served-by").unwrap().to_owned());
        }
        assert_eq!(sides[0], sides[1], "{name}");
        moved += u32::from(sides[0] == "service");
    }
    assert!((20..=80).contains(&moved), "{moved} of 200");
    one.stop().await;
    other.stop().await;
}
