mod kit;
mod breaking;
mod hedging;

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::Instant;

use self::kit::{Asked, Does, Kit};
use super::*;
use crate::breaker;
use crate::bulkhead;

fn get() -> Asked {
    Asked::new(Method::GET)
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_refuses_is_followed_by_another_even_for_a_post() {
    let kit = Kit::new(&[Does::Refuses, Does::Answers(200)]);
    for _ in 0..4 {
        let answered = kit.ask(Asked::new(Method::POST)).await.unwrap();
        assert_eq!(answered.response.status(), StatusCode::OK);
    }
    assert_eq!(kit.asked_of(1), 4);
}

#[tokio::test(start_paused = true)]
async fn all_tries_together_are_as_many_as_the_file_says() {
    let kit = Kit::new(&[Does::Refuses]);
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::Connect, 2));
    assert_eq!(error.trail.stopped, Some(Stopped::Attempts));
    let four = retry::Settings {
        attempts: 4,
        ..retry::Settings::default()
    };
    let kit = Kit::new(&[Does::Refuses]).retrying(four);
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!(error.trail.attempts, 4);
    assert_eq!(kit.asked_of(0), 4);
}

#[tokio::test(start_paused = true)]
async fn what_may_have_been_acted_on_is_repeated_only_where_that_is_the_same() {
    for (method, key, tries) in [
        (Method::GET, false, 2),
        (Method::POST, false, 1),
        (Method::POST, true, 1),
        (Method::PUT, false, 1),
    ] {
        let kit = Kit::new(&[Does::Resets]);
        let asked = Asked::new(method.clone()).with_key(key);
        let error = kit.ask(asked).await.unwrap_err();
        assert_eq!(error.kind, Kind::ResetBeforeHead);
        assert_eq!(error.trail.attempts, tries, "{method} {key}");
    }
    for (method, key, tries) in [
        (Method::POST, false, 1),
        (Method::POST, true, 2),
        (Method::PUT, false, 2),
    ] {
        let named = retry::Settings {
            methods: vec![Method::POST, Method::PUT],
            ..retry::Settings::default()
        };
        let kit = Kit::new(&[Does::Resets]).retrying(named);
        let asked = Asked::new(method.clone()).with_key(key);
        let error = kit.ask(asked).await.unwrap_err();
        assert_eq!(error.trail.attempts, tries, "{method} {key}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_are_tried_again_as_the_file_names_them() {
    for (status, tries) in [(200, 1), (404, 1), (500, 1), (502, 1), (503, 2), (504, 1)] {
        let kit = Kit::new(&[Does::Answers(status)]);
        let answered = kit.ask(get()).await.unwrap();
        assert_eq!(answered.response.status().as_u16(), status);
        assert_eq!(answered.trail.attempts, tries, "{status}");
    }
    let kit = Kit::new(&[Does::Answers(503)]);
    let posted = kit.ask(Asked::new(Method::POST)).await.unwrap();
    assert_eq!(posted.trail.attempts, 1);
    assert_eq!(posted.trail.stopped, Some(Stopped::Method));
}

#[tokio::test(start_paused = true)]
async fn another_endpoint_comes_first() {
    let kit = Kit::new(&[Does::Answers(503), Does::Answers(200)]);
    for _ in 0..30 {
        let answered = kit.ask(get()).await.unwrap();
        assert_eq!(answered.response.status(), StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_is_drawn_and_ends() {
    let settings = retry::Settings::default();
    let below: Vec<u128> = (2..9)
        .map(|next| settings.wait_below(next).as_millis())
        .collect();
    assert_eq!(below, [50, 100, 200, 400, 800, 1000, 1000]);
    let start = Instant::now();
    let kit = Kit::new(&[Does::Refuses]);
    assert!(kit.ask(get()).await.is_err());
    assert!(start.elapsed() <= Duration::from_millis(51));
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_asks_to_be_left_alone_is_unless_that_takes_too_long() {
    let kit = Kit::new(&[Does::AnswersAfter(503, 2)]);
    let start = Instant::now();
    let answered = kit.ask(get()).await.unwrap();
    assert_eq!(answered.trail.attempts, 2);
    assert!(start.elapsed() >= Duration::from_secs(2));
    for too_long in [20, u64::MAX] {
        let kit = Kit::new(&[Does::AnswersAfter(503, too_long)]);
        let answered = kit.ask(get()).await.unwrap();
        assert_eq!(answered.trail.attempts, 1);
        assert_eq!(answered.trail.stopped, Some(Stopped::Deadline));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dead_upstream_gets_no_storm() {
    let kit = Kit::new(&[Does::Refuses]);
    for _ in 0..1000 {
        assert!(kit.ask_at_once(get()).await.is_err());
    }
    let asked = kit.asked_of(0);
    assert!((1200..=1230).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_for_all_tries_together() {
    let start = Instant::now();
    let kit = Kit::new(&[Does::Hangs]);
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::Timeout, 1));
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_try_has_less_time_only_while_another_may_follow() {
    let per_try = retry::Settings {
        per_try_timeout: Some(Duration::from_secs(3)),
        on: retry::On {
            timeout: true,
            ..retry::On::default()
        },
        ..retry::Settings::default()
    };
    let kit = Kit::new(&[Does::Hangs]).retrying(per_try.clone());
    let start = Instant::now();
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::Timeout, 2));
    assert_eq!(start.elapsed().as_secs(), 15);
    let kit = Kit::new(&[Does::Hangs, Does::Answers(200)]).retrying(per_try);
    let start = Instant::now();
    for _ in 0..3 {
        assert!(kit.ask(get()).await.is_ok());
    }
    assert!(start.elapsed() < Duration::from_secs(10));
    let post = Kit::new(&[Does::Hangs]);
    assert_eq!(
        post.ask(Asked::new(Method::POST)).await.unwrap_err().kind,
        Kind::Timeout
    );
}

#[tokio::test(start_paused = true)]
async fn a_try_that_none_can_follow_any_more_has_all_the_time() {
    let per_try = retry::Settings {
        per_try_timeout: Some(Duration::from_secs(3)),
        on: retry::On {
            timeout: true,
            ..retry::On::default()
        },
        ..retry::Settings::default()
    };
    // A body that has become too long to be kept.
    let kit = Kit::new(&[Does::Hangs]).retrying(per_try.clone());
    let start = Instant::now();
    let error = kit.ask(get().spent()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::Timeout, 1));
    assert_eq!(start.elapsed().as_secs(), 15);
    // Other calls have spent the budget in the meantime.
    let kit = Kit::new(&[Does::Hangs]).retrying(per_try);
    let start = Instant::now();
    let (asked, ()) = tokio::join!(
        kit.ask(get().until(Duration::from_secs(9), Whose::Ours)),
        async { while kit.upstream.budget.withdraw(Instant::now(), 0.2) {} }
    );
    assert_eq!(asked.unwrap_err().trail.attempts, 1);
    assert_eq!(start.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_dead_kept_connection_is_no_try_where_repeating_is_safe() {
    let kit = Kit::new(&[Does::Stale]);
    let answered = kit.ask(get()).await.unwrap();
    assert_eq!((answered.trail.attempts, answered.trail.stale), (1, 1));
    assert_eq!(kit.upstream.tally.counts().stale, 1);
    let error = kit.ask(Asked::new(Method::POST)).await.unwrap_err();
    assert_eq!(error.kind, Kind::ResetBeforeHead);
    let kit = Kit::new(&[Does::StaleUnsent]);
    let answered = kit.ask(Asked::new(Method::POST)).await.unwrap();
    assert_eq!((answered.trail.attempts, answered.trail.stale), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_say_what_it_kept_pays_for_its_guess() {
    let kit = Kit::new(&[Does::ResetsUnknown]).retrying(retry::Settings::once());
    for _ in 0..1000 {
        assert!(kit.ask_at_once(get()).await.is_err());
    }
    let asked = kit.asked_of(0);
    assert!((1200..=1230).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_refuses_at_once_and_is_no_failure() {
    let kit = Kit::new(&[Does::Hangs])
        .breaking(breaker::Settings::default())
        .within(bulkhead::Settings {
            concurrent: 20,
            wait: Duration::ZERO,
        });
    let held: Vec<_> = (0..20).map(|_| Box::pin(kit.ask(get()))).collect();
    let mut held = futures_of(held);
    assert!(poll_all(&mut held));
    let start = Instant::now();
    for _ in 0..100 {
        let error = kit.ask(get()).await.unwrap_err();
        assert_eq!(error.kind, Kind::BulkheadFull);
        assert!(error.retry_after.is_some());
    }
    assert_eq!(Instant::now(), start);
    assert_eq!(kit.asked_of(0), 20);
    drop(held);
    kit.does(0, Does::Answers(200));
    assert!(kit.ask(get()).await.is_ok());
    assert_eq!(kit.upstream.tally.counts().bulkhead_full, 100);
}

#[tokio::test(start_paused = true)]
async fn in_flight_and_place_count_until_the_answer_is_dropped() {
    let kit = Kit::new(&[Does::Answers(200)]).within(bulkhead::Settings {
        concurrent: 1,
        wait: Duration::ZERO,
    });
    let answered = kit.ask(get()).await.unwrap();
    assert_eq!(kit.endpoint(0).in_flight(), 1);
    assert!(kit.ask(get()).await.is_err());
    drop(answered);
    assert_eq!(kit.endpoint(0).in_flight(), 0);
    assert!(kit.ask(get()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_callers_give_up_on_gets_few_of_them() {
    let kit = Kit::new(&[Does::Hangs, Does::Answers(200)]);
    for _ in 0..1000 {
        let patience = Duration::from_millis(20);
        let _ = tokio::time::timeout(patience, kit.ask(get())).await;
    }
    let hanging = kit.asked_of(0);
    assert!(hanging < 50, "{hanging}");
}

#[tokio::test(start_paused = true)]
async fn a_body_of_which_too_much_has_passed_is_sent_once() {
    let kit = Kit::new(&[Does::Resets]);
    let error = kit.ask(get().spent()).await.unwrap_err();
    assert_eq!(error.trail.attempts, 1);
    assert_eq!(error.trail.stopped, Some(Stopped::Body));
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_is_said_at_once() {
    let kit = Kit::new(&[]);
    let error = kit.ask(get()).await.unwrap_err();
    assert_eq!((error.kind, error.trail.attempts), (Kind::NoEndpoint, 0));
}

/// A multi-threaded caller spawns this future, so it is `Send` when the transport's is.
#[test]
fn the_call_is_send_when_the_transport_is() {
    fn send<F: Send>(_: &F) {}
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let kit = Kit::new(&[Does::Answers(200)]);
        send(&kit.ask(get()));
    });
}

type Calls<F> = Vec<std::pin::Pin<Box<F>>>;

fn futures_of<F>(calls: Calls<F>) -> Calls<F> {
    calls
}

/// Polls each once; whether all of them wait.
fn poll_all<F: Future>(calls: &mut Calls<F>) -> bool {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    calls
        .iter_mut()
        .all(|call| call.as_mut().poll(&mut cx).is_pending())
}
