use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::endpoint::Place;
use crate::fleet::{self, Member};
use crate::health::Statuses;

/// Notes when whom was asked what, and answers from a script, then 200.
#[derive(Debug, Default)]
struct Scripted {
    asked: Mutex<Vec<(Instant, u16, Request<()>)>>,
    answers: Mutex<VecDeque<Result<u16, &'static str>>>,
}

impl Ask for Scripted {
    fn ask<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        request: Request<()>,
    ) -> BoxFuture<'a, Result<StatusCode, String>> {
        let note = (Instant::now(), endpoint.place().port, request);
        self.asked.lock().unwrap().push(note);
        let answer = self.answers.lock().unwrap().pop_front().unwrap_or(Ok(200));
        Box::pin(async move {
            match answer {
                Ok(0) => std::future::pending().await,
                Ok(code) => Ok(StatusCode::from_u16(code).unwrap()),
                Err(why) => Err(why.to_owned()),
            }
        })
    }
}

impl Scripted {
    fn times(&self, port: u16) -> Vec<Instant> {
        let asked = self.asked.lock().unwrap();
        let of_port = asked.iter().filter(|(_, asked, _)| *asked == port);
        of_port.map(|(at, ..)| *at).collect()
    }
}

fn member(port: u16) -> Member {
    let place = Place::new("10.0.0.1", port, "/base");
    Member {
        endpoint: Arc::new(Endpoint::new(place).unwrap()),
        weight: 1,
    }
}

fn checks(fleet: &Arc<Fleet>) -> Arc<Checks> {
    let checking = Checking {
        upstream: "users".to_owned(),
        settings: Settings {
            path: "/healthz".to_owned(),
            statuses: vec![Statuses::One(StatusCode::NO_CONTENT), Statuses::Class(2)],
            interval: Duration::from_secs(5),
            ..Settings::default()
        },
        host: None,
    };
    Arc::new(Checks::new(checking, fleet))
}

fn begun(members: Vec<Member>) -> (Arc<Fleet>, Arc<Checks>, Arc<Scripted>, Tasks) {
    let fleet = Arc::new(Fleet::new(fleet::Settings::default(), members));
    let (checks, scripted, tasks) = (checks(&fleet), Arc::new(Scripted::default()), Tasks::new());
    let asker: Arc<dyn Ask> = Arc::clone(&scripted) as _;
    checks.start(&asker, &tasks);
    // A second start asks nobody twice.
    checks.start(&asker, &tasks);
    (fleet, checks, scripted, tasks)
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn each_endpoint_is_asked_in_its_own_time() {
    let began = Instant::now();
    let (_fleet, checks, scripted, _tasks) = begun((1..=20).map(member).collect());
    pass(60).await;
    let mut firsts = Vec::new();
    for port in 1..=20 {
        let times = scripted.times(port);
        assert!((11..=14).contains(&times.len()), "{}", times.len());
        assert!(times[0] - began <= SPREAD + Duration::from_millis(2));
        for pair in times.windows(2) {
            let apart = (pair[1] - pair[0]).as_millis();
            assert!((4_500..=5_502).contains(&apart), "{apart} ms");
        }
        firsts.push(times[0] - began);
    }
    firsts.sort();
    assert!(firsts[19] > firsts[0] + SPREAD / 4, "{firsts:?}");
    assert!(checks.good() > 200 && checks.bad() == 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_says_who_it_is_and_asks_behind_the_base_path() {
    let (_fleet, _checks, scripted, _tasks) = begun(vec![member(7000)]);
    pass(2).await;
    let asked = scripted.asked.lock().unwrap();
    let (_, _, request) = &asked[0];
    assert_eq!(request.uri(), "/base/healthz");
    assert_eq!(request.headers()[HOST], "10.0.0.1:7000");
    let agent = request.headers()[USER_AGENT].to_str().unwrap();
    assert!(agent.starts_with("banyan-health/"), "{agent}");
}

#[tokio::test(start_paused = true)]
async fn the_host_is_the_one_that_the_upstream_sees() {
    let checking = Checking {
        upstream: "users".to_owned(),
        settings: Settings::default(),
        host: Some(HeaderValue::from_static("users.internal")),
    };
    let request = request(&member(7000).endpoint, &checking).unwrap();
    assert_eq!(request.headers()[HOST], "users.internal");
}

#[tokio::test(start_paused = true)]
async fn bad_answers_failures_and_silence_are_bad_checks() {
    let (_fleet, checks, scripted, _tasks) = begun(vec![member(7000)]);
    let answers = [Ok(503), Err("refused"), Ok(0), Ok(204)];
    scripted.answers.lock().unwrap().extend(answers);
    pass(24).await;
    assert_eq!(checks.bad(), 3);
    assert!(checks.good() >= 1);
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_answer_holds_up_no_other() {
    let (_fleet, _checks, scripted, _tasks) = begun(vec![member(1), member(2)]);
    scripted.answers.lock().unwrap().extend([Ok(0)]);
    pass(30).await;
    assert!(scripted.times(1).len() >= 5 && scripted.times(2).len() >= 5);
}

#[tokio::test(start_paused = true)]
async fn endpoints_that_come_are_asked_and_those_that_go_are_not() {
    let (stays, goes, comes) = (member(1), member(2), member(3));
    let (fleet, _checks, scripted, _tasks) = begun(vec![stays.clone(), goes]);
    pass(10).await;
    fleet.set(vec![stays, comes], Instant::now());
    let before = scripted.times(2).len();
    pass(10).await;
    assert_eq!(scripted.times(2).len(), before);
    assert!(scripted.times(1).len() >= 3 && !scripted.times(3).is_empty());
}

#[tokio::test(start_paused = true)]
async fn checks_end_with_what_keeps_them_and_with_the_process() {
    let (_fleet, checks, _, tasks) = begun(vec![member(1)]);
    drop(checks);
    tasks.ended(Duration::from_secs(1)).await.unwrap();
    let (_fleet, _checks, _, tasks) = begun(vec![member(1)]);
    tasks.stop();
    tasks.ended(Duration::from_secs(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_ill_endpoint_is_left_out_until_it_is_well_again() {
    let (well, ill) = (member(1), member(2));
    let settings = fleet::Settings {
        checked: true,
        slow_start: Duration::ZERO,
        ..fleet::Settings::default()
    };
    let fleet = Arc::new(Fleet::new(settings, vec![well, ill.clone()]));
    let (checks, now) = (checks(&fleet), Instant::now());
    let say = |outcome: Result<(), &str>| {
        checks.heard(Checked {
            endpoint: Arc::clone(&ill.endpoint),
            outcome: outcome.map_err(str::to_owned),
            next: now,
        });
    };
    let picks = || {
        let picked = (0..64).filter_map(|_| fleet.pick(now, &[], None, |n| fastrand::usize(..n)));
        picked
            .filter(|picked| picked.endpoint.id() == ill.endpoint.id())
            .count()
    };
    for _ in 0..3 {
        assert!(picks() > 0);
        say(Err("it answered 503"));
    }
    assert_eq!(picks(), 0);
    say(Ok(()));
    assert_eq!(picks(), 0);
    say(Ok(()));
    assert!(picks() > 0);
}
