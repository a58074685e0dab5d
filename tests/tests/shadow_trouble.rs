//! A service that hangs, refuses, breaks off or never stops talking is nothing that a client of legacy notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chassis::clock::Clock;
use tests::edge::Edge;
use tests::load::times;
use tests::origin::{Origin, Refusing, Reply};
use tests::sides::{Sides, json, routes};
use tests::wire::{Wire, within};

const SHADOW: &str = "phase = \"shadow\"\nshadow.noise_percent = 0\n";

/// How long an answer of nobody is asked for here.
const MEGABYTES: usize = 10;

async fn sides(service: impl IntoIterator<Item = Reply>) -> Sides {
    Sides {
        legacy: Origin::scripted([json("{}")]).await,
        service: Origin::scripted(service).await,
    }
}

/// A whole answer of ten megabytes.
fn long() -> Reply {
    let length = MEGABYTES * 1_000_000;
    let mut bytes = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
    bytes.resize(bytes.len() + length, b'7');
    Reply::Bytes(bytes)
}

async fn ask(edge: &Edge) {
    let answer = edge.get("/api/orders").send().await;
    assert_eq!((answer.status, answer.text()), (200, "{}"));
}

#[tokio::test]
async fn what_goes_wrong_with_a_copy_is_counted_by_its_reason() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    for (reply, reason) in [
        (Reply::Silence, "timeout"),
        (Reply::Reset(Vec::new()), "reset"),
        (Reply::Last(cut), "reset"),
        (Reply::Last(b"SSH-2.0\r\n".to_vec()), "malformed"),
        (long(), "response_too_large"),
    ] {
        let sides = sides([reply]).await;
        let rest = format!("{SHADOW}shadow.timeout = \"300ms\"");
        let edge = sides.edge(&rest).start().await;
        ask(&edge).await;
        edge.has_dropped(reason, 1).await;
        // No answer is a wrong one; one that is only too long is not.
        let owed = u64::from(reason != "response_too_large");
        edge.has_pairs("mismatched", owed).await;
        edge.stop().await;
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_costs_a_copy_and_nothing_else() {
    let (legacy, service) = (Origin::scripted([json("{}")]).await, Refusing::new());
    let text = routes(&legacy.url(), &service.url(), SHADOW);
    let edge = Edge::with_routes(&text).start().await;
    for _ in 0..3 {
        ask(&edge).await;
    }
    edge.has_dropped("connect", 3).await;
    edge.has_pairs("mismatched", 3).await;
}

#[tokio::test]
async fn a_client_gets_the_whole_of_what_is_too_long_to_compare() {
    let sides = Sides {
        legacy: Origin::scripted([long()]).await,
        service: Origin::scripted([json("{}")]).await,
    };
    let edge = sides.edge(SHADOW).start().await;
    let answer = edge.get("/api/orders").send().await;
    assert_eq!(answer.body.len(), MEGABYTES * 1_000_000);
    edge.has_dropped("response_too_large", 1).await;
    assert_eq!(edge.metric("banyan_shadow_memory_bytes", "").await, 0);
    assert!(sides.service.seen().is_empty());
}

#[tokio::test]
async fn a_client_that_leaves_is_no_pair() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let sides = Sides {
        legacy: Origin::scripted([Reply::Bytes(half)]).await,
        service: Origin::scripted([json("{}")]).await,
    };
    let edge = sides.edge(SHADOW).start().await;
    let mut client: Wire = edge.wire().await;
    client
        .send("GET /api/orders HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    client.some().await;
    drop(client);
    edge.has_dropped("incomplete", 1).await;
    assert!(sides.service.seen().is_empty());
}

#[tokio::test]
async fn what_waits_and_what_is_under_way_is_bounded_and_ends_with_the_process() {
    let sides = sides([Reply::Silence]).await;
    let bounds = "shadow.queue = 2\nshadow.concurrency = 1\nshadow.timeout = \"30s\"";
    let edge = sides.edge(&format!("{SHADOW}{bounds}")).start().await;
    ask(&edge).await;
    sides.service.saw(1).await;
    for _ in 0..9 {
        ask(&edge).await;
    }
    edge.has_dropped("queue_full", 7).await;
    assert_eq!(edge.metric("banyan_shadow_waiting", "orders").await, 2);
    assert_eq!(sides.service.seen().len(), 1);
    edge.stop().await;
}

/// Two routes of one gateway: one without copies, and one whose copies hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_hangs_adds_nothing_to_a_clients_wait() {
    const ROUNDS: usize = 5;
    const REQUESTS: usize = 300;
    let sides = sides([Reply::Silence]).await;
    let plain = r#"
        [route.plain]
        path = "/plain"
        auth = "none"
        upstream = "monolith"
    "#;
    let edge = sides.edge(&format!("{SHADOW}{plain}")).start().await;
    let clock = Clock::system();
    let wait = async |path: &str| {
        let asked = clock.now();
        assert_eq!(edge.get(path).send().await.status, 200);
        clock.now() - asked
    };
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..REQUESTS {
            without.push(wait("/plain").await);
            with.push(wait("/api/orders").await);
        }
        let added = |percent| {
            let (with, without) = (
                quantile(&mut with.clone(), percent),
                quantile(&mut without.clone(), percent),
            );
            with.saturating_sub(without)
        };
        rounds.push((added(50), added(99)));
        // A machine that does something else can hold up any one request, but not in each round those with a copy.
        if rounds
            .iter()
            .any(|(median, p99)| (*median).max(*p99) < Duration::from_millis(1))
        {
            break;
        }
        assert!(
            rounds.len() < ROUNDS,
            "added at the median and at p99: {rounds:?}"
        );
    }
    assert!(edge.dropped("queue_full").await > 0);
}

