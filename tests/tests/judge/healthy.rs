//! A service as good as legacy is promoted, and nobody notices; one that is as bad is never taken back.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use tests::edge::Edge;
use tests::load::times;
use tests::moody::Mood;

use crate::canary::{Canary, USERS, all_well, until, users};

/// The variable that says how many rollouts of sides that are alike there are.
const ROLLOUTS: &str = "BANYAN_JUDGE_ROLLOUTS";
const ROLLOUTS_DEFAULT: u32 = 2;

/// The variable that says how long a step takes at least, in seconds.
const STEP: &str = "BANYAN_JUDGE_STEP_SECONDS";
const STEP_DEFAULT: u32 = 2;

const JUDGE: &str = "min_samples = 300\nmax_error_rate_delta = 0.02";

/// How often a rollout that takes longer than one wait of a test is looked at.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// So many times the shortest time a step may take.
const STEPS_AT_MOST: u32 = 12;

fn steps(seconds: u32) -> String {
    format!("steps = [25, 50, 100]\nstep_min = \"{seconds}s\"\nstep_max = \"1h\"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_service_is_promoted_with_no_person_and_no_client_error() {
    let canary = Canary::new().await;
    canary.take(Duration::from_millis(4));
    let seconds = times(STEP, STEP_DEFAULT);
    let edge = canary.plan(&steps(seconds), JUDGE).start().await;
    let users = users(&edge, 400);
    let row = decided(&edge, seconds).await;
    assert_eq!(row["effective"]["phase"], "migrated", "{row}");
    assert_eq!(row["declared"], "canary");
    assert_eq!(row["rollbacks"], 0);
    all_well(&users.stop().await);

    // A restart changes nothing: the service answers everybody.
    let edge = edge.killed().await.start().await;
    assert_eq!(until(&edge, "migrated").await["declared"], "canary");
    let answer = edge.get("/api/orders/1").send().await;
    assert_eq!(answer.field("x-served-by"), Some("service"));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sides_that_are_alike_none_is_taken_back() {
    // One request in a hundred fails, and one user in a hundred always.
    let broken: BTreeSet<String> = (0..USERS)
        .step_by(100)
        .map(|user| format!("user-{user}"))
        .collect();
    for rollout in 0..times(ROLLOUTS, ROLLOUTS_DEFAULT) {
        let canary = Canary::new().await;
        for side in [&canary.legacy, &canary.service] {
            side.is(Mood {
                failing: 0.01,
                latency: Duration::from_millis(4),
                broken: broken.clone(),
                ..Mood::default()
            });
        }
        let edge = canary
            .plan(
                &steps(STEP_DEFAULT),
                "min_samples = 300\nmax_error_rate_delta = 0.05",
            )
            .start()
            .await;
        let users = users(&edge, 400);
        let row = decided(&edge, STEP_DEFAULT * 2).await;
        println!(
            "rollout {rollout}: {} of {}",
            row["effective"]["phase"], row["judge"]
        );
        assert_eq!(
            row["effective"]["phase"], "migrated",
            "rollout {rollout}: {row}"
        );
        assert_eq!(row["rollbacks"], 0, "rollout {rollout}: {row}");
        users.stop().await;
        edge.stop().await;
    }
}

/// Rolled back or through.
async fn decided(edge: &Edge, step: u32) -> Value {
    let clock = chassis::clock::Clock::system();
    let patience = Duration::from_secs(u64::from(step * STEPS_AT_MOST)) + Duration::from_secs(30);
    let begin = clock.now();
    loop {
        let row = edge.row("orders").await;
        if row["effective"]["phase"] != "canary" {
            return row;
        }
        assert!(clock.now() - begin < patience, "undecided: {row}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
