//! A service that is worse than legacy is left, within seconds.

use std::time::Duration;

use chassis::clock::Clock;
use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::moody::Mood;
use tests::origin::Origin;

use crate::canary::{Canary, last_event, until, until_samples, until_timed, users, well};

/// With one who is told.
fn telling(plan: Plan, receiver: &Origin) -> Plan {
    let url = receiver.url();
    let webhook = format!("[webhook.ops]\nurl = \"{url}\"\nsecret = \"${{HOOK_SECRET}}\"\n");
    plan.edit(|text| format!("{text}\n{webhook}"));
    plan.env("HOOK_SECRET", "at least twenty-four bytes")
}

/// What they were told of the rollback, once nothing waits to be told.
async fn rollback_told(edge: &Edge, receiver: &Origin) -> Value {
    let sent = |told: &Value| told["webhooks"]["ops"]["pending"] == 0;
    edge.tells("/notifications", "no message that waits", sent)
        .await;
    let seen = receiver.seen();
    let mut bodies = seen
        .iter()
        .map(|one| serde_json::from_slice::<Value>(&one.body).unwrap());
    let told = bodies.find(|body| body["type"] == "route.rolled_back");
    told.unwrap()["data"].take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_fails_half_of_its_requests_is_out_within_twenty_seconds() {
    let canary = Canary::new().await;
    let receiver = Origin::saying("").await;
    let plan = canary.plan("steps = [5, 50]", "");
    let edge = telling(plan, &receiver).start().await;
    let users = users(&edge, 300);
    until_samples(&edge, "service", 20).await;
    let broken = Clock::system().now();
    canary.service.is(Mood {
        failing: 0.5,
        ..Mood::default()
    });
    // Waits no longer than that.
    let row = until(&edge, "rolled_back").await;
    let took = Clock::system().now() - broken;
    let event = last_event(&edge).await;
    assert_eq!(
        (&event["from"], &event["actor"]),
        (&Value::from("canary 5 %"), &Value::from("judge"))
    );
    let detail = &event["detail"];
    println!("out after {took:?}: {detail}");
    let exposed = detail["users"].as_u64().unwrap();
    assert!((5..=200).contains(&exposed), "{detail}");
    assert!(detail["failed"].as_u64() >= Some(5), "{detail}");
    assert!(
        detail["detected_after"].as_f64().unwrap() <= 20.0,
        "{detail}"
    );
    assert_eq!(
        (&row["share"], &row["rollbacks"]),
        (&Value::from(0.0), &Value::from(1))
    );

    // Its users are back on legacy, and the story says why.
    let heard = users.stop().await;
    let failed = heard.iter().filter(|one| one.status == Some(500)).count();
    assert!(
        failed as u64 >= detail["failed"].as_u64().unwrap(),
        "{failed}: {detail}"
    );
    assert_eq!(
        edge.get("/api/orders/1")
            .header("x-device-id", "user-1")
            .send()
            .await
            .status,
        200
    );
    let told = edge.prints(&["history", "orders"]).await;
    assert!(told.contains("canary 5 % -> rolled_back"), "{told}");
    assert!(told.contains("rolled back at 5 %, found after "), "{told}");

    // Whoever wants to be told was.
    let told = rollback_told(&edge, &receiver).await;
    assert_eq!((&told["event"], &told["detail"]), (&event["id"], detail));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_takes_twice_as_long_is_out() {
    let canary = Canary::new().await;
    canary.take(Duration::from_millis(8));
    let edge = canary.plan("steps = [25, 50]", "").start().await;
    let users = users(&edge, 300);
    until_timed(&edge).await;
    canary.service.is(well(Duration::from_millis(16)));
    until(&edge, "rolled_back").await;
    let event = last_event(&edge).await;
    assert_eq!(event["detail"]["trigger"], "slow", "{event}");
    crate::canary::all_well(&users.stop().await);
    edge.stop().await;
}
