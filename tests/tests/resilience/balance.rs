//! Who of several endpoints is asked: not the dead, the broken or the slow one.

use std::time::Duration;

use tests::backend::{self, Backend};
use tests::moody::{Mood, Moody};
use tests::steady::Steady;

use crate::upstream::{QUIET, upstream};

/// How long an endpoint that was put out stays out.
const SOON_BACK: &str = "ejection.base = \"1s\"\nslow_start = \"1s\"";

/// As many failures in a row as put an endpoint out.
const A_FEW: usize = 5;

#[tokio::test]
async fn an_endpoint_that_is_killed_under_load_loses_no_request_and_takes_its_share_again() {
    let (first, second) = (Backend::start().await, Backend::start().await);
    let edge = upstream(&[first.url(), second.url()], &format!("{SOON_BACK}{QUIET}"))
        .start()
        .await;
    let load = Steady::start(edge.address, backend::PATH, 1000, 32);
    load.goes_on(500).await.all(200);
    let dead = first.killed().await;
    load.lasts(Duration::from_millis(1500)).await.all(200);
    let back = dead.again().await;
    // It was put out for a second or, by then, two, and comes back within one. How long its first, slow connections weigh
    // against it is for the machine to say; that they do not for ever is for us.
    let mut rounds = 0;
    loop {
        let (before, others) = (back.asked().await, second.asked().await);
        load.goes_on(500).await.all(200);
        let (share, others) = (back.asked().await - before, second.asked().await - others);
        if share * 4 > others {
            break;
        }
        rounds += 1;
        assert!(rounds < 60, "still {share} against {others}");
    }
    load.stop().await.all(200);
    edge.stop().await;
}

#[tokio::test]
async fn of_three_one_that_answers_500_is_heard_a_few_times_and_then_no_more() {
    let good = [Moody::new().await, Moody::new().await];
    let bad = Moody::being(Mood::all(500)).await;
    let all = [good[0].url(), bad.url(), good[1].url()];
    let edge = upstream(&all, "").start().await;
    let ask = async |count: usize| {
        let mut failed = 0;
        for _ in 0..count {
            failed += usize::from(edge.get("/").send().await.status == 500);
        }
        failed
    };
    assert_eq!((ask(100).await, bad.asked()), (A_FEW, A_FEW));
    assert_eq!((ask(100).await, bad.asked()), (0, A_FEW));

    // Nobody is well: then it is not they who are ill, and all are asked.
    for origin in &good {
        origin.is(Mood::all(500));
    }
    assert_eq!(ask(60).await, 60);
    let asked = |origin: &Moody| origin.asked();
    let before = (asked(&good[0]), asked(&bad), asked(&good[1]));
    assert_eq!(ask(60).await, 60);
    let after = (asked(&good[0]), asked(&bad), asked(&good[1]));
    assert!(
        after.0 > before.0 && after.1 > before.1 && after.2 > before.2,
        "{before:?} {after:?}"
    );
    edge.stop().await;
}

#[tokio::test]
async fn one_that_is_fifty_times_slower_is_hardly_asked() {
    let answering = |millis| {
        Moody::being(Mood {
            latency: Duration::from_millis(millis),
            ..Mood::default()
        })
    };
    let (slow, quick) = (
        answering(200).await,
        [answering(4).await, answering(4).await],
    );
    let all = [quick[0].url(), slow.url(), quick[1].url()];
    let edge = upstream(&all, QUIET).start().await;
    let load = Steady::start(edge.address, "/", 300, 60);
    load.goes_on(150).await.all(200);
    let before = slow.asked();
    load.goes_on(900).await.all(200);
    let asked = slow.asked() - before;
    assert!(asked < 45, "{asked} of 900");
    load.stop().await.all(200);
    edge.stop().await;
}
