//! Webhooks are told of everything that happens to a route: signed, at least once, also when the gateway is killed.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::load::times;
use tests::origin::{Origin, Reply, Seen};
use tests::sides::Sides;

/// The variable that says how often it is killed.
const KILLS: &str = "BANYAN_WEBHOOK_KILLS";
const KILLS_DEFAULT: u32 = 3;

/// Kills come at most so long after a word, each at another moment.
const MOMENTS: u32 = 50;

/// What both sides know.
const SECRET: &str = "whsec_TXkgb3duIHNlY3JldCwgMzIgYnl0ZXMgbG9uZyEhIQ==";

fn answering(status: &str) -> Reply {
    Reply::Last(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

/// A canary, and one who is told of it.
fn plan(sides: &Sides, receiver: &Origin) -> Plan {
    let webhook = format!(
        "[webhook.ops]\nurl = \"{}/hook\"\nsecret = \"${{HOOK_SECRET}}\"\n",
        receiver.url()
    );
    let plan = sides.edge("phase = \"canary\"\ncanary.percent = 5\n");
    plan.edit(|text| format!("{text}\n{webhook}"));
    plan.env("HOOK_SECRET", SECRET)
}

/// The message's id and what it says, once its signature was checked.
fn message(seen: &Seen) -> (String, Value) {
    assert_eq!((seen.head.method(), seen.head.target()), ("POST", "/hook"));
    let field = |name| seen.head.all(name)[0];
    assert_eq!(field("content-type"), "application/json");
    let key = STANDARD
        .decode(SECRET.trim_start_matches("whsec_"))
        .unwrap();
    let mut signed =
        format!("{}.{}.", field("webhook-id"), field("webhook-timestamp")).into_bytes();
    signed.extend(&seen.body);
    let signature = field("webhook-signature").strip_prefix("v1,").unwrap();
    let signature = STANDARD.decode(signature).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    hmac::verify(&key, &signed, &signature).unwrap();
    let body = serde_json::from_slice(&seen.body).unwrap();
    (field("webhook-id").to_owned(), body)
}

/// Nothing waits any more.
async fn all_settled(edge: &Edge) -> Value {
    let settled = |told: &Value| told["webhooks"]["ops"]["pending"] == 0;
    edge.tells("/notifications", "no message that waits", settled)
        .await
}

#[tokio::test]
async fn a_receiver_in_trouble_gets_the_message_again_under_the_same_id() {
    let sides = Sides::saying("{}", "{}").await;
    let trouble = answering("500 Internal Server Error");
    let receiver = Origin::scripted([trouble.clone(), trouble, answering("204 No Content")]).await;
    let edge = plan(&sides, &receiver).start().await;
    let tries: Vec<_> = receiver.saw(3).await.iter().map(message).collect();
    assert_eq!(tries[0], tries[1]);
    assert_eq!(tries[0], tries[2]);
    let (id, body) = &tries[0];
    assert!(id.starts_with("msg_"), "{id}");
    assert_eq!(body["type"], "route.phase_changed");
    assert_eq!(body["data"]["route"], "orders");
    assert_eq!(
        (&body["data"]["from"], &body["data"]["to"]),
        (&"-".into(), &"canary".into())
    );

    edge.says("orders", "kill", "ana", "checkout fails").await;
    let seen = receiver.saw(4).await;
    let (other, body) = message(&seen[3]);
    assert_ne!(&other, id);
    assert_eq!(body["type"], "route.killed");
    assert_eq!(
        (&body["data"]["who"], &body["data"]["why"]),
        (&"ana".into(), &"checkout fails".into())
    );
    let told = all_settled(&edge).await;
    assert_eq!(told["webhooks"]["ops"]["delivered"], 2);
    assert_eq!(edge.metric("banyan_notifications_total", "failed").await, 2);
    assert_eq!(
        edge.metric("banyan_notifications_total", "delivered").await,
        2
    );
    assert_eq!(receiver.seen().len(), 4);

    let story = edge.prints(&["history", "orders"]).await;
    let lines: Vec<&str> = story.lines().collect();
    assert_eq!(lines.len(), 2, "{story}");
    assert!(
        lines[0].ends_with("orders: - -> canary  by the file, generation 1"),
        "{story}"
    );
    assert!(
        lines[1].contains("orders: canary -> legacy (killed by ana, "),
        "{story}"
    );
    let newest = edge
        .prints(&["history", "--limit", "1", "--output", "json"])
        .await;
    let newest: Value = serde_json::from_str(&newest).unwrap();
    assert_eq!(newest[0]["id"], body["data"]["event"]);
    edge.stop().await;
}

#[tokio::test]
async fn after_kills_every_recorded_event_arrives() {
    let sides = Sides::saying("{}", "{}").await;
    let trouble = answering("503 Service Unavailable");
    let replies = std::iter::repeat_n(trouble, 7);
    let receiver = Origin::scripted(replies.chain([answering("200 OK")])).await;
    let mut plan = plan(&sides, &receiver);
    let kills = times(KILLS, KILLS_DEFAULT);
    for round in 0..kills {
        let edge = plan.start().await;
        edge.says("orders", "kill", "ana", "checkout fails").await;
        edge.says("orders", "resume", "bob", "it is mended").await;
        let moment = round * 17 % MOMENTS;
        tokio::time::sleep(Duration::from_millis(moment.into())).await;
        plan = edge.killed().await;
    }
    let edge = plan.start().await;
    let told = all_settled(&edge).await;
    let ops = &told["webhooks"]["ops"];
    let happened = 1 + 2 * kills as usize;
    assert_eq!(
        (&ops["delivered"], &ops["dead"]),
        (&happened.into(), &0.into())
    );
    let mut arrived: BTreeMap<String, Value> = BTreeMap::new();
    for seen in &receiver.seen() {
        let (id, body) = message(seen);
        let same = arrived.entry(id).or_insert_with(|| body.clone());
        assert_eq!(*same, body);
    }
    let events = edge.told("/events?route=orders&limit=1000").await;
    let events = events.as_array().unwrap().iter();
    let recorded: Vec<&str> = events.map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(recorded.len(), happened);
    let bodies = arrived.values();
    let told: BTreeSet<&str> = bodies
        .map(|body| body["data"]["event"].as_str().unwrap())
        .collect();
    assert_eq!(told, recorded.into_iter().collect());
    assert_eq!(arrived.len(), happened);
    edge.stop().await;
}

#[tokio::test]
async fn a_dead_message_is_listed_and_tried_again_when_somebody_says_so() {
    let sides = Sides::saying("{}", "{}").await;
    let receiver = Origin::scripted([answering("410 Gone"), answering("200 OK")]).await;
    let edge = plan(&sides, &receiver).start().await;
    let is_dead = |told: &Value| told["webhooks"]["ops"]["dead"] == 1;
    let told = edge
        .tells("/notifications", "a dead message", is_dead)
        .await;
    let id = told["messages"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        told["messages"][0]["error"],
        "answered 410: it wants no more messages"
    );
    let said = edge.prints(&["notifications", "--dead"]).await;
    assert!(said.contains(&format!("{id}  to ops")), "{said}");
    let said = edge.prints(&["notifications"]).await;
    assert!(
        said.ends_with("given up: 1, see `banyan notifications --dead`"),
        "{said}"
    );

    let again = [
        "notifications",
        "retry",
        &id,
        "--who",
        "ana",
        "--why",
        "it listens again",
    ];
    let said = edge.prints(&again).await;
    assert_eq!(said, format!("{id}: is tried again, to ops"));
    let seen = receiver.saw(2).await;
    assert_eq!(message(&seen[0]), message(&seen[1]));
    let told = all_settled(&edge).await;
    assert_eq!(
        (
            &told["webhooks"]["ops"]["delivered"],
            &told["webhooks"]["ops"]["dead"]
        ),
        (&1.into(), &0.into())
    );
    let said = edge.refuses(&again).await;
    assert_eq!(
        said,
        format!("error: {id} is delivered: only a dead message is tried again")
    );
    let said = edge
        .refuses(&["notifications", "retry", "msg_1", "--why", "x"])
        .await;
    assert_eq!(said, "error: no message \"msg_1\" is kept");
    let audit = edge.told("/audit").await;
    assert_eq!(
        (&audit[0]["what"], &audit[0]["who"]),
        (&"retry".into(), &"ana".into())
    );
    assert_eq!(audit[0]["before"], format!("{id} to ops: dead"));
    assert_eq!(audit.as_array().unwrap().len(), 1);
    edge.stop().await;
}
