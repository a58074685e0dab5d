//! Who comes and goes.

use std::sync::Weak;

use super::*;

#[test]
fn nobody_grows_when_all_are_new() {
    let lab = Lab::new(Settings::default(), &[1, 1]);
    assert!(
        lab.fleet
            .shown(lab.now)
            .iter()
            .all(|s| s.state == State::Up)
    );
    let awaited = Lab::with(Fleet::awaited(Settings::default()));
    awaited.fleet.set(members(&[1, 1]), awaited.now);
    let shown = awaited.fleet.shown(awaited.now);
    assert!(shown.len() == 2 && shown.iter().all(|s| s.state == State::Up));
}

#[test]
fn who_stays_is_the_same_with_all_that_is_known_of_it_and_its_new_weight() {
    let mut lab = Lab::new(settings(Balance::Random), &[1, 1]);
    let before = lab.at(0);
    lab.fail(0, 3);
    lab.fleet.set(vec![member(0, 9), member(2, 1)], lab.now);
    lab.now += SECOND * 10;
    assert!(Arc::ptr_eq(&before, &lab.at(0)));
    assert_eq!(lab.shown(0).failures, 3);
    assert!(lab.fleet.find(&Place::new("x", 1, "")).is_none());
    let spread = lab.spread(1000);
    assert!((850..=950).contains(&spread[&0]), "{spread:?}");
    assert_eq!(spread.len(), 2);
}

#[test]
fn who_left_can_still_finish_and_changes_nothing() {
    let lab = Lab::new(Settings::default(), &[1, 1, 1]);
    let gone = lab.at(0);
    let in_flight = crate::endpoint::InFlight::at(&gone);
    lab.fleet.set(lab.fleet.members().split_off(1), lab.now);
    for _ in 0..10 {
        lab.fleet.failed(&gone, "reset", MILLI, lab.now);
    }
    assert_eq!(in_flight.endpoint().in_flight(), 1);
    assert!(
        lab.fleet
            .shown(lab.now)
            .iter()
            .all(|s| s.state == State::Up)
    );
}

#[test]
fn a_place_that_is_named_twice_is_there_once() {
    let lab = Lab::with(Fleet::new(
        Settings::default(),
        vec![member(0, 1), member(0, 2)],
    ));
    assert_eq!(lab.fleet.members().len(), 1);
}

#[test]
fn another_fleet_of_the_same_endpoints_knows_what_the_first_knew() {
    let first = Lab::new(Settings::default(), &[1, 1]);
    first.fail(0, 5);
    let mut members = first.fleet.members();
    members.push(member(2, 1));
    let second = Lab::with(Fleet::new(Settings::default(), members));
    assert_eq!(second.shown(0).state, State::Ejected);
    assert_eq!(second.shown(1).state, State::Up);
    assert_eq!(second.shown(2).state, State::SlowStart);
}

#[test]
fn what_a_fleet_before_this_one_found_out_is_seen_when_it_is_found_again() {
    let old = Lab::new(Settings::default(), &[1, 1]);
    let mut new = Lab::with(Fleet::new(Settings::default(), old.fleet.members()));
    old.fail(0, 5);
    assert_eq!(new.spread(100).len(), 2);
    new.fail(0, 5);
    assert_eq!(new.spread(100), BTreeMap::from([(1, 100)]));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_first_answer_of_discovery_is_told() {
    let fleet = Fleet::awaited(Settings::default());
    assert!(!fleet.is_known());
    assert!(fleet.pick(Instant::now(), &[], None, |_| 0).is_none());
    let told = async {
        fleet.known().await;
        fleet.pick(Instant::now(), &[], None, |_| 0).is_some()
    };
    let answer = async { fleet.set(members(&[1]), Instant::now()) };
    // The first branch is polled first, so that it waits before the answer comes.
    let (is_there, (), ()) = tokio::join!(told, fleet.known(), answer);
    assert!(is_there && fleet.is_known());
    fleet.known().await;
}

#[test]
fn ten_thousand_changes_under_load_cost_no_request_and_leave_nothing_behind() {
    let lab = Lab::new(Settings::default(), &[1, 1, 1]);
    let done = AtomicBool::new(false);
    let gone: Vec<Weak<Endpoint>> = std::thread::scope(|scope| {
        let pickers: Vec<_> = (0..2)
            .map(|seed| {
                let (lab, done) = (&lab, &done);
                scope.spawn(move || picking(&lab.fleet, done, lab.now, seed))
            })
            .collect();
        let change = |n: u16| {
            let next = vec![member(n % 3, 1), member(3 + n, 1 + u32::from(n % 2))];
            lab.fleet.set(next, lab.now + MILLI * u32::from(n));
            let newest = lab.at(3 + n);
            Arc::downgrade(&newest)
        };
        let gone = (0..10_000).map(change).collect();
        done.store(true, Ordering::Relaxed);
        for picker in pickers {
            assert!(picker.join().unwrap() > 0);
        }
        gone
    });
    let left = gone.iter().filter(|one| one.strong_count() > 0).count();
    assert_eq!(left, 1);
}

fn picking(fleet: &Fleet, done: &AtomicBool, mut now: Instant, seed: u64) -> u32 {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut picks = 0;
    while !done.load(Ordering::Relaxed) {
        now += Duration::from_micros(10);
        let picked = fleet.pick(now, &[], None, |n| dice.usize(..n)).unwrap();
        match dice.u8(..4) {
            0 => fleet.failed(&picked.endpoint, "reset", MILLI, now),
            _ => fleet.succeeded(&picked.endpoint, MILLI, now),
        }
        picks += 1;
    }
    picks
}
