//! Faults that are hard to see, and callers who look like one.

use super::*;

/// Ten of a thousand fail whatever they do. Those who failed before say nothing new.
#[test]
fn whoever_always_fails_is_no_fault_of_a_service_that_has_everybody() {
    let ask_all = |share: u32, others_failing: u32| {
        let mut tick = Tick::default();
        for key in 0..1000 {
            let on_service = key % 100 < share;
            let side = if on_service {
                Side::Service
            } else {
                Side::Legacy
            };
            let always = key % 100 == 50;
            let failed = always || on_service && key % 100 < others_failing;
            tick.add(side, hash(key), failed, false);
        }
        tick
    };
    let mut before = begin(50.0, None);
    run(&mut before, 60, &ask_all(50, 0));
    let baseline = before.baseline();
    let mut healthy = begin(100.0, baseline.clone());
    run(&mut healthy, 1, &ask_all(100, 0));
    let shown = healthy.shown(&Rules::default(), STEPS, BEGUN);
    assert!(shown.evidence_failed <= 1.0, "{shown:?}");
    let (verdict, _) = run(&mut healthy, 59, &ask_all(100, 0));
    assert!(!matches!(verdict, Verdict::Rollback { .. }), "{verdict:?}");
    let mut failing = begin(100.0, baseline);
    let (verdict, _) = run(&mut failing, 60, &ask_all(100, 2));
    assert_rolled_back(&verdict, Trigger::Failed);
}

/// What twenty callers on legacy did before is not certain enough to call a little more a fault.
#[test]
fn at_everybody_only_so_much_more_is_a_fault_as_chance_does_not_explain() {
    let mut before = begin(95.0, None);
    for at in 1..=60 {
        let seen = tick([380, 0], [20, u32::from(at % 10 == 0)]);
        before.add(&seen, BEGUN + TICK * at);
    }
    let verdict_of = |failing: u32| {
        let mut step = begin(100.0, before.baseline());
        let mut verdicts = (0..30).map(|at| {
            let mut seen = Tick::default();
            for key in 0..1000 {
                seen.add(Side::Service, hash(key), key / failing == at, false);
            }
            let now = BEGUN + TICK * (at + 1);
            step.add(&seen, now);
            step.judge(&Rules::default(), STEPS, now)
        });
        let back = |verdict: &Verdict| matches!(verdict, Verdict::Rollback { .. });
        let first = verdicts.find(back);
        (
            first,
            step.judge(&Rules::default(), STEPS, BEGUN + TICK * 30),
        )
    };
    // Legacy's 6 of 1200 may as well have been 1 %.
    let (back, at_last) = verdict_of(12);
    assert_eq!(back, None);
    assert_holds(&at_last, "legacy's, who was seen with 1200 samples before");
    let (back, _) = verdict_of(30);
    assert_rolled_back(&back.unwrap(), Trigger::Failed);
}

/// A step in which all callers have failed at some time, then so many ticks, then a service that fails for one in five.
fn late(quiet: u32) -> (Verdict, Duration) {
    let mut step = begin(5.0, None);
    step.add(&tick([50, 50], [950, 950]), BEGUN + TICK);
    for at in 0..quiet {
        step.add(&tick([50, 0], [950, 0]), BEGUN + TICK * (at + 2));
    }
    let begun = BEGUN + TICK * (quiet + 1);
    for at in 0..100 {
        let mut seen = tick([0, 0], [950, 0]);
        for key in 0..50 {
            seen.add(Side::Service, hash(key), (key + at) % 5 == 0, false);
        }
        let after = TICK * (at + 1);
        step.add(&seen, begun + after);
        let verdict = step.judge(&Rules::default(), STEPS, begun + after);
        if matches!(verdict, Verdict::Rollback { .. }) {
            return (verdict, after);
        }
    }
    panic!("not found");
}

#[test]
fn a_fault_after_a_shared_outage_or_late_in_a_step_is_found() {
    for (quiet, ticks) in [(0, 5), (1, 5), (60, 2), (2_000, 2)] {
        let (verdict, after) = late(quiet);
        assert_rolled_back(&verdict, Trigger::Failed);
        assert!(after <= TICK * ticks, "{quiet}: {after:?}");
        let why = verdict.why();
        assert!(why.contains("since it got worse 20.00 % of its"), "{why}");
    }
}

#[test]
fn slowness_late_in_a_step_is_found() {
    let slow = |service: u32, legacy: u32| {
        let mut seen = Tick::default();
        for key in 0..50 {
            seen.add(Side::Service, hash(key), false, key < service);
        }
        for key in 0..950 {
            seen.add(Side::Legacy, hash(1_000_000 + key), false, key < legacy);
        }
        seen
    };
    let mut step = begin(5.0, None);
    let add = |step: &mut Step, at: u32, seen: &Tick| {
        let now = BEGUN + TICK * at;
        step.add(seen, now);
        step.judge(&Rules::default(), STEPS, now)
    };
    add(&mut step, 1, &slow(50, 950));
    for at in 2..3_000 {
        add(&mut step, at, &slow(0, 0));
    }
    let verdict = add(&mut step, 3_000, &slow(10, 0));
    assert_rolled_back(&verdict, Trigger::Slow);
}

/// At 100 % requests are the evidence, of which a single account may have many.
#[test]
fn one_slow_account_among_many_callers_rolls_nothing_back() {
    let mut before = begin(50.0, None);
    run(&mut before, 60, &tick([500, 0], [500, 0]));
    for (slow_callers, rolled_back) in [(6, false), (100, true)] {
        let mut seen = tick([1000, 0], [0, 0]);
        for key in 0..slow_callers {
            for _ in 0..600 / slow_callers {
                seen.add(Side::Service, hash(key), false, true);
            }
        }
        let mut step = begin(100.0, before.baseline());
        let (verdict, _) = run(&mut step, 10, &seen);
        if rolled_back {
            assert_rolled_back(&verdict, Trigger::Slow);
        } else {
            assert_holds(&verdict, "that more callers wait long");
        }
    }
}
