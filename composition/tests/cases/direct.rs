//! Without a gateway the BFF itself repeats, breaks and makes second tries.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use chassis::tasks::Tasks;
use composition::{
    Backend, Carried, Carrier, Engine, Lost, Protection, Reason, Terms, View, Way, carry,
};
use futures::future::{BoxFuture, join_all};
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use serde_json::json;
use tokio::time::advance;
use upstream::transport::{Connection, Transport};
use upstream::{Endpoint, Failed, retry};

use crate::script::{Reply, ms};
use crate::shop::{Answer, Keeping, inbound, products, view};

/// What a backend answers to its try of this number, from 0.
type Answering = Arc<dyn Fn(usize) -> Reply + Send + Sync>;

/// Backends by their hosts, and how often each was asked.
#[derive(Default)]
struct Wire {
    answers: Mutex<HashMap<&'static str, Answering>>,
    tries: Mutex<HashMap<String, usize>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl Wire {
    fn answers(&self, host: &'static str, answer: impl Fn(usize) -> Reply + Send + Sync + 'static) {
        self.answers.lock().unwrap().insert(host, Arc::new(answer));
    }

    fn tries(&self, host: &str) -> usize {
        let tries = self.tries.lock().unwrap();
        tries.get(host).copied().unwrap_or_default()
    }
}

impl Transport<Bytes> for Wire {
    type Body = Full<Bytes>;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        _: Connection<'_>,
        head: &Request<()>,
        _: Bytes,
    ) -> Result<Response<Full<Bytes>>, Failed> {
        let host = endpoint.place().host.as_str();
        let before = {
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry(host.to_owned()).or_default();
            *tries += 1;
            *tries - 1
        };
        let answer = self.answers.lock().unwrap().get(host).cloned();
        match answer {
            Some(answer) => answer(before).over_wire().await,
            None => Ok(Response::new(whatever(host, head))),
        }
    }
}

/// Everything is there.
fn whatever(host: &str, head: &Request<()>) -> Full<Bytes> {
    let said = match host {
        "order" => json!({"user": 7, "items": [1, 2]}),
        "products" => products(&head.uri().to_string()),
        _ => json!({"items": []}),
    };
    Full::from(said.to_string())
}

#[derive(Debug)]
struct Over(Arc<Wire>, Way);

impl Carrier for Over {
    fn way(&self) -> Way {
        self.1
    }

    fn carry<'a>(
        &'a self,
        backend: &'a Arc<Backend>,
        request: Request<Bytes>,
        terms: Terms,
    ) -> BoxFuture<'a, Result<Carried, Lost>> {
        Box::pin(carry(&*self.0, self.1, backend, request, terms))
    }
}

/// A BFF that asks its backends itself.
struct Direct {
    wire: Arc<Wire>,
    view: View<u64>,
}

impl Direct {
    fn new(protection: &Protection) -> Self {
        Self::by(Way::Direct, protection)
    }

    fn by(way: Way, protection: &Protection) -> Self {
        let wire = Arc::<Wire>::default();
        let carrier = Arc::new(Over(Arc::clone(&wire), way));
        let engine = Engine::new(carrier, "test", 0, &Tasks::new());
        let view = view(&engine, Keeping::default(), protection);
        Self { wire, view }
    }

    async fn get(&self) -> Answer {
        self.get_with(&[]).await
    }

