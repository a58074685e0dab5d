//! The breaker's own sources under a model checker: every order in which cores may come is tried, with memory as weak as
//! the language allows. A model has two or three cores and few steps, so that all its orders take seconds.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a model fails by panicking"
)]

use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use loom::sync::Arc;
use loom::thread::{self, JoinHandle};
use tokio::time::Instant;

use breaker::{Breaker, Outcome, Settings, State};
use window::Counted;

/// The model checker's in the place of the real ones.
mod sync {
    pub(crate) use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[expect(
    dead_code,
    unused_imports,
    reason = "what other policies count, and its own tests"
)]
#[path = "../src/window.rs"]
mod window;

#[expect(
    dead_code,
    unreachable_pub,
    reason = "what the crate offers to its users"
)]
#[path = "../src/breaker"]
mod breaker {
    mod settings;
    mod machine;
    mod shell;

    pub(crate) use machine::State;
    pub(crate) use settings::Settings;
    pub(crate) use shell::{Breaker, Outcome};
}

/// How often a thread is interrupted where it need not be. Most mistakes show with two.
const INTERRUPTIONS: usize = 2;

const FAST: Duration = Duration::from_millis(3);

fn main() {
    let models: [(&str, fn()); 8] = [
        ("what_cores_count_at_once_is_all_there", count_at_once),
        ("a_tick_that_begins_loses_nothing", begin_a_tick),
        ("cores_that_trip_at_once_open_it_once", trip_at_once),
        ("the_last_of_the_calls_sees_them_all", last_sees_all),
        ("probes_drop_while_others_record", drop_and_record),
        ("never_more_probes_than_places", places),
        ("a_success_races_a_failure", success_and_failure),
        ("a_late_failure_meets_an_open_breaker", late_failure),
    ];
    let trials = models.map(|(name, model)| {
        Trial::test(name, move || {
            check(model);
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn check(model: fn()) {
    let mut checker = loom::model::Builder::new();
    checker.preemption_bound = Some(INTERRUPTIONS);
    checker.check(move || {
        // The same draws in every order, so that an order can be run again.
        fastrand::seed(7);
        model();
    });
}

fn count_at_once() {
    let counted = Arc::new(Counted::<2>::default());
    let other = Arc::clone(&counted);
    let core = thread::spawn(move || {
        other.add(7);
        other.add(7);
    });
    counted.add(7);
    let seen = counted.sum(7);
    assert!((1..=3).contains(&seen), "{seen}");
    core.join().unwrap();
    assert_eq!(counted.sum(7), 3);
}

fn begin_a_tick() {
    let counted = Arc::new(Counted::<2>::default());
    counted.add(1);
    let other = Arc::clone(&counted);
    // The slot of tick 1 is taken over by tick 3.
    let core = thread::spawn(move || other.add(3));
    counted.add(3);
    core.join().unwrap();
    assert_eq!((counted.sum(3), counted.sum(4)), (2, 2));
}

/// A breaker with a floor of `min_calls`, and the time.
fn closed(min_calls: u32, probes: u32) -> (Arc<Breaker>, Instant) {
    let settings = Settings {
        min_calls,
        probes,
        ..Settings::default()
    };
    (Arc::new(Breaker::new(settings)), Instant::now())
}

fn half_open(probes: u32) -> (Arc<Breaker>, Instant) {
    let (breaker, now) = closed(1, probes);
    call(&breaker, Outcome::Failure, now);
    let later = now + breaker.settings().open;
    (breaker, later)
}

fn call(breaker: &Breaker, outcome: Outcome, now: Instant) {
    if let Ok(pass) = breaker.admit(now) {
        pass.record(outcome, FAST, now);
    }
}

/// Another core that makes one call.
fn calling(breaker: &Arc<Breaker>, outcome: Outcome, now: Instant) -> JoinHandle<()> {
    let breaker = Arc::clone(breaker);
    thread::spawn(move || call(&breaker, outcome, now))
}

fn trip_at_once() {
    let (breaker, now) = closed(1, 1);
    let others = [(); 2].map(|()| calling(&breaker, Outcome::Failure, now));
    call(&breaker, Outcome::Failure, now);
    for core in others {
        core.join().unwrap();
    }
    let view = breaker.view(now);
    assert_eq!(view.opened, 1);
    assert!(matches!(view.state, State::Open { .. }), "{view:?}");
}

/// Whoever comes last, a success or a failure, sees what the others counted.
fn last_sees_all() {
    let (breaker, now) = closed(3, 1);
    let others =
        [Outcome::Failure, Outcome::Failure].map(|outcome| calling(&breaker, outcome, now));
    call(&breaker, Outcome::Success, now);
    for core in others {
        core.join().unwrap();
    }
    assert_eq!(breaker.view(now).opened, 1);
}

fn drop_and_record() {
    let (breaker, now) = half_open(2);
    let gone = Arc::clone(&breaker);
    let core = thread::spawn(move || drop(gone.admit(now)));
    call(&breaker, Outcome::Success, now);
    core.join().unwrap();
    let state = breaker.view(now).state;
    assert_eq!(state, State::Recovering);
}

fn places() {
    let (breaker, now) = half_open(1);
    let other = Arc::clone(&breaker);
    let core = thread::spawn(move || {
        let Ok(probe) = other.admit(now) else {
            return 0;
        };
        assert!(other.admit(now).is_err());
        drop(probe);
        1
    });
    let mine = breaker.admit(now);
    assert!(breaker.admit(now).is_err() || mine.is_err());
    drop(mine);
    core.join().unwrap();
    assert!(breaker.admit(now).is_ok_and(|probe| probe.is_probe()));
}

/// Whoever comes first decides, and neither leaves it between two states.
fn success_and_failure() {
    let (breaker, now) = half_open(2);
    let core = calling(&breaker, Outcome::Failure, now);
    call(&breaker, Outcome::Success, now);
    core.join().unwrap();
    let view = breaker.view(now);
    match view.state {
        State::Recovering => assert_eq!(view.opened, 1),
        State::Open { .. } => assert_eq!(view.opened, 2),
        other => panic!("{other:?}"),
    }
    let mut later = now;
    for _ in 0..2 {
        later += breaker.settings().open_max;
        call(&breaker, Outcome::Success, later);
    }
    later += breaker.settings().open_max;
    assert_eq!(breaker.view(later).state, State::Closed);
}

/// A call that was let through while it was closed ends while it opens, probes and recovers.
fn late_failure() {
    let (breaker, now) = closed(1, 1);
    let other = Arc::clone(&breaker);
    let core = thread::spawn(move || {
        let late = other.admit(now).ok();
        call(&other, Outcome::Failure, now);
        if let Some(late) = late {
            late.record(Outcome::Failure, FAST, now);
        }
    });
    let probing = now + breaker.settings().open;
    call(&breaker, Outcome::Success, probing);
    core.join().unwrap();
    let view = breaker.view(probing);
    assert_eq!(view.opened, 1, "{view:?}");
}
