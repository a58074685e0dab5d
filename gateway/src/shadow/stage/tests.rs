use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use strangler::{Decision, Reason, Side};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Capture, Shadow};
use crate::shadow::compiled::{Direction, tests::copying};
use crate::shadow::config::ShadowConfig;
use crate::shadow::job::Job;
use crate::shadow::state::Comparisons;

const BY_PHASE: Decision = Decision {
    side: Side::Legacy,
    reason: Reason::Phase,
    bucket: None,
};

fn shadow(config: &ShadowConfig) -> (Shadow, UnboundedReceiver<Job>) {
    let pairs = Comparisons::default().route("orders");
    let queue = pairs.queue().unwrap();
    let shadow = Shadow {
        copying: Arc::new(copying(config, Direction::ToService)),
        pairs,
    };
    (shadow, queue)
}

fn answer(body: &'static str) -> Response<Full<Bytes>> {
    Response::new(Full::from(body))
}

fn begun(shadow: &Shadow, body: &'static str) -> Option<Box<Capture>> {
    let given = "/api/orders/7?a=1".parse().unwrap();
    let (head, body) = (Request::new(()), Full::<Bytes>::from(body));
    shadow.capture((&head, &body), (&given, "/api/orders/7"), "http")
}

/// A request that has passed with its body, and its answer in pieces.
fn passed(shadow: &Shadow, body: &'static str, answered: &[&'static str], whole: bool) {
    let capture = begun(shadow, body).unwrap();
    if let Some(tap) = capture.body() {
        let mut tap = tap.borrow_mut();
        tap.saw(&Bytes::from_static(body.as_bytes()));
        tap.ended();
    }
    let Some(mut capture) = capture.answered(&answer("")) else {
        return;
    };
    for piece in answered {
        capture.saw(&Bytes::from_static(piece.as_bytes()));
    }
    capture.end(whole);
}

#[test]
fn what_has_passed_is_handed_over_and_costs_nothing_afterwards() {
    let (shadow, mut queue) = shadow(&ShadowConfig::default());
    passed(&shadow, "ask", &["an", "swer"], true);
    let mut job = queue.try_recv().unwrap();
    assert_eq!(
        (job.body.content(), job.answered.body.content()),
        ("ask".into(), "answer".into())
    );
    assert_eq!(
        (job.asked.given.as_str(), job.asked.path()),
        ("/api/orders/7?a=1", "/api/orders/7")
    );
    assert_eq!(job.answered.status, StatusCode::OK);
    assert!(shadow.pairs.memory().used() > 0);
    drop(job);
    assert_eq!(shadow.pairs.memory().used(), 0);
    assert_eq!(shadow.pairs.drops(), []);
}

#[test]
fn what_is_over_a_bound_is_dropped_by_its_reason() {
    let small = ShadowConfig {
        max_body: 3,
        max_response: 5,
        queue: 1,
        ..ShadowConfig::default()
    };
    let (shadow, mut queue) = shadow(&small);
    assert!(begun(&shadow, "four").is_none());
    passed(&shadow, "ask", &["six by", " now"], true);
    assert!(
        begun(&shadow, "")
            .unwrap()
            .answered(&answer("six by"))
            .is_none()
    );
    passed(&shadow, "ask", &["cut"], false);
    drop(begun(&shadow, "ask"));
    passed(&shadow, "ask", &["fine"], true);
    passed(&shadow, "ask", &["late"], true);
    assert_eq!(
        shadow.pairs.drops(),
        [
            ("body_too_large", 1),
            ("response_too_large", 2),
            ("incomplete", 2),
            ("queue_full", 1)
        ]
    );
    assert_eq!(shadow.pairs.waiting(), 1);
    assert!(queue.try_recv().is_ok() && queue.try_recv().is_err());
    assert_eq!(shadow.pairs.memory().used(), 0);
}

#[test]
fn a_request_whose_body_did_not_pass_is_no_pair() {
    let (shadow, mut queue) = shadow(&ShadowConfig::default());
    let capture = begun(&shadow, "ask").unwrap();
    capture
        .body()
        .unwrap()
        .borrow_mut()
        .saw(&Bytes::from_static(b"as"));
    capture.answered(&answer("")).unwrap().end(true);
    assert_eq!(shadow.pairs.drops(), [("incomplete", 1)]);
    assert!(queue.try_recv().is_err());
}

#[test]
fn streams_and_partial_answers_are_not_kept() {
    let (shadow, _queue) = shadow(&ShadowConfig::default());
    let mut stream = answer("");
    let events = HeaderValue::from_static("text/event-stream; charset=utf-8");
    stream.headers_mut().insert(CONTENT_TYPE, events);
    let mut known = answer("");
    *known.status_mut() = StatusCode::NOT_MODIFIED;
    for answer in [&stream, &known] {
        assert!(begun(&shadow, "").unwrap().answered(answer).is_none());
    }
    assert_eq!(shadow.pairs.drops(), [("stream", 1), ("partial", 1)]);
}

#[test]
fn only_the_sample_is_counted() {
    let post = Request::post("/").body(()).unwrap();
    let mut upgrade = Request::get("/").body(()).unwrap();
    upgrade
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("websocket"));
    upgrade
        .headers_mut()
        .insert("connection", HeaderValue::from_static("upgrade"));
    let get = Request::get("/").body(()).unwrap();
    let (all, _queue) = shadow(&ShadowConfig::default());
    assert!(all.takes(BY_PHASE, None, &get));
    assert!(!all.takes(BY_PHASE, None, &post) && !all.takes(BY_PHASE, None, &upgrade));
    assert_eq!(all.pairs.drops(), [("method", 1), ("stream", 1)]);
    let (none, _queue) = shadow(&ShadowConfig {
        percent: strangler::Percent::NONE,
        ..ShadowConfig::default()
    });
    assert!(!none.takes(BY_PHASE, None, &post) && !none.takes(BY_PHASE, None, &get));
    assert_eq!(none.pairs.drops(), []);
}

#[test]
fn a_mirror_keeps_no_answer() {
    let (shadow, mut queue) = shadow(&ShadowConfig {
        compare: false,
        max_response: 1,
        ..ShadowConfig::default()
    });
    passed(&shadow, "ask", &["a long answer"], true);
    assert_eq!(queue.try_recv().unwrap().answered.body.content(), "");
}
