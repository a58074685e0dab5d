use super::*;
use crate::judge::evidence::{AtRisk, Evidence};
use crate::judge::record::Test;

fn key_ticks(keys: u64, failed: u64) -> Active {
    Active { keys, failed }
}

/// So many requests, each of another caller; so many of them failed, so many were slow.
fn sums(requests: u64, failed: u64, slow: u64) -> Sums {
    Sums {
        requests,
        failed,
        timed: requests,
        slow,
        key_ticks: key_ticks(requests, failed),
        timed_key_ticks: requests,
        slow_key_ticks: slow,
    }
}

/// A step at 5 % with nothing against its service.
fn calm(service: Sums, legacy: Sums) -> Record {
    let share = Percent::try_from(5.0).unwrap();
    let mut record = Record::begin(share, Duration::ZERO, None);
    (record.service, record.legacy) = (service, legacy);
    record
}

/// Of so many callers on the service something befell so many, and the evidence says that it is more than on legacy.
fn speak(test: &mut Test, events: u64, sides: [Sums; 2], evidence: f64) {
    test.evidence = Evidence::Beside([evidence.ln(); 9]);
    test.service = AtRisk { keys: 999, events };
    test.since = sides;
}

fn look(due: bool) -> Look {
    Look {
        age: Duration::from_mins(10),
        due,
        timed: true,
        users: 600,
    }
}

fn judge(record: &Record) -> Verdict {
    verdict(record, &Rules::default(), 5, look(true))
}

fn trigger(record: &Record) -> Option<Trigger> {
    match judge(record) {
        Verdict::Rollback { trigger, .. } => Some(trigger),
        Verdict::Advance { .. } | Verdict::Hold { .. } => None,
    }
}

#[test]
fn golden_bounds_of_the_difference() {
    let few = ONE_SIDED * standard_error(key_ticks(600, 3), key_ticks(11_400, 57));
    assert!((few - 0.0056).abs() < 0.00005, "{few}");
    let more = ONE_SIDED * standard_error(key_ticks(1200, 6), key_ticks(22_800, 114));
    assert!((more - 0.0037).abs() < 0.00005, "{more}");
    let held = judge(&calm(sums(600, 3, 0), sums(11_400, 57, 0)));
    assert!(matches!(held, Verdict::Hold { .. }), "{held:?}");
    assert!(held.why().contains("up to 0.56 % more"), "{held:?}");
    let record = calm(sums(1200, 6, 0), sums(22_800, 114, 0));
    let advances = |due| {
        let verdict = verdict(&record, &Rules::default(), 5, look(due));
        matches!(verdict, Verdict::Advance { .. })
    };
    assert!(advances(true) && !advances(false));
}

#[test]
fn both_sides_need_their_samples() {
    for (service, legacy, advances) in [(1200, 600, true), (599, 9000, false), (9000, 599, false)] {
        let record = calm(sums(service, 0, 0), sums(legacy, 0, 0));
        let rules = Rules {
            max_error_rate_delta: 0.1,
            ..Rules::default()
        };
        let verdict = verdict(&record, &rules, 5, look(true));
        let advance = matches!(verdict, Verdict::Advance { .. });
        assert_eq!(advance, advances, "{service} {legacy}: {verdict:?}");
    }
}

#[test]
fn hard_errors_are_of_twenty_callers_while_legacy_does_well() {
    for (service, legacy, back) in [
        ((20, 11), (380, 0), true),
        ((20, 10), (380, 0), false),
        ((19, 19), (380, 0), false),
        ((20, 16), (380, 100), true),
        ((20, 16), (380, 152), false),
        ((20, 16), (0, 0), false),
        ((20, 16), (2, 0), false),
    ] {
        let mut record = calm(sums(100, 0, 0), sums(1000, 0, 0));
        record.last = [service, legacy].map(|(keys, failed)| key_ticks(keys, failed));
        let expected = back.then_some(Trigger::HardErrors);
        assert_eq!(trigger(&record), expected, "{service:?} {legacy:?}");
    }
}

#[test]
fn failures_need_evidence_enough_callers_and_a_difference() {
    for (evidence, events, failed, back) in [
        (200.1, 5, 6, true),
        (199.9, 5, 6, false),
        (200.1, 4, 6, false),
        (200.1, 5, 5, false),
    ] {
        let sides = [sums(1000, failed, 0), sums(9000, 0, 0)];
        let mut record = calm(sides[0], sides[1]);
        speak(&mut record.failed, events, sides, evidence);
        let expected = back.then_some(Trigger::Failed);
        assert_eq!(trigger(&record), expected, "{evidence} {events} {failed}");
    }
}

#[test]
fn slowness_needs_requests_and_a_share_too_large_for_legacys() {
    for (evidence, events, service, legacy, back) in [
        (200.1, 5, (300, 4), (9000, 0), true),
        (199.9, 5, (300, 4), (9000, 0), false),
        (200.1, 4, (300, 4), (9000, 0), false),
        (200.1, 5, (299, 4), (9000, 0), false),
        (200.1, 5, (300, 3), (9000, 0), false),
        (200.1, 5, (1000, 20), (10_000, 130), true),
        (200.1, 5, (1000, 20), (10_000, 140), false),
    ] {
        let sides = [service, legacy].map(|(requests, slow)| sums(requests, 0, slow));
        let mut record = calm(sides[0], sides[1]);
        speak(&mut record.slow, events, sides, evidence);
        let expected = back.then_some(Trigger::Slow);
        assert_eq!(
            trigger(&record),
            expected,
            "{events} {service:?} {legacy:?}"
        );
    }
}

#[test]
fn alpha_is_shared_by_steps_and_tests() {
    let rules = Rules::default();
    assert!((bound(&rules, 5) - 200.0).abs() < 1e-9);
    assert!((bound(&rules, 1) - 40.0).abs() < 1e-9);
}

#[test]
fn evidence_can_be_read_however_large_it_is() {
    assert_eq!(rounded(0.1_f64.ln()), "0.10");
    assert_eq!(rounded(8801.9_f64.ln()), "8802");
    assert!(finite(5000.0).is_finite());
}
