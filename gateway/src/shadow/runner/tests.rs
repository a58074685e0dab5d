use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use chassis::clock::Clock;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use tokio::sync::Semaphore;
use upstream::error::Kind;
use upstream::error::Reused;
use upstream::{CallError, Connection, Endpoint, Failed, Transport};

use super::{With, serve};
use crate::forward::tap::{Held, Tap};
use crate::shadow::comparing::Comparing;
use crate::shadow::compiled::{Copying, Direction, tests::copying};
use crate::shadow::config::ShadowConfig;
use crate::shadow::job::{Answered, Asked, Job};
use crate::shadow::state::{Comparisons, Pairs};

/// What a copy meets.
#[derive(Clone)]
enum Met {
    Says(&'static str),
    Hangs,
    Fails(Kind),
    /// Answers when it is let.
    Waits(Arc<Semaphore>),
}

/// Backends that do as they are told, and remember who was asked.
#[derive(Clone, Default)]
struct Told {
    next: Arc<Mutex<VecDeque<Met>>>,
    asked: Arc<Mutex<Vec<u16>>>,
}

impl Told {
    fn new(script: impl IntoIterator<Item = Met>) -> Self {
        Self {
            next: Arc::new(Mutex::new(script.into_iter().collect())),
            asked: Arc::default(),
        }
    }

    fn ports(&self) -> Vec<u16> {
        self.asked.lock().unwrap().clone()
    }
}

impl Transport<Bytes> for Told {
    type Body = Full<Bytes>;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        _: Connection<'_>,
        _: &Request<()>,
        _: Bytes,
    ) -> Result<Response<Full<Bytes>>, Failed> {
        self.asked.lock().unwrap().push(endpoint.place().port);
        let met = self.next.lock().unwrap().pop_front();
        match met.unwrap_or(Met::Says("{}")) {
            Met::Says(text) => Ok(json(text)),
            Met::Hangs => std::future::pending().await,
            Met::Fails(kind) => Err(Failed {
                error: CallError::new(kind),
                unsent: false,
                reused: Reused::No,
            }),
            Met::Waits(let_go) => {
                let_go.acquire().await.unwrap().forget();
                Ok(json("{}"))
            }
        }
    }
}

fn json(text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert("content-type", json);
    response
}

fn job(pairs: &Pairs, copying: &Arc<Copying>, answered: &'static str) -> Job {
    let mut body = Tap::new(1000, pairs.memory());
    body.saw(&Bytes::from_static(answered.as_bytes()));
    body.ended();
    Job {
        copying: Arc::clone(copying),
        asked: Asked {
            method: Method::GET,
            given: "/api/orders/7".parse().unwrap(),
            path: None,
            fields: HeaderMap::new(),
            scheme: "http",
        },
        body: Tap::closed(pairs.memory()),
        answered: Answered {
            status: StatusCode::OK,
            fields: json("").headers().clone(),
            body,
        },
        held: Held::of(pairs.memory()),
    }
}

