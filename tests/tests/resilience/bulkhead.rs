//! Who hangs keeps only so many waiting.

use std::time::Duration;

use tests::edge::{Edge, Plan};
use tests::moody::{Mood, Moody};
use tests::steady::{Steady, Tally};
use tests::wire::{Wire, within};

use crate::upstream::QUIET;

/// So many may wait for the hanging one.
const PLACES: usize = 20;

/// A p99 that is longer by less is not longer: two cores in a debug build, and other tests beside this one.
const NOISE: Duration = Duration::from_millis(3);

/// How often the load is looked at with and without the hanging upstream. The best of each is compared, which the noise
/// of the machine can only spoil when it spoils all of them.
const ROUNDS: usize = 4;

/// A gateway before both.
fn before(hanging: &Moody, well: &Moody) -> Plan {
    Edge::with_routes(&format!(
        r#"
        [defaults.route]
        auth = "none"
        [upstream.hanging]
        endpoints = ["{}"]
        bulkhead.concurrent = {PLACES}
        [upstream.well]
        endpoints = ["{}"]
        [route.hanging]
        path = "/hanging"
        timeout = "60s"
        upstream = "hanging"
        [route.well]
        path = "/"
        upstream = "well"
        {QUIET}
        "#,
        hanging.url(),
        well.url()
    ))
}

async fn asks(edge: &Edge) -> Wire {
    let mut wire = edge.wire().await;
    wire.send("GET /hanging HTTP/1.1\r\nhost: a\r\n\r\n").await;
    wire
}

/// As many as there are places for.
async fn all_places(edge: &Edge, hanging: &Moody) -> Vec<Wire> {
    let before = hanging.asked();
    let mut waiting = Vec::new();
    for _ in 0..PLACES {
        waiting.push(asks(edge).await);
    }
    let all_wait = async {
        while hanging.asked() < before + PLACES {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("as many as there are places for", all_wait).await;
    waiting
}

/// Who comes now hears at once that there is no place, and is not asked for.
async fn is_full(edge: &Edge, load: &Steady) -> Tally {
    let others = Steady::start(edge.address, "/hanging", 200, 8);
    let meanwhile = load.goes_on(200).await;
    let others = others.stop().await;
    others.all(503);
    let typical = others.percentile(50);
    assert!(typical < Duration::from_millis(100), "{typical:?}");
    let answer = edge.get("/hanging").send().await;
    assert_eq!(answer.problem(), "bulkhead_full");
    assert!(answer.field("retry-after").is_some(), "{answer:?}");
    meanwhile
}

/// Waits until who asks is waited for again.
async fn has_room(edge: &Edge) {
    let room = async {
        loop {
            let mut wire = asks(edge).await;
            let answer = tokio::time::timeout(Duration::from_millis(20), wire.some()).await;
            if answer.is_err() {
                return;
            }
        }
    };
    within("a free place", room).await;
}

fn best(tallies: &[Tally]) -> Duration {
    let p99 = tallies.iter().map(|tally| tally.percentile(99));
    p99.min().unwrap()
}

#[tokio::test]
async fn who_hangs_keeps_twenty_waiting_and_is_nothing_to_others() {
    let hanging = Moody::being(Mood {
        hanging: true,
        ..Mood::default()
    })
    .await;
    let well = Moody::new().await;
    let edge = before(&hanging, &well).start().await;
    let load = Steady::start(edge.address, "/", 200, 8);
    load.goes_on(200).await.all(200);
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        without.push(load.goes_on(200).await);
        let before = hanging.asked();
        let waiting = all_places(&edge, &hanging).await;
        with.push(is_full(&edge, &load).await);
        assert_eq!(hanging.asked() - before, PLACES);
        // Who hangs up gives the place back.
        drop(waiting);
        has_room(&edge).await;
    }
    let (without, with) = (best(&without), best(&with));
    assert!(
        with <= without.mul_f64(1.05) + NOISE,
        "{without:?} {with:?}"
    );
    load.stop().await.all(200);
    edge.stop().await;
}
