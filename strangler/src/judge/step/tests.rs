use super::*;
use crate::judge::Trigger;
use crate::side::Side;

const TICK: Duration = Duration::from_secs(10);
const BEGUN: Duration = Duration::from_hours(480_000);
const STEPS: usize = 5;

/// Hashes far enough apart to be told apart.
fn hash(key: u32) -> u32 {
    key.wrapping_mul(0x9e37_79b1)
}

/// So many keys of a side ask once each; the first so many fail.
fn ask(tick: &mut Tick, side: Side, keys: u32, failing: u32) {
    let offset = if side == Side::Service { 0 } else { 1_000_000 };
    for key in 0..keys {
        tick.add(side, hash(offset + key), key < failing, false);
    }
}

fn tick(service: [u32; 2], legacy: [u32; 2]) -> Tick {
    let mut tick = Tick::default();
    ask(&mut tick, Side::Service, service[0], service[1]);
    ask(&mut tick, Side::Legacy, legacy[0], legacy[1]);
    tick
}

fn begin(share: f64, before: Option<Baseline>) -> Step {
    let share = Percent::try_from(share).unwrap();
    let threshold = Some(Duration::from_millis(120));
    Step::begin(share, BEGUN, before, threshold)
}

fn run(step: &mut Step, ticks: u32, of: &Tick) -> (Verdict, Duration) {
    let rules = Rules::default();
    let mut verdict = None;
    let from = BEGUN + step.shown(&rules, STEPS, BEGUN).age;
    let mut now = from;
    for _ in 0..ticks {
        now += TICK;
        step.add(of, now);
        let found = step.judge(&rules, STEPS, now);
        let done = matches!(found, Verdict::Rollback { .. });
        verdict = Some(found);
        if done {
            break;
        }
    }
    (verdict.unwrap(), now)
}

