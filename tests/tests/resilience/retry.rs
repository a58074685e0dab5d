//! What is tried again, where and how often.

use std::time::Duration;

use tests::answer::Answer;
use tests::edge::Edge;
use tests::moody::{Mood, Moody};
use tests::origin::{Origin, Refusing, Reply};

use crate::upstream::upstream;

/// Tries of 1,000 requests: a fifth on top, and three a second over ten seconds.
const TRIES: usize = 1_230;

fn unavailable(more: &str) -> Reply {
    let head = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n";
    Reply::Bytes(format!("{head}{more}\r\n").into_bytes())
}

async fn attempts(edge: &Edge, status: u16) -> u64 {
    let line = edge
        .access_line("the request", |line| line["status"] == status)
        .await;
    line["attempts"].as_u64().unwrap()
}

#[tokio::test]
async fn what_one_endpoint_is_too_busy_for_another_one_answers() {
    let (busy, well) = (Moody::being(Mood::all(503)).await, Moody::new().await);
    let edge = upstream(&[busy.url(), well.url()], "").start().await;
    let mut twice = 0;
    while busy.asked() < 3 {
        assert_eq!(edge.get("/").send().await.status, 200);
        twice += 1;
        assert!(twice < 200, "the busy one is never asked");
    }
    let line = edge
        .access_line("the request that was tried twice", |line| {
            line["attempts"] == 2
        })
        .await;
    assert_eq!(line["status"], 200);
    edge.stop().await;
}

#[tokio::test]
async fn a_post_is_repeated_when_it_is_named_and_has_a_key() {
    for (methods, key, tries) in [
        ("", true, 1),
        ("retry.methods = [\"GET\", \"POST\"]", false, 1),
        ("retry.methods = [\"GET\", \"POST\"]", true, 2),
    ] {
        let origin = Origin::scripted([unavailable(""), Reply::ok("done")]).await;
        let edge = upstream(&[origin.url()], methods).start().await;
        let mut request = edge.post("/").body("order");
        if key {
            request = request.header("idempotency-key", "7");
        }
        let answer = request.send().await;
        let seen = origin.seen();
        assert_eq!(seen.len(), tries, "{methods} {key}");
        assert!(seen.iter().all(|seen| seen.body == b"order"), "{seen:?}");
        let expected = if tries == 2 { 200 } else { 503 };
        assert_eq!(answer.status, expected);
        assert_eq!(attempts(&edge, expected).await, tries as u64);
        edge.stop().await;
    }
}

#[tokio::test]
async fn who_asks_to_be_left_alone_for_longer_than_there_is_time_is_left_alone() {
    let ask = async |retry_after: &str, timeout: &str| -> (Answer, usize, Duration) {
        let again = unavailable(&format!("retry-after: {retry_after}\r\n"));
        let origin = Origin::scripted([again, Reply::ok("done")]).await;
        let defaults = format!("[defaults.route]\ntimeout = \"{timeout}\"");
        let edge = upstream(&[origin.url()], &defaults).start().await;
        let before = tokio::time::Instant::now();
        let answer = edge.get("/").send().await;
        let took = before.elapsed();
        edge.stop().await;
        (answer, origin.seen().len(), took)
    };
    let (answer, tries, took) = ask("1", "5s").await;
    assert_eq!((answer.status, tries), (200, 2));
    assert!(took >= Duration::from_secs(1), "{took:?}");
    let (answer, tries, took) = ask("60", "5s").await;
    assert_eq!((answer.status, tries), (503, 1));
    assert_eq!(answer.field("retry-after"), Some("60"));
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn a_try_that_takes_too_long_is_given_up_while_another_may_follow() {
    let retry = "retry.per_try_timeout = \"200ms\"\nretry.on = [\"timeout\"]";
    let origin = Origin::scripted([Reply::Silence, Reply::ok("done")]).await;
    let edge = upstream(&[origin.url()], retry).start().await;
    assert_eq!(edge.get("/").send().await.status, 200);
    assert_eq!(attempts(&edge, 200).await, 2);
    edge.stop().await;

    // The last one has all the time that is left.
    let slow = Moody::being(Mood {
        latency: Duration::from_millis(700),
        ..Mood::default()
    })
    .await;
    let edge = upstream(&[slow.url()], retry).start().await;
    assert_eq!(edge.get("/").send().await.status, 200);
    assert_eq!(slow.asked(), 2);
    edge.stop().await;
}

#[tokio::test]
async fn a_dead_upstream_is_not_stormed() {
    // What accepts and breaks off is asked; what refuses is counted by the gateway alone.
    let origin = Origin::scripted([Reply::Reset(Vec::new())]).await;
    let refusing = Refusing::new();
    let edge = Edge::with_routes(&format!(
        r#"
        [defaults.route]
        auth = "none"
        [upstream.breaking]
        endpoints = ["{}"]
        [upstream.refusing]
        endpoints = ["{}"]
        [route.breaking]
        path = "/breaking"
        upstream = "breaking"
        [route.refusing]
        path = "/refusing"
        upstream = "refusing"
        "#,
        origin.url(),
        refusing.url()
    ));
    let edge = edge.start().await;
    for path in ["/breaking", "/refusing"] {
        let client = edge.client();
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let client = client.clone();
            asking.spawn(async move {
                for _ in 0..50 {
                    assert_eq!(client.get(path).send().await.status, 502);
                }
            });
        }
        asking.join_all().await;
    }
    let tries = origin.seen().len();
    assert!((1_001..=TRIES).contains(&tries), "{tries}");
    let logged = edge.stop().await.stdout;
    let attempts = |route: &str| -> u64 {
        let lines = logged
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let lines = lines.filter(|line: &serde_json::Value| line["route"] == route);
        lines.map(|line| line["attempts"].as_u64().unwrap()).sum()
    };
    assert_eq!(attempts("breaking"), tries as u64);
    let refused = attempts("refusing");
    assert!((1_001..=TRIES as u64).contains(&refused), "{refused}");
}
