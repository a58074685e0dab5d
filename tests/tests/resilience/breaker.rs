//! Who mostly fails is not asked for a while, and asked gently again.

use std::time::Duration;

use tests::answer::Answer;
use tests::edge::Edge;
use tests::moody::{Mood, Moody};
use tests::origin::{Origin, Reply};
use tests::sides::routes;
use tests::wire::within;

use crate::upstream::upstream;

/// One try each, so that every failure of the upstream is one of a client's.
const BREAKER: &str = r#"
    retry.attempts = 1
    ejection.consecutive_5xx = 0
    [upstream.m.breaker]
    open = "1s"
"#;

/// The answer while it is open.
fn is_open(answer: &Answer) -> bool {
    answer.status == 503 && answer.field("content-type") == Some("application/problem+json") && {
        assert_eq!(answer.problem(), "breaker_open");
        true
    }
}

async fn opens(edge: &Edge, origin: &Moody) {
    let before = origin.asked();
    for call in 0..20 {
        let answer = edge.get("/").send().await;
        assert!(!is_open(&answer), "call {call}: {answer:?}");
        assert_eq!(answer.status, 503);
    }
    assert_eq!(origin.asked() - before, 20);
    let answer = edge.get("/").send().await;
    assert!(is_open(&answer), "{answer:?}");
    assert_eq!(origin.asked() - before, 20);
}

#[tokio::test]
async fn a_breaker_opens_tries_again_and_closes() {
    let origin = Moody::being(Mood::all(503)).await;
    let edge = upstream(&[origin.url()], BREAKER).start().await;
    opens(&edge, &origin).await;
    let answer = edge.get("/").send().await;
    let seconds: u64 = answer.field("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds), "{answer:?}");
    let line = edge
        .access_line("what was not asked", |line| line["code"] == "breaker_open")
        .await;
    assert_eq!(line["status"], 503, "{line}");

    // Who fails when it is asked again is left alone for twice as long.
    let asked = origin.asked();
    let again = async {
        loop {
            let answer = edge.get("/").send().await;
            if !is_open(&answer) {
                return answer.status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let began = tokio::time::Instant::now();
    assert_eq!(again.await, 503);
    assert_eq!(origin.asked(), asked + 1);
    let first = began.elapsed();
    assert!(is_open(&edge.get("/").send().await));

    // Well again: asked by a few, by more, then by all.
    origin.is(Mood::default());
    let well = async {
        let mut row = 0;
        while row < 50 {
            let is_well = edge.get("/").send().await.status == 200;
            row = if is_well { row + 1 } else { 0 };
            if !is_well {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    within("the breaker's end", well).await;
    assert!(began.elapsed() > first, "{first:?}");
    edge.stop().await;
}

#[tokio::test]
async fn clients_that_leave_while_it_finds_out_block_nobody() {
    let origin = Moody::being(Mood::all(503)).await;
    let edge = upstream(&[origin.url()], BREAKER).start().await;
    opens(&edge, &origin).await;
    origin.is(Mood {
        hanging: true,
        ..Mood::default()
    });
    let asked = origin.asked();
    let mut waiting = Vec::new();
    let finding_out = async {
        while origin.asked() < asked + 5 {
            let mut wire = edge.wire().await;
            wire.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            waiting.push(wire);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within("five that find out", finding_out).await;
    assert!(is_open(&edge.get("/").send().await));
    drop(waiting);
    origin.is(Mood::default());
    let well = async {
        while edge.get("/").send().await.status != 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("a success", well).await;
    edge.stop().await;
}

#[tokio::test]
async fn what_a_breaker_knows_outlives_a_reload_and_an_operators_word() {
    let origin = Moody::being(Mood::all(503)).await;
    let other = Origin::scripted([Reply::ok("1")]).await;
    let sides = routes(&other.url(), &other.url(), "phase = \"legacy\"");
    let slow = BREAKER.replace("1s", "60s");
    let edge = upstream(&[origin.url()], &format!("{slow}{sides}"));
    let edge = edge.start().await;
    opens(&edge, &origin).await;
    let asked = origin.asked();
    edge.take_over(|file| file.replace("phase = \"legacy\"", "phase = \"shadow\""))
        .await;
    assert!(is_open(&edge.get("/").send().await));
    edge.says("orders", "kill", "me", "a try").await;
    assert!(is_open(&edge.get("/").send().await));
    assert_eq!(origin.asked(), asked);
    edge.stop().await;
}

/// A canary at half, before one upstream or two, of which everything below `/new` fails.
async fn half_broken(one_upstream: bool) {
    let origin = Origin::handling(|mut wire, log| async move {
        while let Some((head, body)) = wire.request().await {
            let fails = head.target().starts_with("/new");
            log.note(head, body);
            let status = if fails { "503 No" } else { "200 OK" };
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            wire.send(answer).await;
        }
    })
    .await;
    let service = if one_upstream { "old" } else { "new" };
    let edge = Edge::with_routes(&format!(
        r#"
        [defaults.route]
        auth = "none"
        [upstream.old]
        endpoints = ["{url}"]
        retry.attempts = 1
        ejection.consecutive_5xx = 0
        breaker.open = "60s"
        [upstream.new]
        endpoints = ["{url}"]
        retry.attempts = 1
        ejection.consecutive_5xx = 0
        breaker.open = "60s"
        [route.orders]
        path = "/api/orders"
        legacy = "old"
        service = {{ upstream = "{service}", rewrite.path = "/new" }}
        phase = "canary"
        canary.percent = 50
        sticky = ["header:x-device-id"]
        [route.all]
        path = "/"
        upstream = "old"
        "#,
        url = origin.url()
    ));
    let edge = edge.start().await;
    let (mut refused, mut legacy) = (0, 0);
    for n in 0..200 {
        let device = format!("d{n}");
        let request = edge.get("/api/orders").header("x-device-id", &device);
        let answer = request.send().await;
        if answer.field("x-served-by") == Some("legacy") {
            assert_eq!(answer.status, 200, "{answer:?}");
            legacy += 1;
        } else {
            assert_eq!(answer.status, 503, "{answer:?}");
            refused += usize::from(is_open(&answer));
        }
        assert_eq!(edge.get("/").send().await.status, 200);
    }
    assert!((60..=140).contains(&legacy), "{legacy}");
    // Of the service's users twenty were needed to find out.
    assert_eq!(refused, 200 - legacy - 20);
    edge.stop().await;
}

#[tokio::test]
async fn a_broken_service_opens_no_breaker_for_legacys_users() {
    half_broken(false).await;
}

#[tokio::test]
async fn nor_when_both_sides_are_one_upstream() {
    half_broken(true).await;
}