#[track_caller]
fn assert_rolled_back(verdict: &Verdict, by: Trigger) {
    let Verdict::Rollback { trigger, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(*trigger, by, "{verdict:?}");
}

#[track_caller]
fn assert_holds(verdict: &Verdict, why: &str) {
    assert!(matches!(verdict, Verdict::Hold { .. }), "{verdict:?}");
    assert!(verdict.why().contains(why), "{verdict:?}");
}

#[test]
fn one_user_who_fails_fifty_times_is_one() {
    let rules = Rules::default();
    let mut at_once = begin(5.0, None);
    let mut seen = tick([5, 1], [95, 0]);
    for _ in 0..49 {
        seen.add(Side::Service, hash(0), true, false);
    }
    at_once.add(&seen, BEGUN + TICK);
    let evidence = at_once.shown(&rules, STEPS, BEGUN).evidence_failed;
    assert!((evidence - 8.61).abs() < 0.005, "{evidence}");
    assert!(matches!(
        at_once.judge(&rules, STEPS, BEGUN + TICK),
        Verdict::Hold { .. }
    ));

    let mut over_time = begin(5.0, None);
    let (verdict, _) = run(&mut over_time, 50, &tick([5, 1], [95, 0]));
    assert!(matches!(verdict, Verdict::Hold { .. }), "{verdict:?}");
    let evidence = over_time.shown(&rules, STEPS, BEGUN).evidence_failed;
    assert!((evidence - 8.61).abs() < 0.005, "{evidence}");
    assert_eq!(
        over_time.exposed(),
        Exposed {
            users: 5,
            requests: 250,
            failed: 50
        }
    );
}

#[test]
fn the_fifth_of_five_failing_users_rolls_back() {
    let rules = Rules::default();
    let mut step = begin(5.0, None);
    for at in 1..=5_u32 {
        let mut seen = tick([0, 0], [95, 0]);
        // Those who have failed stay away: five others each time.
        for key in 0..5 {
            seen.add(Side::Service, hash(100 * at + key), key == 0, false);
        }
        let now = BEGUN + TICK * at;
        step.add(&seen, now);
        let verdict = step.judge(&rules, STEPS, now);
        match at {
            5 => assert_rolled_back(&verdict, Trigger::Failed),
            _ => assert!(matches!(verdict, Verdict::Hold { .. }), "{at}: {verdict:?}"),
        }
    }
    assert_eq!(step.worse_since(), Some(BEGUN));
}

#[test]
fn a_shared_outage_holds() {
    let mut step = begin(5.0, None);
    let (verdict, _) = run(&mut step, 1, &tick([50, 5], [950, 95]));
    assert!(matches!(verdict, Verdict::Hold { .. }), "{verdict:?}");
    let mut all = begin(5.0, None);
    let (verdict, _) = run(&mut all, 20, &tick([50, 50], [950, 950]));
    assert!(matches!(verdict, Verdict::Hold { .. }), "{verdict:?}");
}

#[test]
fn where_hardly_anybody_is_on_legacy_a_shared_outage_holds_too() {
    let healthy = tick([38, 0], [2, 0]);
    for outage in [
        tick([20, 12], [0, 0]),
        tick([20, 12], [1, 0]),
        tick([38, 23], [2, 0]),
    ] {
        let mut step = begin(95.0, None);
        run(&mut step, 50, &healthy);
        let now = BEGUN + TICK * 51;
        step.add(&outage, now);
        let verdict = step.judge(&Rules::default(), STEPS, now);
        assert!(matches!(verdict, Verdict::Hold { .. }), "{verdict:?}");
    }
}

#[test]
fn a_heavy_account_on_either_side_hides_nothing() {
    for (heavy, fails) in [(Side::Service, false), (Side::Legacy, true)] {
        let mut seen = tick([40, 8], [760, 0]);
        for _ in 0..5_000 {
            seen.add(heavy, hash(7_000_000), fails, false);
        }
        let mut step = begin(5.0, None);
        let (verdict, _) = run(&mut step, 5, &seen);
        assert_rolled_back(&verdict, Trigger::Failed);
    }
}

#[test]
fn a_clock_that_was_ahead_once_keeps_no_step() {
    let rules = Rules::default();
    let mut step = begin(5.0, None);
    let quiet = tick([50, 0], [950, 0]);
    let ahead = BEGUN + Duration::from_hours(9_000);
    step.judge(&rules, STEPS, ahead);
    let advances = (1..=120_u32).filter(|at| {
        let now = BEGUN + TICK * *at;
        step.add(&quiet, now);
        matches!(step.judge(&rules, STEPS, now), Verdict::Advance { .. })
    });
    assert_eq!(advances.collect::<Vec<_>>(), [60, 120]);
}

#[test]
fn half_of_the_callers_failing_is_seen_within_two_ticks() {
    let mut step = begin(5.0, None);
    let (verdict, now) = run(&mut step, 10, &tick([40, 21], [760, 0]));
    assert_rolled_back(&verdict, Trigger::HardErrors);
    assert_eq!(now, BEGUN + TICK);
    let mut few = begin(5.0, None);
    let (verdict, now) = run(&mut few, 10, &tick([16, 8], [304, 0]));
    assert_rolled_back(&verdict, Trigger::Failed);
    assert!(now <= BEGUN + TICK * 2);
}

#[test]
fn slowness_of_the_service_alone_rolls_back_and_a_shared_one_does_not() {
    let slow = |service: u32, legacy: u32| {
        let rules = Rules::default();
        let mut step = begin(5.0, None);
        for at in 0..20_u32 {
            let mut seen = Tick::default();
            for key in 0..50 {
                seen.add(Side::Service, hash(at * 50 + key), false, key < service);
            }
            for key in 0..950 {
                seen.add(
                    Side::Legacy,
                    hash(1_000_000 + at * 950 + key),
                    false,
                    key < legacy,
                );
            }
            let now = BEGUN + TICK * (at + 1);
            step.add(&seen, now);
            let verdict = step.judge(&rules, STEPS, now);
            if matches!(verdict, Verdict::Rollback { .. }) {
                return verdict;
            }
        }
        step.judge(&rules, STEPS, BEGUN + TICK * 20)
    };
    assert_rolled_back(&slow(3, 9), Trigger::Slow);
    assert!(matches!(slow(25, 475), Verdict::Hold { .. }));
}

#[test]
fn a_step_advances_at_a_multiple_of_step_min_with_enough_samples() {
    let mut step = begin(5.0, None);
    let quiet = tick([20, 0], [380, 0]);
    let (verdict, _) = run(&mut step, 20, &quiet);
    let Verdict::Hold { missing, .. } = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(missing, Some(200));
    let rules = Rules::default();
    let mut verdicts = Vec::new();
    for at in 21..=121_u32 {
        let now = BEGUN + TICK * at;
        step.add(&quiet, now);
        if matches!(step.judge(&rules, STEPS, now), Verdict::Advance { .. }) {
            verdicts.push(at);
        }
    }
    assert_eq!(verdicts, [60, 120]);
}

#[test]
fn without_a_threshold_an_advance_waits_unless_latency_is_not_judged() {
    let share = Percent::try_from(5.0).unwrap();
    let now = BEGUN + Duration::from_mins(10);
    let mut step = Step::begin(share, BEGUN, None, None);
    step.add(&tick([2000, 0], [38_000, 0]), now);
    let mut rules = Rules::default();
    assert_holds(&step.clone().judge(&rules, STEPS, now), "what is slow");
    rules.p99_tolerance = None;
    let verdict = step.judge(&rules, STEPS, now);
    assert!(matches!(verdict, Verdict::Advance { .. }), "{verdict:?}");
    step.freeze(Duration::from_millis(5));
    step.freeze(Duration::from_millis(7));
    assert_eq!(step.threshold(), Some(Duration::from_millis(5)));
}

#[test]
fn no_data_is_a_hold_until_the_rules_say_otherwise() {
    let mut rules = Rules::default();
    let late = BEGUN + rules.step_max;
    let mut step = begin(5.0, None);
    step.add(&Tick::default(), late);
    assert_holds(&step.judge(&rules, STEPS, late), "undecided after 120 min");
    assert_eq!(step.worse_since(), None);
    rules.rolls_back_undecided = true;
    assert_rolled_back(&step.judge(&rules, STEPS, late), Trigger::Undecided);
}

#[test]
fn nobody_on_the_service_advances_by_legacys_samples() {
    let now = BEGUN + Duration::from_mins(10);
    let rules = Rules::default();
    let mut none = begin(0.0, None);
    assert_holds(
        &none.judge(&rules, STEPS, BEGUN),
        "legacy was seen with 0 of 600",
    );
    none.add(&tick([0, 0], [600, 3]), now);
    assert!(matches!(
        none.judge(&rules, STEPS, now),
        Verdict::Advance { .. }
    ));
}

#[test]
fn at_everybody_the_step_before_is_the_control() {
    let mut before = begin(50.0, None);
    run(&mut before, 60, &tick([500, 0], [500, 0]));
    let baseline = before.baseline();
    assert!(baseline.is_some());
    assert_eq!(begin(100.0, baseline.clone()).baseline(), baseline);

    let mut healthy = begin(100.0, baseline.clone());
    let (verdict, _) = run(&mut healthy, 60, &tick([1000, 0], [0, 0]));
    assert!(matches!(verdict, Verdict::Advance { .. }), "{verdict:?}");
    let mut failing = begin(100.0, baseline.clone());
    let (verdict, _) = run(&mut failing, 60, &tick([1000, 20], [0, 0]));
    assert_rolled_back(&verdict, Trigger::Failed);
    let mut broken = begin(100.0, baseline);
    let (verdict, _) = run(&mut broken, 60, &tick([1000, 900], [0, 0]));
    assert_rolled_back(&verdict, Trigger::HardErrors);
    let mut unknown = begin(100.0, None);
    let (verdict, _) = run(&mut unknown, 60, &tick([1000, 0], [0, 0]));
    assert_holds(&verdict, "nothing to compare with");
}

#[test]
fn a_single_caller_takes_no_canary_further() {
    let verdict_of = |share: f64, callers: u32| {
        let mut step = begin(share, None);
        for at in 1..=60 {
            let mut seen = tick([callers, 0], [1000, 0]);
            for _ in 0..20 {
                seen.add(Side::Service, hash(0), false, false);
            }
            step.add(&seen, BEGUN + TICK * at);
        }
        let rules = Rules {
            min_samples: 60,
            max_error_rate_delta: 0.2,
            ..Rules::default()
        };
        step.judge(&rules, STEPS, BEGUN + TICK * 60)
    };
    assert_holds(&verdict_of(5.0, 1), "1 of 20 callers");
    assert_holds(&verdict_of(5.0, 19), "19 of 20 callers");
    let enough = verdict_of(5.0, 20);
    assert!(matches!(enough, Verdict::Advance { .. }), "{enough:?}");
}

mod faults;
mod kept;
