//! Who is left out, for how long, and when that helps nobody.

use super::*;

#[test]
fn of_three_the_one_that_fails_is_out_after_five_errors_and_its_time_brings_it_back() {
    let mut lab = Lab::new(Settings::default(), &[1, 1, 1]);
    let mut errors = 0;
    for _ in 0..1000 {
        let picked = lab.pick();
        assert!(!picked.panic);
        if port(&picked.endpoint) == 0 {
            (lab.fleet).failed(&picked.endpoint, "500", MILLI, lab.now);
            errors += 1;
        } else {
            lab.fleet.succeeded(&picked.endpoint, MILLI, lab.now);
        }
        lab.now += MILLI;
    }
    assert_eq!(errors, 5);
    let shown = lab.shown(0);
    assert_eq!(shown.state, State::Ejected);
    let reason = "ejected: 5 failures in a row, the last 500";
    assert_eq!(shown.reason.unwrap(), reason);
    assert_eq!(
        (shown.tries, shown.failures, shown.times_ejected),
        (5, 5, 1)
    );
    lab.now += SECOND * 30;
    lab.pick();
    assert_eq!(lab.shown(0).state, State::SlowStart);
    lab.now += SECOND * 10;
    lab.pick();
    assert_eq!(lab.shown(0).state, State::Up);
    assert!(lab.shown(0).reason.is_none());
}

#[test]
fn who_comes_back_has_its_share_after_the_slow_start_however_slow_it_was_before() {
    let mut lab = Lab::new(Settings::default(), &[1, 1]);
    for at in 0..2 {
        lab.fleet.succeeded(&lab.at(at), MILLI, lab.now);
    }
    for _ in 0..5 {
        lab.fleet.failed(&lab.at(0), "timeout", SECOND * 2, lab.now);
    }
    for _ in 0..40 {
        lab.now += SECOND;
        let picked = lab.pick();
        lab.fleet.succeeded(&picked.endpoint, MILLI, lab.now);
    }
    let mut counts = [0; 2];
    for _ in 0..1000 {
        lab.now += MILLI * 10;
        let picked = lab.pick();
        lab.fleet.succeeded(&picked.endpoint, MILLI, lab.now);
        counts[usize::from(port(&picked.endpoint))] += 1;
    }
    assert!((400..=600).contains(&counts[0]), "{counts:?}");
}

#[test]
fn when_all_fail_two_of_three_go_and_all_are_asked_all_the_same() {
    let mut lab = Lab::new(Settings::default(), &[1, 1, 1]);
    for _ in 0..1000 {
        let picked = lab.pick();
        lab.fleet
            .failed(&picked.endpoint, "connect", MILLI, lab.now);
    }
    let states = lab.fleet.shown(lab.now).into_iter().map(|s| s.state);
    let out = states.filter(|state| *state == State::Ejected).count();
    assert_eq!(out, 2);
    assert!(lab.fleet.panics() && lab.pick().panic);
    let spread = lab.spread(300);
    assert!(
        spread.len() == 3 && spread.values().all(|n| *n > 50),
        "{spread:?}"
    );
}

#[test]
fn a_success_or_a_quiet_while_ends_the_row() {
    let mut lab = Lab::new(Settings::default(), &[1, 1]);
    lab.fail(0, 4);
    lab.fleet.succeeded(&lab.at(0), MILLI, lab.now);
    lab.fail(0, 4);
    lab.now += SECOND * 10;
    lab.fail(0, 4);
    assert_eq!(lab.shown(0).state, State::Up);
    lab.fail(0, 1);
    assert_eq!(lab.shown(0).state, State::Ejected);
}

#[test]
fn the_only_one_is_never_put_out() {
    let mut lab = Lab::new(Settings::default(), &[1]);
    lab.fail(0, 100);
    let picked = lab.pick();
    assert_eq!((port(&picked.endpoint), picked.panic), (0, false));
}

