use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::*;

const FAST: Duration = Duration::from_millis(3);

fn call(breaker: &Breaker, outcome: Outcome, now: Instant) {
    breaker.admit(now).unwrap().record(outcome, FAST, now);
}

fn calls(breaker: &Breaker, outcome: Outcome, count: usize, now: Instant) {
    for _ in 0..count {
        call(breaker, outcome, now);
    }
}

fn half_open(settings: Settings) -> (Breaker, Instant) {
    let breaker = Breaker::new(settings);
    let now = Instant::now();
    calls(&breaker, Outcome::Failure, 20, now);
    let later = now + breaker.settings().open;
    (breaker, later)
}

#[test]
fn ten_failures_of_twenty_calls_open_it_whatever_came_last() {
    for (first, last) in [
        (Outcome::Failure, Outcome::Success),
        (Outcome::Success, Outcome::Failure),
    ] {
        let breaker = Breaker::new(Settings::default());
        let now = Instant::now();
        calls(&breaker, first, 10, now);
        calls(&breaker, last, 9, now);
        assert_eq!(breaker.view(now).state, State::Closed);
        call(&breaker, last, now);
        let view = breaker.view(now);
        assert!(matches!(view.state, State::Open { .. }), "{view:?}");
        assert_eq!((view.calls, view.failed, view.opened), (20, 10, 1));
        let come_back_in = breaker.admit(now).unwrap_err();
        assert!((4500..=5000).contains(&come_back_in.as_millis()));
        assert_eq!(breaker.view(now).refused, 1);
    }
}

#[test]
fn five_probes_whose_clients_hang_up_give_their_places_back() {
    let (breaker, now) = half_open(Settings::default());
    let probes: Vec<Pass<'_>> = (0..5).map(|_| breaker.admit(now).unwrap()).collect();
    assert!(probes.iter().all(Pass::is_probe));
    assert_eq!(breaker.admit(now).unwrap_err(), Duration::from_secs(1));
    drop(probes);
    assert_eq!(breaker.view(now).state, State::HalfOpen);
    call(&breaker, Outcome::Success, now);
    assert_eq!(breaker.view(now).state, State::Recovering);
    let recovered = now + Duration::from_secs(5);
    let pass = breaker.admit(recovered).unwrap();
    assert!(!pass.is_probe());
    assert_eq!(breaker.view(recovered).state, State::Closed);
}

#[test]
fn what_was_not_recorded_is_not_counted() {
    let breaker = Breaker::new(Settings::default());
    let now = Instant::now();
    for _ in 0..100 {
        drop(breaker.admit(now).unwrap());
    }
    assert_eq!(breaker.view(now).calls, 0);
}

#[test]
fn a_slow_failure_counts_as_both() {
    let breaker = Breaker::new(Settings::default());
    let now = Instant::now();
    let pass = breaker.admit(now).unwrap();
    pass.record(Outcome::Failure, Duration::from_secs(6), now);
    let pass = breaker.admit(now).unwrap();
    pass.record(Outcome::Success, Duration::from_secs(5), now);
    let view = breaker.view(now);
    assert_eq!((view.calls, view.failed, view.slow), (2, 1, 1));
}

#[test]
fn slow_calls_open_it_when_the_file_says_so() {
    for (slow_rate, opened) in [(1.0, 0), (0.8, 1)] {
        let breaker = Breaker::new(Settings {
            slow_rate,
            ..Settings::default()
        });
        let now = Instant::now();
        calls(&breaker, Outcome::Success, 4, now);
        for _ in 0..16 {
            let pass = breaker.admit(now).unwrap();
            pass.record(Outcome::Success, Duration::from_secs(6), now);
        }
        assert_eq!(breaker.view(now).opened, opened);
    }
}

#[test]
fn what_is_older_than_the_window_is_forgotten() {
    for window in [Duration::from_millis(700), Duration::from_mins(5)] {
        let breaker = Breaker::new(Settings {
            window,
            ..Settings::default()
        });
        let now = Instant::now();
        calls(&breaker, Outcome::Failure, 19, now);
        let later = now + window;
        call(&breaker, Outcome::Failure, later);
        let view = breaker.view(later);
        assert_eq!((view.state, view.failed), (State::Closed, 1), "{window:?}");
    }
}

/// The failures that it opened for may still be in the window when it has recovered.
#[test]
fn after_recovery_it_counts_anew() {
    let (breaker, now) = half_open(Settings {
        window: Duration::from_mins(1),
        ..Settings::default()
    });
    call(&breaker, Outcome::Success, now);
    let recovered = now + Duration::from_secs(5);
    calls(&breaker, Outcome::Failure, 19, recovered);
    let view = breaker.view(recovered);
    assert_eq!((view.state, view.calls), (State::Closed, 19));
    call(&breaker, Outcome::Failure, recovered);
    assert_eq!(breaker.view(recovered).opened, 2);
}

#[test]
fn who_was_let_through_before_it_opened_changes_nothing() {
    let breaker = Breaker::new(Settings::default());
    let now = Instant::now();
    let [early, late] = [breaker.admit(now).unwrap(), breaker.admit(now).unwrap()];
    calls(&breaker, Outcome::Failure, 20, now);
    early.record(Outcome::Success, FAST, now);
    assert_eq!(breaker.view(now).calls, 20);
    let probing = now + Duration::from_secs(5);
    call(&breaker, Outcome::Success, probing);
    let recovered = probing + Duration::from_secs(5);
    call(&breaker, Outcome::Success, recovered);
    late.record(Outcome::Failure, FAST, recovered);
    let view = breaker.view(recovered);
    assert_eq!((view.state, view.calls, view.failed), (State::Closed, 1, 0));
}

#[test]
fn cores_that_see_it_fail_at_once_open_it_once() {
    for _ in 0..50 {
        let breaker = Breaker::new(Settings::default());
        let now = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..5 {
                        // Who is turned away came after it had opened.
                        if let Ok(pass) = breaker.admit(now) {
                            pass.record(Outcome::Failure, FAST, now);
                        }
                    }
                });
            }
        });
        let view = breaker.view(now);
        assert!(matches!(view.state, State::Open { .. }), "{view:?}");
        assert_eq!(view.opened, 1);
    }
}

#[test]
fn cores_that_probe_at_once_never_hold_more_places_than_there_are() {
    let (breaker, now) = half_open(Settings::default());
    let (held, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let probes: Vec<_> = (0..3).filter_map(|_| breaker.admit(now).ok()).collect();
                    let before = held.fetch_add(probes.len(), Ordering::SeqCst);
                    most.fetch_max(before + probes.len(), Ordering::SeqCst);
                    held.fetch_sub(probes.len(), Ordering::SeqCst);
                    drop(probes);
                }
            });
        }
    });
    assert!(most.load(Ordering::SeqCst) <= 5);
    assert_eq!(breaker.view(now).state, State::HalfOpen);
    let probes: Vec<_> = (0..9).filter_map(|_| breaker.admit(now).ok()).collect();
    assert_eq!(probes.len(), 5);
}
