//! A canary's safety nets: what legacy answers because the service fails, or has enough to do.

use std::time::Duration;

use http::Method;
use serde_json::Value;
use tests::answer::Answer;
use tests::edge::Edge;
use tests::origin::{Origin, Refusing, Reply};
use tests::sides::{Sides, json, routes};

const FAILOVER: &str = r#"
    phase = "canary"
    timeout = "2s"
    canary.percent = 100
    canary.methods = ["GET", "HEAD", "POST"]
    canary.failover = "idempotent"
"#;

const ERROR: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 4\r\n\r\noops";

fn error() -> Reply {
    Reply::Bytes(ERROR.to_vec())
}

async fn ask(edge: &Edge, method: Method) -> Answer {
    let request = edge.request(&method, "/api/orders/7?x=1");
    request.header("x-device-id", "d1").send().await
}

fn answered_by<'a>(answer: &'a Answer, side: &str) -> (u16, &'a str) {
    assert_eq!(answer.field("x-served-by"), Some(side), "{answer:?}");
    (answer.status, answer.text())
}

#[tokio::test]
async fn a_read_that_the_service_fails_on_is_answered_by_legacy() {
    for reply in [
        error(),
        Reply::Reset(Vec::new()),
        Reply::Last(Vec::new()),
        Reply::Last(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
        Reply::Silence,
    ] {
        let sides = Sides {
            legacy: Origin::scripted([json("\"legacy\"")]).await,
            service: Origin::scripted([reply.clone()]).await,
        };
        let edge = sides.edge(FAILOVER).start().await;
        let answer = ask(&edge, Method::GET).await;
        assert_eq!(
            answered_by(&answer, "legacy"),
            (200, "\"legacy\""),
            "{reply:?}"
        );
        let seen = sides.legacy.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].head.target(), "/api/orders/7?x=1");
        assert_eq!(seen[0].head.all("x-device-id"), ["d1"]);
        let line = edge
            .access_line("the read that failed over", |line| {
                line["reason"] == "failover"
            })
            .await;
        assert_eq!(
            (&line["side"], &line["status"]),
            (&"legacy".into(), &200.into())
        );
        assert_eq!(edge.metric("banyan_failovers_total", "orders").await, 1);
        edge.stop().await;
    }
}

#[tokio::test]
async fn a_service_that_nobody_reaches_is_no_clients_problem() {
    let (legacy, refusing) = (Origin::scripted([json("1")]).await, Refusing::new());
    let file = routes(&legacy.url(), &refusing.url(), FAILOVER);
    let edge = Edge::with_routes(&file).start().await;
    for _ in 0..20 {
        assert_eq!(
            answered_by(&ask(&edge, Method::GET).await, "legacy"),
            (200, "1")
        );
    }
    let head = ask(&edge, Method::HEAD).await;
    assert_eq!(answered_by(&head, "legacy"), (200, ""));
    edge.stop().await;
}

#[tokio::test]
async fn a_write_is_never_sent_twice() {
    let sides = Sides {
        legacy: Origin::scripted([json("1")]).await,
        service: Origin::scripted([error()]).await,
    };
    let edge = sides.edge(FAILOVER).start().await;
    let answer = ask(&edge, Method::POST).await;
    assert_eq!(answered_by(&answer, "service"), (500, "oops"));
    let switching = edge
        .exchange(
            "GET /api/orders HTTP/1.1\r\nhost: a\r\nx-device-id: d1\r\n\
             connection: upgrade, close\r\nupgrade: websocket\r\n\r\n",
        )
        .await;
    assert_eq!(answered_by(&switching, "service"), (500, "oops"));
    assert_eq!(sides.legacy.seen(), []);
    edge.stop().await;
}

#[tokio::test]
async fn without_failover_a_failing_service_is_heard() {
    let sides = Sides {
        legacy: Origin::scripted([json("1")]).await,
        service: Origin::scripted([error()]).await,
    };
    let canary = "phase = \"canary\"\ncanary.percent = 100";
    let edge = sides.edge(canary).start().await;
    let answer = ask(&edge, Method::GET).await;
    assert_eq!(answered_by(&answer, "service"), (500, "oops"));
    assert_eq!(sides.legacy.seen(), []);
    edge.stop().await;
}

#[tokio::test]
async fn legacy_is_asked_once_and_what_it_says_holds() {
    let sides = Sides {
        legacy: Origin::scripted([error()]).await,
        service: Origin::scripted([Reply::Last(Vec::new())]).await,
    };
    let edge = sides.edge(FAILOVER).start().await;
    let answer = ask(&edge, Method::GET).await;
    assert_eq!(answered_by(&answer, "legacy"), (500, "oops"));
    assert_eq!(sides.legacy.seen().len(), 1);
    edge.stop().await;
}

