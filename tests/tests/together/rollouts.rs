//! One of several gateways judges what all of them see, and when it is gone another one does.

use std::time::Duration;

use chassis::clock::Clock;
use rustix::process::Signal;
use serde_json::Value;
use tests::edge::Edge;
use tests::moody::Mood;
use tests::redis::Redis;
use tests::users::Users;

use crate::pair::{Sides, is_judge, judge_of, pair, phase, row, soon};

/// So long after the judge is gone there is another one.
const TAKEN_OVER: Duration = Duration::from_secs(10);

fn users(edge: &Edge) -> Users {
    Users::asking(|| edge.client(), "/api/orders/1", 1_000, 150)
}

/// Waits until it does, instead of one that is gone.
async fn judges(edge: &Edge) {
    let it_does = |board: &Value| board["company"]["judge"] == board["company"]["me"];
    let taken_over = edge.tells("/migrations", "another judge", it_does);
    let taken_over = tokio::time::timeout(TAKEN_OVER, taken_over).await;
    assert!(taken_over.is_ok(), "no other judge");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_service_is_left_by_all_when_the_judge_has_seen_what_all_saw() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (judge, other) = pair(&sides, &redis, "steps = [25, 50]").await;
    // All requests come to the one that does not judge.
    let users = users(&other);
    let seen = |row: &Value| row["judge"]["service"]["samples"].as_u64() > Some(30);
    for edge in [&judge, &other] {
        row(edge, "what the other one saw", seen).await;
    }
    sides.service.is(Mood {
        failing: 0.5,
        ..Mood::default()
    });
    row(&judge, "the rollback", phase("rolled_back")).await;
    soon(&other, "the rollback", phase("rolled_back")).await;
    users.stop().await;
    let mut told = Vec::new();
    for edge in [&judge, &other] {
        let rolled_back = |events: &Value| events[0]["to"] == "rolled_back";
        let path = "/migrations/orders/events?limit=1";
        let events = edge.tells(path, "the rollback's story", rolled_back).await;
        told.push((events[0]["id"].clone(), events[0]["detail"].clone()));
    }
    assert_eq!(told[0], told[1]);
    // Half of the callers fail, which may be more than half at once.
    let trigger = told[0].1["trigger"].as_str();
    assert!(matches!(trigger, Some("failed" | "hard_errors")));
    judge.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_judge_is_killed_another_one_goes_on_where_it_was() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    for side in [&sides.legacy, &sides.service] {
        side.is(Mood {
            failing: 0.02,
            ..Mood::default()
        });
    }
    let (judge, other) = pair(&sides, &redis, "steps = [25, 50]").await;
    let users = users(&other);
    row(&other, "some looks", |row| {
        row["judge"]["looks"].as_u64() >= Some(4)
    })
    .await;
    let before = other.row("orders").await;
    let killed = Clock::system().now();
    let plan = judge.killed().await;
    judges(&other).await;
    println!("another judge after {:?}", Clock::system().now() - killed);
    // It goes on with the same step and what was seen of it, the requests of the time between among them.
    let looks = before["judge"]["looks"].as_u64().unwrap();
    let after = row(&other, "another look", |row| {
        row["judge"]["looks"].as_u64() > Some(looks + 1)
    })
    .await;
    assert_eq!(after["judge"]["since"], before["judge"]["since"], "{after}");
    let requests = |row: &Value| row["judge"]["service"]["requests"].as_u64().unwrap();
    assert!(requests(&after) > requests(&before), "{before} {after}");
    // Whoever comes back is not the judge, and knows what the judge knows.
    let back = plan.start().await;
    assert_eq!(judge_of(&back).await, judge_of(&other).await);
    assert!(!is_judge(&back).await);
    row(&back, "the same looks", |row| {
        row["judge"]["looks"].as_u64() > Some(looks + 1)
    })
    .await;
    users.stop().await;
    back.stop().await;
    // It hands the lease on when it ends well, so nobody waits.
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_judge_that_sleeps_through_its_lease_changes_nothing_when_it_wakes() {
    let (redis, sides) = (Redis::start().await, Sides::new().await);
    let (judge, other) = pair(&sides, &redis, "steps = [25, 50]").await;
    let users = users(&other);
    row(&judge, "some looks", |row| {
        row["judge"]["looks"].as_u64() >= Some(2)
    })
    .await;
    judge.process.signal(Signal::STOP);
    judges(&other).await;
    sides.service.is(Mood {
        failing: 0.5,
        ..Mood::default()
    });
    row(&other, "the rollback", phase("rolled_back")).await;
    other.says("orders", "hold", "ana", "who was that?").await;
    let before = other.row("orders").await;
    judge.process.signal(Signal::CONT);
    // It hears what was judged and said, and judges no more.
    row(&judge, "the rollback", phase("rolled_back")).await;
    row(&judge, "the word", |row| {
        row["effective"] == before["effective"]
    })
    .await;
    let name = judge_of(&other).await;
    let known = |board: &Value| board["company"]["judge"] == *name;
    judge.tells("/migrations", "the other judge", known).await;
    let after = other.row("orders").await;
    for what in ["effective", "judge", "rollbacks", "epoch"] {
        assert_eq!(before[what], after[what]);
    }
    users.stop().await;
    for edge in [&judge, &other] {
        let path = "/migrations/orders/events";
        let events = edge.told(path).await;
        let events = events.as_array().unwrap().iter();
        let rollbacks = events.filter(|event| event["to"] == "rolled_back");
        assert_eq!(rollbacks.count(), 1);
    }
    judge.stop().await;
    other.stop().await;
}
