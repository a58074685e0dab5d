use proptest::prelude::*;

use super::*;

fn at_risk(keys: u64, events: u64) -> AtRisk {
    AtRisk { keys, events }
}

/// The evidence after one tick from nothing.
fn beside_once(n: [u64; 2], events: [u64; 2]) -> f64 {
    let mut evidence = Evidence::beside();
    evidence.add(at_risk(n[0], events[0]), at_risk(n[1], events[1]), None);
    evidence.ln().exp()
}

fn alone_once(requests: u64, slow: u64) -> f64 {
    let mut evidence = Evidence::alone();
    evidence.add(at_risk(requests, slow), AtRisk::default(), Some(0.01));
    evidence.ln().exp()
}

#[track_caller]
fn assert_near(found: f64, golden: f64, within: f64) {
    assert!((found - golden).abs() <= within, "{found} is not {golden}");
}

#[test]
fn one_failure_a_tick_on_the_service_only_is_evidence_at_the_fifth() {
    let golden = [
        (8.61, 0.005),
        (114.4, 0.05),
        (1772.8, 0.05),
        (29195.0, 0.5),
        (496_094.0, 0.5),
    ];
    let mut evidence = Evidence::beside();
    for (golden, within) in golden {
        evidence.add(at_risk(5, 1), at_risk(95, 0), None);
        assert_near(evidence.ln().exp(), golden, within);
    }
}

#[test]
fn golden_ticks_with_legacy_beside() {
    assert_near(beside_once([50, 950], [5, 95]), 0.10, 0.005);
    assert_near(beside_once([300, 5700], [3, 57]), 0.143, 0.0005);
    assert_near(beside_once([300, 5700], [6, 57]), 0.814, 0.0005);
    assert_near(beside_once([300, 5700], [12, 57]), 194.7, 0.05);
    assert_near(beside_once([300, 5700], [15, 57]), 8801.9, 0.05);
}

#[test]
fn golden_ticks_without_a_control() {
    assert_near(alone_once(300, 11), 156.7, 0.05);
    assert_near(alone_once(300, 12), 572.5, 0.05);
    assert_near(alone_once(1000, 10), 0.07, 0.005);
    assert_near(alone_once(1000, 25), 633.0, 0.5);
}

#[test]
fn a_tick_with_one_side_only_says_nothing() {
    for tick in [
        [at_risk(0, 0), at_risk(95, 9)],
        [at_risk(5, 5), at_risk(0, 0)],
    ] {
        let mut evidence = Evidence::beside();
        evidence.add(tick[0], tick[1], None);
        assert_eq!(evidence, Evidence::beside());
    }
    let mut alone = Evidence::alone();
    alone.add(at_risk(5, 5), at_risk(0, 0), None);
    assert_eq!(alone, Evidence::alone(), "nothing is known of before");
}

#[test]
fn what_is_no_evidence_is_refused() {
    let one = "3ff0000000000000";
    let nan = "7ff8000000000000";
    for wrong in [
        vec![],
        vec![one; 5],
        vec![one; 10],
        vec![nan; 9],
        vec!["x"; 6],
    ] {
        let json = serde_json::to_string(&wrong).unwrap();
        assert!(serde_json::from_str::<Evidence>(&json).is_err(), "{json}");
    }
}

proptest! {
    #[test]
    fn evidence_is_kept_to_the_bit(ticks in prop::collection::vec((1..500_u64, 1..5000_u64, 0..1000_u64, 0..1000_u64), 0..20)) {
        for mut evidence in [Evidence::beside(), Evidence::alone()] {
            for (n1, n0, s, f) in &ticks {
                let events = |n: u64, thousandths: u64| n * thousandths / 1000;
                evidence.add(at_risk(*n1, events(*n1, *s)), at_risk(*n0, events(*n0, *f)), Some(0.02));
            }
            let kept = serde_json::to_string(&evidence).unwrap();
            let back: Evidence = serde_json::from_str(&kept).unwrap();
            let bits = |evidence: &Evidence| evidence.ll().iter().map(|ll| ll.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&evidence));
            prop_assert!(evidence.ln().is_finite());
        }
    }

    /// Under a service as good as legacy the expected evidence of a single event is one.
    #[test]
    fn evidence_expects_one(n1 in 1..1000_u64, n0 in 1..1000_u64) {
        let rho = float(n1) / float(n1 + n0);
        let mean = rho * beside_once([n1, n0], [1, 0]) + (1.0 - rho) * beside_once([n1, n0], [0, 1]);
        prop_assert!((mean - 1.0).abs() < 1e-9, "{}", mean);
    }

    #[test]
    fn a_stake_adds_itself_however_much_was_lost(stake in 0.000_01..1.0_f64, lost in 0..900_u64) {
        let mut evidence = Evidence::beside();
        evidence.add(at_risk(10, 0), at_risk(900, lost), None);
        let before = evidence.ln().exp();
        evidence.stake(stake);
        prop_assert!((evidence.ln().exp() / (before + stake) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn more_failures_on_the_service_are_more_evidence(n1 in 10..500_u64, n0 in 10..5000_u64, s in 0..9_u64, f in 0..9_u64) {
        prop_assert!(beside_once([n1, n0], [s + 1, f]) > beside_once([n1, n0], [s, f]));
        prop_assert!(beside_once([n1, n0], [s, f + 1]) < beside_once([n1, n0], [s, f]));
    }
}