fn quantile(waits: &mut [Duration], percent: usize) -> Duration {
    waits.sort_unstable();
    waits[(waits.len() - 1) * percent / 100]
}

/// Hangs, breaks off, says too much, answers: in turn.
async fn moody() -> Origin {
    let turn = Arc::new(AtomicUsize::new(0));
    let Reply::Bytes(long) = long() else {
        unreachable!()
    };
    let long: Arc<[u8]> = long.into();
    Origin::handling(move |mut wire, _| {
        let (turn, long) = (Arc::clone(&turn), Arc::clone(&long));
        async move {
            while wire.request().await.is_some() {
                match turn.fetch_add(1, Ordering::SeqCst) % 4 {
                    0 => std::future::pending().await,
                    1 => return wire.reset(),
                    2 => {
                        if wire.try_send(&long).await.is_err() {
                            return;
                        }
                    }
                    _ => {
                        let Reply::Bytes(answer) = json("{}") else {
                            return;
                        };
                        let _ = wire.try_send(answer).await;
                    }
                }
            }
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_stays_bounded_for_as_long_as_it_goes_wrong() {
    let sides = Sides {
        legacy: Origin::scripted([json("{}")]).await,
        service: moody().await,
    };
    let rest = format!("{SHADOW}shadow.timeout = \"500ms\"");
    let edge = sides.edge(&rest).start().await;
    let clock = Clock::system();
    let seconds = times("BANYAN_SHADOW_SECONDS", 3);
    let until = clock.now() + Duration::from_secs(seconds.into());
    ask(&edge).await;
    let before = edge.process.resident();
    let mut most = 0;
    while clock.now() < until {
        for _ in 0..50 {
            ask(&edge).await;
        }
        most = most.max(edge.metric("banyan_shadow_waiting", "orders").await);
    }
    let grown = edge.process.resident().saturating_sub(before);
    assert!(most <= 256, "{most} waited");
    // What all copies together may keep, and as much again for what works with it.
    assert!(grown < 128 * 1024, "grew by {grown} KiB");
    // On a busy machine so few are copied in a short time that one of them may be missing yet.
    let all = async {
        for reason in ["timeout", "reset", "response_too_large"] {
            while edge.dropped(reason).await == 0 {
                ask(&edge).await;
            }
        }
    };
    within("a copy of each kind", all).await;
    assert!(edge.pairs("matched").await > 0);
    edge.stop().await;
}
