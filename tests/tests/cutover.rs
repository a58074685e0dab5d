//! A route moves while requests flow: no request is dropped, and exactly those users move whose buckets say so.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use chassis::clock::Clock;
use tests::client::Client;
use tests::edge::Edge;
use tests::origin::Origin;
use tokio::task::JoinSet;

/// The users of the golden numbers.
const USERS: usize = 10_000;

/// Clients that ask at the same time.
const AT_ONCE: usize = 16;

fn routes(legacy: &Origin, service: &Origin) -> String {
    format!(
        r#"
        [upstream.monolith]
        endpoints = ["{}"]
        [upstream.orders]
        endpoints = ["{}"]
        [route.orders]
        path = "/api/orders"
        auth = "none"
        legacy = "monolith"
        service = "orders"
        phase = "canary"
        salt = "orders-v2"
        sticky = ["header:x-device-id"]
        [route.orders.canary]
        percent = 1
        "#,
        legacy.url(),
        service.url()
    )
}

async fn move_to(edge: &Edge, from: &str, to: &str) {
    let lines = edge.process.stderr.count();
    edge.edit(|text| text.replace(&format!("percent = {from}"), &format!("percent = {to}")));
    edge.logged("the new percentage in force", lines, |line| {
        line.contains("taken over").then_some(())
    })
    .await;
}

/// Asks once for each user; gives those whom the service answered.
async fn moved(client: &Client) -> BTreeSet<usize> {
    let mut asking = JoinSet::new();
    for first in 0..AT_ONCE {
        let client = client.clone();
        asking.spawn(async move {
            let mut moved = Vec::new();
            for user in (first..USERS).step_by(AT_ONCE) {
                let key = format!("user-{user}");
                let answer = client
                    .get("/api/orders/1")
                    .header("x-device-id", &key)
                    .send()
                    .await;
                assert_eq!(answer.status, 200, "{answer:?}");
                let side = answer.field("x-served-by").unwrap_or_default();
                assert_eq!(side, answer.text());
                if side == "service" {
                    moved.push(user);
                }
            }
            moved
        });
    }
    asking.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn percentages_move_exactly_the_golden_users_and_drop_no_request() {
    let (legacy, service) = (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    );
    let edge = Edge::with_routes(&routes(&legacy, &service)).start().await;
    let client = edge.client();

    // A load that never pauses, from users of its own, while the file is edited.
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load = {
        let (client, stop, done) = (edge.client(), Arc::clone(&stop), Arc::clone(&done));
        let mut load = JoinSet::new();
        load.spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                let answer = client
                    .get("/api/orders/2")
                    .header("x-device-id", "steady")
                    .send()
                    .await;
                assert_eq!(answer.status, 200, "{answer:?}");
                done.fetch_add(1, Ordering::SeqCst);
            }
        });
        load
    };
    let clock = Clock::system();
    let begin = clock.now();
    let mut at = BTreeSet::new();
    let mut last = "1";
    for (percent, expected) in [("5", 481), ("25", 2519), ("0", 0), ("100", USERS)] {
        move_to(&edge, last, percent).await;
        let now = moved(&client).await;
        assert_eq!(now.len(), expected, "{percent} %");
        if percent == "25" {
            assert!(
                at.is_subset(&now),
                "raising the percentage moved somebody back"
            );
        }
        (at, last) = (now, percent);
    }
    let took = clock.now() - begin;
    let requests = 4 * USERS + done.load(Ordering::SeqCst);
    stop.store(true, Ordering::SeqCst);
    load.join_all().await;
    assert!(
        requests as u128 * 1000 >= 500 * took.as_millis(),
        "only {requests} requests in {took:?}"
    );
    edge.stop().await;
}

