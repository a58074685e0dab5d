//! Endpoints that come and go under load.

use tests::load::times;
use tests::origin::{Log, Origin};
use tests::steady::Steady;
use tests::wire::Wire;

use crate::upstream::{QUIET, upstream};

/// How many changes there are: more than a usual run has time for.
const CHANGES: &str = "BANYAN_ENDPOINT_CHANGES";
const CHANGES_USUAL: u32 = 2_000;

/// By so much memory may grow while a gateway runs in, in KiB.
const RUNNING_IN: u64 = 8 * 1024;

async fn answer_all(mut wire: Wire, _: Log) {
    while wire.request().await.is_some() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        if wire.try_send(answer).await.is_err() {
            return;
        }
    }
}

/// Two endpoints that were never there before, and one that stays.
fn endpoints(change: u32, port: u16) -> String {
    let [_, high, middle, low] = (2 * change).to_be_bytes();
    let fresh = |n: u8| format!("http://127.{}.{middle}.{}:{port}", high + 1, low + n);
    format!(
        "endpoints = {:?}",
        [fresh(0), fresh(1), format!("http://127.0.0.1:{port}")]
    )
}

#[tokio::test]
async fn endpoints_come_and_go_by_the_thousand_and_no_request_is_lost() {
    let origin = Origin::everywhere(answer_all).await;
    let port = origin.address().port();
    let edge = upstream(&["http://127.0.0.1:9".to_owned()], QUIET);
    // Nobody is there for long enough to grow into its share.
    let at_once = format!("slow_start = \"0s\"\n{}", endpoints(0, port));
    edge.edit(|file| file.replace("endpoints = [\"http://127.0.0.1:9\"]", &at_once));
    let edge = edge.start().await;
    let load = Steady::start(edge.address, "/", 300, 16);
    let changes = times(CHANGES, CHANGES_USUAL);
    let mut run_in = 0;
    for change in 1..=changes {
        edge.edit(|file| file.replace(&endpoints(change - 1, port), &endpoints(change, port)));
        let answer = edge.reload().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        if change == changes / 2 {
            run_in = edge.process.resident();
        }
    }
    load.goes_on(100).await.all(200);
    let resident = edge.process.resident();
    assert!(
        resident < run_in + RUNNING_IN,
        "{run_in} KiB, then {resident} KiB"
    );
    load.stop().await.all(200);
    // Otherwise those that came were never asked.
    assert!(origin.connections() > 100, "{}", origin.connections());
    edge.stop().await;
}