#[tokio::test]
async fn each_side_is_told_its_part_of_the_time_and_what_legacy_says_is_nobodys_to_keep() {
    let sides = Sides {
        legacy: Origin::scripted([json("1")]).await,
        service: Origin::scripted([Reply::Silence, json("2")]).await,
    };
    let listeners = "listeners = [\"internal\"]\n";
    let file = routes(
        &sides.legacy.url(),
        &sides.service.url(),
        &format!("{listeners}{FAILOVER}\n[internal]\nbind = \"127.0.0.1:0\""),
    );
    let edge = Edge::with_routes(&file).start().await;
    let ask = || {
        let request = edge.internal("/api/orders").header("x-device-id", "d1");
        request.header("x-request-deadline-ms", "1000").send()
    };
    let answer = ask().await;
    assert_eq!(answered_by(&answer, "legacy"), (200, "1"));
    assert_eq!(answer.field("x-banyan-cohort"), None);
    let told = |side: &Origin| -> u64 {
        let head = &side.seen()[0].head;
        head.all("x-request-deadline-ms")[0].parse().unwrap()
    };
    let (service, legacy) = (told(&sides.service), told(&sides.legacy));
    assert!((400..=500).contains(&service), "{service}");
    assert!((100..=500).contains(&legacy), "{legacy}");
    let answer = ask().await;
    assert_eq!(answered_by(&answer, "service"), (200, "2"));
    assert!(answer.field("x-banyan-cohort").is_some());
    edge.stop().await;
}

#[tokio::test]
async fn over_the_cap_legacy_answers_until_there_is_room_again() {
    let (go, wait) = tokio::sync::watch::channel(false);
    let service = Origin::handling(move |mut wire, log| {
        let mut wait = wait.clone();
        async move {
            while let Some((head, body)) = wire.request().await {
                log.note(head, body);
                // The head comes at once, the rest when it may: it is the body's end that makes room.
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nn")
                    .await;
                wait.wait_for(|go| *go).await.unwrap();
                wire.send("w").await;
            }
        }
    })
    .await;
    let sides = Sides {
        legacy: Origin::scripted([json("1")]).await,
        service,
    };
    let canary = "phase = \"canary\"\ncanary.percent = 100\ncanary.max_concurrent = 2";
    let edge = sides.edge(canary).start().await;
    let client = edge.client();
    let mut asking = tokio::task::JoinSet::new();
    let slow = move || {
        let request = client.get("/api/orders").header("x-device-id", "d1");
        async move { request.send().await }
    };
    asking.spawn(slow());
    sides.service.saw(1).await;
    let mut leaving = edge.wire().await;
    leaving
        .send("GET /api/orders HTTP/1.1\r\nhost: a\r\nx-device-id: d1\r\n\r\n")
        .await;
    sides.service.saw(2).await;

    let answer = ask(&edge, Method::GET).await;
    assert_eq!(answered_by(&answer, "legacy"), (200, "1"));
    let line = edge
        .access_line("the capped one", |line| line["reason"] == "capped")
        .await;
    assert_eq!(line["side"], "legacy");
    assert_eq!(edge.metric("banyan_capped_total", "orders").await, 1);

    // One leaves, which makes room for one.
    drop(leaving);
    edge.access_line("the one who left", |line| line["side"] == "service")
        .await;
    asking.spawn(slow());
    sides.service.saw(3).await;
    assert_eq!(answered_by(&ask(&edge, Method::GET).await, "legacy").0, 200);

    go.send(true).unwrap();
    for answer in asking.join_all().await {
        assert_eq!(answered_by(&answer, "service"), (200, "nw"));
    }
    assert_eq!(
        answered_by(&ask(&edge, Method::GET).await, "service").0,
        200
    );
    tokio::time::timeout(Duration::from_secs(5), edge.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn the_judge_hears_how_the_service_did_and_nothing_of_what_legacy_answered_instead() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let sides = Sides {
        legacy: Origin::scripted([json("1")]).await,
        service: Origin::scripted([json("2"), error(), Reply::Last(half), json("2")]).await,
    };
    let judged = format!("{FAILOVER}\njudge.interval = \"1s\"");
    let edge = sides.edge(&judged).start().await;
    assert_eq!(
        ask(&edge, Method::GET).await.field("x-served-by"),
        Some("service")
    );
    assert_eq!(
        ask(&edge, Method::GET).await.field("x-served-by"),
        Some("legacy")
    );
    let breaks_off = edge.get("/api/orders").header("x-device-id", "d1");
    assert!(breaks_off.try_send().await.is_err());
    assert_eq!(
        ask(&edge, Method::GET).await.field("x-served-by"),
        Some("service")
    );
    let told = |row: &Value| row["judge"]["service"]["requests"] == 4;
    let row = edge
        .tells("/migrations/orders", "four requests of the service", told)
        .await;
    assert_eq!(row["judge"]["service"]["failed"], 2, "{row}");
    assert_eq!(row["judge"]["legacy"]["requests"], 0, "{row}");
    edge.stop().await;
}

#[tokio::test]
async fn explain_says_when_legacy_may_step_in() {
    let sides = Sides::saying("1", "2").await;
    let edge = sides
        .edge(&format!("{FAILOVER}\ncanary.max_concurrent = 3"))
        .start()
        .await;
    let explain = async |method: &str| {
        let asked = [
            "explain",
            method,
            "/api/orders",
            "--header",
            "x-device-id:d1",
        ];
        edge.run(&asked).await.stdout
    };
    let read = explain("GET").await;
    assert!(
        read.contains("legacy while 3 are under way: capped"),
        "{read}"
    );
    assert!(read.contains("legacy when that fails: failover"), "{read}");
    let write = explain("POST").await;
    assert!(
        write.contains("capped") && !write.contains("failover"),
        "{write}"
    );
    edge.stop().await;
}
