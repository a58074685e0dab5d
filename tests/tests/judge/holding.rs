//! What is no fault of the service moves nothing: an outage of both sides, nobody at all, one user in trouble.

use std::time::Duration;

use tests::moody::Mood;
use tests::users::Users;

use crate::canary::{Canary, PATH, USERS, stays, until_samples, users};

/// So many looks of the judge it must stay as it is.
const LOOKS: u64 = 8;

const STEPS: &str = "steps = [25, 50]\nstep_min = \"2s\"";
const JUDGE: &str = "min_samples = 300\nmax_error_rate_delta = 0.02";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_that_both_sides_share_is_waited_for() {
    let canary = Canary::new().await;
    let edge = canary
        .plan("steps = [25, 50]\nstep_min = \"1m\"", JUDGE)
        .start()
        .await;
    let users = users(&edge, 300);
    until_samples(&edge, "service", 100).await;
    for side in [&canary.legacy, &canary.service] {
        side.is(Mood {
            failing: 0.9,
            latency: Duration::from_millis(5),
            ..Mood::default()
        });
    }
    let row = stays(&edge, LOOKS).await;
    assert!(
        row["judge"]["service"]["failed"].as_u64() > Some(50),
        "{row}"
    );
    assert_eq!(
        (&row["share"], &row["rollbacks"]),
        (&25.0.into(), &0.into())
    );
    users.stop().await;
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_requests_nothing_is_known_and_it_says_how_many_are_missing() {
    let canary = Canary::new().await;
    let edge = canary.plan(STEPS, JUDGE).start().await;
    let row = stays(&edge, LOOKS).await;
    assert_eq!(
        (&row["share"], &row["judge"]["verdict"]),
        (&25.0.into(), &"hold".into())
    );
    assert_eq!(row["judge"]["missing"], 300, "{row}");
    let told = edge.prints(&["status", "orders"]).await;
    assert!(told.contains("0 of 300 samples"), "{told}");
    assert!(told.contains("about 300 more requests"), "{told}");
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_who_hammers_an_error_takes_nobody_back() {
    let canary = Canary::new().await;
    let edge = canary
        .plan("steps = [25, 50]\nstep_min = \"1m\"", JUDGE)
        .start()
        .await;
    // Some user of the service.
    let mut unlucky = 0;
    loop {
        let name = format!("user-{unlucky}");
        let answer = edge.get(PATH).header("x-device-id", &name).send().await;
        if answer.field("x-served-by") == Some("service") {
            break;
        }
        unlucky += 1;
    }
    canary.service.is(Mood {
        broken: [format!("user-{unlucky}")].into(),
        ..Mood::default()
    });
    let hammering = Users::asking(|| edge.client(), PATH, unlucky + 1, 400);
    let others = Users::asking(|| edge.client(), PATH, USERS, 200);
    let row = stays(&edge, LOOKS).await;
    assert!(
        row["judge"]["service"]["failed"].as_u64() > Some(50),
        "{row}"
    );
    assert_eq!(row["share"], 25.0, "{row}");
    hammering.stop().await;
    others.stop().await;
    edge.stop().await;
}