    async fn get_with(&self, fields: &[(&'static str, &str)]) -> Answer {
        Answer::read(self.view.answer(inbound(fields), 1).await).await
    }

    /// One after the other: the statuses.
    async fn times(&self, count: usize) -> Vec<u16> {
        let mut statuses = Vec::new();
        for _ in 0..count {
            statuses.push(self.get().await.status);
        }
        statuses
    }

    async fn at_once(&self, count: usize) -> Vec<Answer> {
        join_all((0..count).map(|_| self.get())).await
    }
}

/// As usual, but for retries: each call is one try.
fn once() -> Protection {
    Protection {
        retry: retry::Settings::once(),
        ..Protection::own(64)
    }
}

fn without_breaker() -> Protection {
    Protection {
        breaker: None,
        ..Protection::own(64)
    }
}

fn order() -> Reply {
    Reply::json(&json!({"user": 7, "items": [1, 2]}))
}

fn dead(_: usize) -> Reply {
    Reply::lost(Lost::new(Reason::Connect))
}

fn hanging(_: usize) -> Reply {
    order().after(ms(600_000))
}

#[tokio::test(start_paused = true)]
async fn a_needed_backend_that_mostly_fails_is_left_alone_and_clients_are_told_how_long() {
    let bff = Direct::new(&once());
    // 20 calls, 10 of them failing.
    let every_other = |n: usize| {
        if n.is_multiple_of(2) {
            order()
        } else {
            dead(n)
        }
    };
    bff.wire.answers("order", every_other);
    assert!(!bff.times(20).await.contains(&503));
    bff.wire.answers("order", |_| order());
    let refused = bff.get().await;
    assert_eq!(
        (refused.status, refused.json()["code"].clone()),
        (503, json!("backend_busy"))
    );
    assert_eq!(refused.json()["reason"], "breaker_open");
    let wait: u64 = refused.field("retry-after").unwrap().parse().unwrap();
    assert!((3..=8).contains(&wait), "{wait}");
    advance(ms(1000 * (wait - 2))).await;
    let later = bff.get().await;
    let left: u64 = later.field("retry-after").unwrap().parse().unwrap();
    assert_eq!((later.status, left), (503, 2));
    assert_eq!(bff.wire.tries("order"), 20);
    advance(ms(2000)).await;
    assert_eq!(bff.get().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_screen_does_without_a_backend_that_is_left_alone() {
    let bff = Direct::new(&once());
    bff.wire.answers("reviews", dead);
    bff.times(20).await;
    let answer = bff.get().await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.field("x-degraded"),
        Some("reviews;reason=breaker_open")
    );
    assert_eq!(bff.wire.tries("reviews"), 20);
    assert_eq!(bff.wire.tries("order"), 21);
}

#[tokio::test(start_paused = true)]
async fn probes_whose_clients_hang_up_give_their_places_back() {
    let bff = Direct::new(&once());
    bff.wire.answers("order", dead);
    bff.times(20).await;
    advance(ms(8_000)).await;
    bff.wire.answers("order", hanging);
    tokio::select! {
        _ = bff.at_once(5) => panic!("too early"),
        () = tokio::time::sleep(ms(100)) => {}
    }
    assert_eq!(bff.wire.tries("order"), 25);
    bff.wire.answers("order", |_| order());
    assert_eq!(bff.get().await.status, 200);
    // What is let through grows to all within a few seconds.
    advance(ms(8_000)).await;
    assert_eq!(bff.times(50).await, [200; 50]);
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_says_of_a_request_and_what_callers_do_opens_nothing() {
    let bff = Direct::new(&once());
    for status in [404, 429, 500] {
        bff.wire.answers("order", move |_| Reply::text(status, ""));
        bff.times(30).await;
    }
    bff.wire.answers("order", hanging);
    for _ in 0..30 {
        let answer = bff.get_with(&[("x-request-deadline-ms", "60")]).await;
        assert_eq!(
            (answer.status, answer.json()["code"].clone()),
            (504, json!("deadline_exceeded"))
        );
        tokio::select! {
            _ = bff.get() => panic!("too early"),
            () = tokio::time::sleep(ms(10)) => {}
        }
    }
    bff.wire.answers("order", |_| order());
    assert_eq!(bff.times(30).await, [200; 30]);
    // A part's own time is what its backend has.
    advance(ms(10_000)).await;
    bff.wire.answers("order", hanging);
    bff.at_once(30).await;
    assert_eq!(bff.get().await.json()["reason"], "breaker_open");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_answers_late_nearly_always_is_left_alone() {
    let bff = Direct::new(&once());
    bff.wire.answers("order", |_| order().after(ms(550)));
    bff.at_once(20).await;
    assert_eq!(bff.get().await.json()["reason"], "breaker_open");
}

#[tokio::test(start_paused = true)]
async fn a_dead_backend_is_asked_a_fifth_more_than_there_are_requests() {
    let bff = Direct::new(&without_breaker());
    bff.wire.answers("order", dead);
    assert_eq!(bff.times(1000).await, [502; 1000]);
    let retries = bff.wire.tries("order") - 1000;
    assert!((150..=230).contains(&retries), "{retries}");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_fails_once_is_not_noticed() {
    let bff = Direct::new(&Protection::own(64));
    let then_well = |n: usize| {
        if n == 0 {
            Reply::text(503, "")
        } else {
            order()
        }
    };
    bff.wire.answers("order", then_well);
    let answer = bff.get().await;
    assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
    assert_eq!(bff.wire.tries("order"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_wants_more_time_than_there_is_is_not_asked_again() {
    let bff = Direct::new(&Protection::own(64));
    bff.wire.answers("order", |_| {
        Reply::text(503, "").field(http::header::RETRY_AFTER, HeaderValue::from_static("1"))
    });
    assert_eq!(bff.get().await.json()["reason"], "5xx");
    assert_eq!(bff.wire.tries("order"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_full_bulkhead_is_no_failure_and_is_not_asked_again() {
    let bff = Direct::new(&Protection::own(64));
    bff.wire.answers("order", |_| order().after(ms(400)));
    let answers = bff.at_once(200).await;
    let (well, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|one| one.status == 200);
    assert_eq!((well.len(), refused.len()), (64, 136));
    assert!(
        refused
            .iter()
            .all(|one| one.json()["reason"] == "bulkhead_full")
    );
    assert_eq!(bff.wire.tries("order"), 64);
    assert_eq!(bff.get().await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_try_that_hangs_is_overtaken_by_a_second_one() {
    let bff = Direct::new(&Protection::own(64));
    bff.wire.answers("order", |_| order().after(ms(20)));
    bff.times(100).await;
    advance(ms(5_000)).await;
    bff.times(60).await;
    let before = bff.wire.tries("order");
    let once = move |n: usize| if n == before { hanging(n) } else { order() };
    bff.wire.answers("order", once);
    let began = tokio::time::Instant::now();
    let answer = bff.get().await;
    assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
    assert!(began.elapsed() < ms(60), "{:?}", began.elapsed());
    assert_eq!(bff.wire.tries("order"), before + 2);
}

#[tokio::test(start_paused = true)]
async fn second_tries_are_a_twentieth_at_most() {
    let bff = Direct::new(&without_breaker());
    bff.wire.answers("order", |_| order().after(ms(5)));
    bff.times(1000).await;
    // From now on all are slow, and half of the second tries would be worth it.
    bff.wire.answers("order", |n| {
        order().after(ms(if n.is_multiple_of(2) { 300 } else { 5 }))
    });
    let before = bff.wire.tries("order");
    bff.times(200).await;
    let more = bff.wire.tries("order") - before - 200;
    assert!((1..=60).contains(&more), "{more}");
}

#[tokio::test(start_paused = true)]
async fn behind_a_gateway_only_a_connection_that_does_not_come_about_is_tried_again() {
    let bff = Direct::by(Way::Gateway, &Protection::by_gateway(64));
    for status in [502, 503, 504] {
        bff.wire.answers("order", move |_| Reply::text(status, ""));
        let before = bff.wire.tries("order");
        bff.times(40).await;
        assert_eq!(bff.wire.tries("order"), before + 40);
    }
    let before = bff.wire.tries("order");
    bff.wire.answers(
        "order",
        move |n| if n == before { dead(n) } else { order() },
    );
    assert_eq!(bff.get().await.status, 200);
}