#[test]
fn one_that_nobody_can_replace_stays_although_it_fails() {
    let mut lab = Lab::new(
        Settings {
            checked: true,
            ..Settings::default()
        },
        &[1, 1],
    );
    for _ in 0..3 {
        lab.check(0, Err("refused"));
    }
    lab.fail(1, 100);
    assert_eq!(lab.shown(1).state, State::Up);
    assert_eq!(lab.spread(10), BTreeMap::from([(1, 10)]));
}

#[test]
fn a_row_that_could_not_put_it_out_begins_anew() {
    let mut lab = Lab::new(Settings::default(), &[1, 1]);
    lab.fail(0, 5);
    lab.fail(1, 5);
    lab.now += SECOND * 30;
    lab.pick();
    lab.fail(1, 4);
    assert_eq!(lab.shown(1).state, State::Up);
    lab.fail(1, 1);
    assert_eq!(lab.shown(1).state, State::Ejected);
}

#[test]
fn good_checks_end_an_ejection_before_its_time() {
    let mut lab = Lab::new(Settings::default(), &[1, 1]);
    for _ in 0..5 {
        lab.check(0, Ok(()));
    }
    lab.fail(0, 5);
    // What was good before it failed says nothing.
    lab.check(0, Ok(()));
    assert_eq!(lab.shown(0).state, State::Ejected);
    lab.check(0, Ok(()));
    assert_eq!(lab.shown(0).state, State::SlowStart);
    assert!(lab.spread(1000).contains_key(&0));
}

#[test]
fn who_is_found_ill_gets_nothing_until_it_is_found_well() {
    let settings = Settings {
        checked: true,
        ..Settings::default()
    };
    let mut lab = Lab::new(settings, &[1, 1]);
    for _ in 0..3 {
        lab.check(0, Err("GET /healthz answered 503"));
    }
    assert_eq!(lab.spread(100), BTreeMap::from([(1, 100)]));
    lab.now += SECOND;
    let shown = lab.shown(0);
    assert_eq!(shown.state, State::Down);
    let reason = "health: GET /healthz answered 503";
    assert_eq!(shown.reason.as_deref(), Some(reason));
    assert_eq!(shown.since, Some(SECOND));
    for _ in 0..2 {
        lab.check(0, Ok(()));
    }
    assert_eq!(lab.shown(0).state, State::SlowStart);
}

#[test]
fn when_all_are_ill_all_are_asked_unless_the_file_says_never() {
    let mut settings = Settings {
        checked: true,
        ..Settings::default()
    };
    for panic_below in [50, 0] {
        settings.ejection.panic_below = panic_below;
        let mut lab = Lab::new(settings.clone(), &[1, 1]);
        for port in [0, 0, 0, 1, 1, 1] {
            lab.check(port, Err("refused"));
        }
        let dice = |n| lab.dice.usize(..n);
        let picked = lab.fleet.pick(lab.now, &[], None, dice);
        assert_eq!(picked.map(|p| p.panic), (panic_below > 0).then_some(true));
    }
}

#[test]
fn what_was_tried_is_not_tried_again_while_another_is_well() {
    for balance in [
        Balance::PowerOfTwo,
        Balance::RoundRobin,
        Balance::Random,
        Balance::LeastRequest,
        Balance::Hash(crate::balance::HashBy::Ip),
    ] {
        let mut lab = Lab::new(settings(balance.clone()), &[1, 2, 1]);
        let id = |lab: &Lab, port| lab.at(port).id();
        let tried = [id(&lab, 0), id(&lab, 2)];
        for key in 0..100_u32 {
            let key = crate::balance::key(&key.to_le_bytes());
            let picked = lab.pick_for(&tried, Some(key));
            assert_eq!(port(&picked.endpoint), 1, "{balance:?}");
            let picked = lab.pick_for(&tried[..1], Some(key));
            assert_ne!(port(&picked.endpoint), 0, "{balance:?}");
        }
        lab.fail(1, 5);
        let picked = lab.pick_for(&tried, Some(1));
        assert_ne!(port(&picked.endpoint), 1, "{balance:?}");
    }
}