/// Lets a route's copies meet this; gives what came of them when nothing moves any more.
async fn met(
    config: ShadowConfig,
    direction: Direction,
    script: impl IntoIterator<Item = Met>,
    answers: &[&'static str],
) -> (Arc<Pairs>, Told) {
    let comparisons = Comparisons::default();
    let pairs = comparisons.route("orders");
    let copying = Arc::new(copying(&config, direction));
    pairs.ruled_by(&copying);
    for answer in answers {
        pairs.send(job(&pairs, &copying, answer));
    }
    let told = Told::new(script);
    let weak = Arc::downgrade(&pairs);
    let queue = pairs.queue().unwrap();
    let (clock, _) = Clock::manual(Duration::from_secs(1));
    let with = With {
        transport: &told,
        comparing: &Comparing::new(),
        clock: &clock,
    };
    let serving = serve(&weak, queue, with);
    // Time goes on by itself when all wait.
    let _ = tokio::time::timeout(Duration::from_mins(1), serving).await;
    (pairs, told)
}

fn noiseless() -> ShadowConfig {
    ShadowConfig {
        noise: strangler::Percent::NONE,
        ..ShadowConfig::default()
    }
}

/// What is shown of pairs that lack an answer.
fn answers(pairs: &Pairs, kind: strangler::Kind) -> Vec<String> {
    pairs.see(|tally| {
        let mut diffs = tally.diffs();
        let (key, diff) = diffs.next().unwrap();
        assert_eq!((key.path.as_str(), key.kind), ("answer", kind));
        assert!(diffs.next().is_none());
        let samples = diff.samples.iter();
        samples
            .map(|one| format!("{} {}", one.left, one.right))
            .collect()
    })
}

#[tokio::test(start_paused = true)]
async fn a_side_that_does_not_answer_keeps_the_gate_shut() {
    let config = ShadowConfig {
        noise: strangler::Percent::ALL,
        gate: strangler::Gate {
            min_compared: 5,
            max_mismatch_rate: 0.1,
        },
        ..ShadowConfig::default()
    };
    // Legacy, asked again, says the same.
    let script: Vec<Met> = (0..5)
        .flat_map(|_| [Met::Fails(Kind::Connect), Met::Says("{}")])
        .collect();
    let way = Direction::ToService;
    let (pairs, _) = met(config.clone(), way, script, &["{}"; 5]).await;
    pairs.see(|tally| {
        assert_eq!(
            (tally.totals().compared, tally.totals().noise_pairs),
            (5, 5)
        );
        assert_ne!(tally.gate(&config.gate), strangler::GateState::Open);
    });
    // The other way round it is legacy that owes one.
    let script = [Met::Fails(Kind::ResetBeforeHead)];
    let (pairs, _) = met(noiseless(), Direction::ToLegacy, script, &["{}"]).await;
    assert_eq!(answers(&pairs, strangler::Kind::Extra), ["reset 200"]);
    assert_eq!(pairs.drops(), [("reset", 1)]);
    // Who compares nothing holds nothing against anybody.
    let mirror = ShadowConfig {
        compare: false,
        ..ShadowConfig::default()
    };
    let script = [Met::Fails(Kind::Connect)];
    let (pairs, _) = met(mirror, Direction::ToService, script, &["{}"]).await;
    assert_eq!(
        (outcomes(&pairs), pairs.drops()),
        (vec![], vec![("connect", 1)])
    );
}

fn outcomes(pairs: &Pairs) -> Vec<(&'static str, u64)> {
    pairs.outcomes().filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(start_paused = true)]
async fn copies_go_to_the_other_side_and_are_compared() {
    let script = [Met::Says(r#"{"a":1}"#), Met::Says(r#"{"a":2}"#)];
    let answers = [r#"{"a": 1.0}"#; 2];
    let (pairs, told) = met(noiseless(), Direction::ToService, script, &answers).await;
    assert_eq!(outcomes(&pairs), [("matched", 1), ("mismatched", 1)]);
    assert_eq!(told.ports(), [2, 2]);
    assert_eq!(
        (pairs.copies(), pairs.waiting(), pairs.memory().used()),
        (2, 0, 0)
    );
    pairs.see(|tally| {
        let (key, diff) = tally.diffs().next().unwrap();
        assert_eq!((key.path.as_str(), diff.count), ("$.a", 1));
    });

    let (pairs, told) = met(noiseless(), Direction::ToLegacy, [], &["{}"]).await;
    assert_eq!(
        (outcomes(&pairs), told.ports()),
        (vec![("matched", 1)], vec![1])
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_goes_wrong_is_counted_by_its_reason() {
    let long = Box::leak("7".repeat(2_000_000).into_boxed_str());
    let script = [
        Met::Hangs,
        Met::Fails(Kind::Connect),
        Met::Fails(Kind::ResetBeforeHead),
        Met::Fails(Kind::Malformed),
        Met::Says(long),
    ];
    let (pairs, _) = met(noiseless(), Direction::ToService, script, &["{}"; 5]).await;
    // No answer is an answer that the service owes, and one that is too long is not.
    assert_eq!(outcomes(&pairs), [("mismatched", 4)]);
    let mut shown = answers(&pairs, strangler::Kind::Missing);
    shown.sort();
    assert_eq!(
        shown,
        ["200 connect", "200 malformed", "200 reset", "200 timeout"]
    );
    assert_eq!(
        pairs.drops(),
        [
            ("response_too_large", 1),
            ("timeout", 1),
            ("connect", 1),
            ("reset", 1),
            ("malformed", 1)
        ]
    );
    assert_eq!(pairs.memory().used(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_copies_are_under_way_than_may_be() {
    let let_go = Arc::new(Semaphore::new(0));
    let config = ShadowConfig {
        concurrency: 3,
        timeout: Duration::from_secs(5),
        ..noiseless()
    };
    let comparisons = Comparisons::default();
    let pairs = comparisons.route("orders");
    let copying = Arc::new(copying(&config, Direction::ToService));
    pairs.ruled_by(&copying);
    for _ in 0..10 {
        pairs.send(job(&pairs, &copying, "{}"));
    }
    let told = Told::new(vec![Met::Waits(Arc::clone(&let_go)); 10]);
    let (weak, queue) = (Arc::downgrade(&pairs), pairs.queue().unwrap());
    let (clock, _) = Clock::manual(Duration::from_secs(1));
    let with = With {
        transport: &told,
        comparing: &Comparing::new(),
        clock: &clock,
    };
    let serving = serve(&weak, queue, with);
    tokio::pin!(serving);
    let a_second = Duration::from_secs(1);
    let _ = tokio::time::timeout(a_second, &mut serving).await;
    assert_eq!((told.ports().len(), pairs.waiting()), (3, 7));
    let_go.add_permits(2);
    let _ = tokio::time::timeout(a_second, &mut serving).await;
    assert_eq!((told.ports().len(), pairs.waiting()), (5, 5));
    let_go.add_permits(10);
    let _ = tokio::time::timeout(a_second, &mut serving).await;
    assert_eq!(outcomes(&pairs), [("matched", 10)]);
}

#[tokio::test(start_paused = true)]
async fn a_pair_that_takes_long_to_compare_holds_up_nothing_else() {
    let comparisons = Comparisons::default();
    let pairs = comparisons.route("orders");
    let copying = Arc::new(copying(&noiseless(), Direction::ToService));
    pairs.ruled_by(&copying);
    pairs.send(job(&pairs, &copying, "{}"));
    // Whoever looks at the tally keeps the pair from being added to it.
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let (begin, begun) = std::sync::mpsc::channel();
    let looked_at = Arc::clone(&pairs);
    let looking = std::thread::spawn(move || {
        looked_at.see(|_| {
            begin.send(()).unwrap();
            ended.recv().unwrap();
        });
    });
    begun.recv().unwrap();
    let told = Told::default();
    let (weak, queue) = (Arc::downgrade(&pairs), pairs.queue().unwrap());
    let (clock, _) = Clock::manual(Duration::from_secs(1));
    let with = With {
        transport: &told,
        comparing: &Comparing::new(),
        clock: &clock,
    };
    let serving = tokio::time::timeout(Duration::from_mins(1), serve(&weak, queue, with));
    let others = async {
        while told.ports().is_empty() {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        end.send(()).unwrap();
    };
    let _ = tokio::join!(serving, others);
    looking.join().unwrap();
    assert_eq!(outcomes(&pairs), [("matched", 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_is_asked_twice_tells_noise() {
    let config = ShadowConfig {
        noise: strangler::Percent::ALL,
        ..ShadowConfig::default()
    };
    let script = [Met::Says(r#"{"id":2}"#), Met::Says(r#"{"id":3}"#)];
    let (pairs, told) = met(
        config.clone(),
        Direction::ToService,
        script,
        &[r#"{"id":1}"#],
    )
    .await;
    assert_eq!(told.ports(), [2, 1]);
    pairs.see(|tally| {
        assert_eq!(tally.totals().noise_pairs, 1);
        let (_, diff) = tally.diffs().next().unwrap();
        assert_eq!(
            (diff.discord.b, diff.discord.c, diff.discord.both),
            (0, 0, 1)
        );
    });
    // Without the second answer the pair counts as any other.
    let script = [Met::Says("{}"), Met::Fails(Kind::Connect)];
    let (pairs, _) = met(config, Direction::ToService, script, &["{}"]).await;
    assert_eq!(
        (outcomes(&pairs), pairs.drops()),
        (vec![("matched", 1)], vec![])
    );
}

#[tokio::test(start_paused = true)]
async fn a_mirror_compares_nothing_and_asks_nobody_twice() {
    let config = ShadowConfig {
        compare: false,
        max_response: 1,
        noise: strangler::Percent::ALL,
        ..ShadowConfig::default()
    };
    let script = [Met::Says(r#"{"another": "answer"}"#)];
    let (pairs, told) = met(config, Direction::ToService, script, &["{}"]).await;
    assert_eq!(
        (outcomes(&pairs), told.ports()),
        (vec![("mirrored", 1)], vec![2])
    );
    pairs.see(|tally| assert_eq!(tally.totals().compared, 0));
}
