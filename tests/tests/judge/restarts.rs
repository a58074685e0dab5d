//! A gateway that is killed at any moment knows afterwards what it showed, bit by bit.

use std::time::Duration;

use serde_json::Value;
use tests::edge::Edge;
use tests::load::times;
use tests::moody::Mood;

use crate::canary::{Canary, users};

/// The variable that says how often it is killed.
const KILLS: &str = "BANYAN_JUDGE_KILLS";
const KILLS_DEFAULT: u32 = 4;

/// What a look leaves behind: numbers as they are written, so that equal is equal to the bit.
async fn evidence(edge: &Edge) -> Value {
    let mut judge = edge.row("orders").await["judge"].take();
    // Says only when it was asked.
    judge.as_object_mut().unwrap().remove("age");
    judge
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_its_evidence_is_what_it_was() {
    let canary = Canary::new().await;
    for side in [&canary.legacy, &canary.service] {
        side.is(Mood {
            failing: 0.02,
            ..Mood::default()
        });
    }
    let mut edge = canary
        .plan("steps = [25, 50]", "min_samples = 300")
        .start()
        .await;
    for round in 0..times(KILLS, KILLS_DEFAULT) {
        let asking = users(&edge, 300);
        let mut seen = vec![evidence(&edge).await];
        let moment = Duration::from_millis(u64::from(round + 1) * 1_379 % 3_500);
        let clock = chassis::clock::Clock::system();
        let begin = clock.now();
        while clock.now() - begin < moment {
            tokio::time::sleep(Duration::from_millis(10)).await;
            seen.push(evidence(&edge).await);
        }
        let plan = edge.killed().await;
        asking.stop().await;
        edge = plan.start().await;
        let now = evidence(&edge).await;
        let looks = |judge: &Value| judge["looks"].as_u64().unwrap();
        // Nothing that was shown is lost; a look may have been kept that nobody was shown.
        let last = seen.last().unwrap();
        assert!(
            looks(&now) >= looks(last),
            "round {round}: {last} and then {now}"
        );
        for one in seen.iter().filter(|one| looks(one) == looks(&now)) {
            let mut then = one.clone();
            // What is slow may be found out between two looks.
            if then["slow_above_ms"].is_null() {
                then["slow_above_ms"] = now["slow_above_ms"].clone();
            }
            assert_eq!(then, now, "round {round}");
        }
    }
    edge.stop().await;
}