#[tokio::test]
async fn a_syntax_error_changes_nothing_but_what_is_said() {
    let (legacy, service) = (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    );
    let edge = Edge::with_routes(&routes(&legacy, &service)).start().await;
    move_to(&edge, "1", "5").await;
    let lines = edge.process.stderr.count();
    edge.edit(|text| text.replace("percent = 5", "percent = = 100"));
    let said = edge
        .logged("the refusal", lines, |line| {
            line.contains("refused").then(|| line.to_owned())
        })
        .await;
    assert!(said.contains("routes.toml:"), "{said}");

    // alice is in bucket 318 under this salt, bob in 7826.
    for (key, side) in [("alice", "service"), ("bob", "legacy")] {
        let answer = edge
            .get("/api/orders")
            .header("x-device-id", key)
            .send()
            .await;
        assert_eq!(answer.field("x-served-by"), Some(side), "{key}");
    }
    let ready = edge.admin("/readyz").send().await;
    assert_eq!(ready.status, 200);
    assert_eq!(ready.json()["generation"], 2);
    assert!(
        ready.json()["details"][0]
            .as_str()
            .unwrap()
            .contains("routes.toml:"),
        "{}",
        ready.json()
    );

    let lines = edge.process.stderr.count();
    edge.edit(|text| text.replace("percent = = 100", "percent = 5"));
    edge.logged("the way back", lines, |line| {
        line.contains("again says what is in force").then_some(())
    })
    .await;
    assert_eq!(
        edge.admin("/readyz").send().await.json()["details"],
        serde_json::json!([])
    );
    edge.stop().await;
}

#[tokio::test]
async fn a_reload_keeps_connections_and_buckets() {
    let legacy = Origin::saying("legacy").await;
    let text = format!(
        r#"
        [rate_limit.three]
        key = "ip"
        rate = "3/h"
        burst = 3
        [upstream.monolith]
        endpoints = ["{}"]
        [route.all]
        path = "/"
        auth = "none"
        rate_limit = ["three"]
        upstream = "monolith"
        "#,
        legacy.url()
    );
    let edge = Edge::with_routes(&format!(
        "[edge]\nbind = \"127.0.0.1:0\"\nworkers = 1\n{text}"
    ))
    .start()
    .await;
    for _ in 0..2 {
        assert_eq!(edge.get("/").send().await.status, 200);
    }
    let connections = legacy.connections();
    let lines = edge.process.stderr.count();
    edge.edit(|text| {
        text.replace(
            "upstream = \"monolith\"",
            "upstream = \"monolith\"\nnote = \"edited\"",
        )
    });
    edge.logged("the new file in force", lines, |line| {
        line.contains("taken over").then_some(())
    })
    .await;
    assert_eq!(edge.get("/").send().await.status, 200);
    assert_eq!(edge.get("/").send().await.problem(), "rate_limited");
    assert_eq!(legacy.connections(), connections);
    edge.stop().await;
}

#[tokio::test]
async fn a_file_that_goes_and_comes_back_is_told_of_and_forgotten() {
    let (legacy, service) = (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    );
    let edge = Edge::with_routes(&routes(&legacy, &service)).start().await;
    let (file, text) = (edge.folder().join("routes.toml"), edge.routes());
    let lines = edge.process.stderr.count();
    std::fs::remove_file(&file).expect("the file can be removed");
    edge.logged("the loss", lines, |line| {
        line.contains("no such file").then_some(())
    })
    .await;
    let lines = edge.process.stderr.count();
    std::fs::write(&file, &text).expect("the file can be written");
    edge.logged("the way back", lines, |line| {
        line.contains("again says what is in force").then_some(())
    })
    .await;
    assert_eq!(
        edge.admin("/readyz").send().await.json()["details"],
        serde_json::json!([])
    );
    edge.stop().await;
}

#[tokio::test]
async fn a_pipe_in_the_files_place_holds_nothing_up() {
    let (legacy, service) = (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    );
    let edge = Edge::with_routes(&routes(&legacy, &service)).start().await;
    let file = edge.folder().join("routes.toml");
    let lines = edge.process.stderr.count();
    std::fs::remove_file(&file).expect("the file can be removed");
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo runs").success());
    edge.logged("the refusal", lines, |line| {
        line.contains("is not a file").then_some(())
    })
    .await;
    assert_eq!(edge.admin("/readyz").send().await.status, 200);
    assert_eq!(edge.get("/api/orders").send().await.status, 200);
    edge.stop().await;
}
