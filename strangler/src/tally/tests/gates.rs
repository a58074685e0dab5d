//! When the gate opens.

use super::*;

fn reason(tally: &Tally) -> String {
    tally.gate(&GATE).to_string()
}

#[test]
fn the_gate_opens_after_enough_pairs_that_match() {
    let mut tally = Tally::new(GATE.min_compared);
    record(&mut tally, 1204, &[]);
    assert_eq!(
        tally.gate(&GATE),
        GateState::Closed {
            compared: 1204,
            needed: 2000,
            rate: 0.0,
            reason: "1 204 of 2 000 pairs compared".to_owned(),
        }
    );
    record(&mut tally, 795, &[]);
    assert_ne!(tally.gate(&GATE), GateState::Open);
    tally.record(&ignored("$.a"), None, at(1));
    assert_eq!(tally.gate(&GATE), GateState::Open);
}

#[test]
fn the_gate_is_closed_by_one_pair_too_many() {
    let mut tally = Tally::new(GATE.min_compared);
    record(&mut tally, 1998, &[]);
    record(&mut tally, 1, &["$.a"]);
    record(&mut tally, 1, &["$.b", "$.c"]);
    assert_eq!(tally.gate(&GATE), GateState::Open);
    record(&mut tally, 1, &["$.a"]);
    assert_eq!(reason(&tally), "mismatch rate 0.15 %, at most 0.1 %");
    assert!(matches!(
        tally.gate(&GATE),
        GateState::Closed {
            compared: 2001,
            needed: 2000,
            ..
        }
    ));
    let mut tally = Tally::new(GATE.min_compared);
    record(&mut tally, 1938, &[]);
    record(&mut tally, 62, &["$.a"]);
    assert_eq!(reason(&tally), "mismatch rate 3.1 %, at most 0.1 %");
}

#[test]
fn shares_are_written_to_a_hundredth_of_a_percent() {
    let strict = Gate {
        min_compared: 0,
        max_mismatch_rate: 0.0,
    };
    let words = |matching, differing| {
        let mut tally = Tally::new(1_000_000);
        record(&mut tally, matching, &[]);
        record(&mut tally, differing, &["$.a"]);
        tally.gate(&strict).to_string()
    };
    assert_eq!(words(0, 1), "mismatch rate 100 %, at most 0 %");
    assert_eq!(words(2, 1), "mismatch rate 33.33 %, at most 0 %");
    assert_eq!(words(19_999, 1), "mismatch rate 0.005 %, at most 0 %");
    assert_eq!(words(0, 0), "open");
}

#[test]
fn noise_does_not_close_the_gate() {
    let mut tally = Tally::new(GATE.min_compared);
    let differing = pair(&["$.id", "$.items[*].id"]);
    for n in 0..2000 {
        tally.record(&differing, (n % 20 == 0).then_some(&differing), at(n));
        // Undecided differences count.
        if n == 100 {
            assert!((tally.recent_rate() - 1.0).abs() < 1e-12);
        }
    }
    // Those before it was known to be noise do not count any more either.
    assert_eq!(class(&tally, "$.id"), Class::Noise);
    assert_eq!(tally.gate(&GATE), GateState::Open);
    assert!(tally.recent_rate().abs() < 1e-12);
    assert!((tally.totals().mismatch_rate() - 1.0).abs() < 1e-12);
    // One that is not noise counts beside it.
    record(&mut tally, 3, &["$.id", "$.total"]);
    assert_eq!(reason(&tally), "mismatch rate 0.15 %, at most 0.1 %");
}

#[test]
fn a_regression_under_noise_closes_the_gate() {
    let mut tally = Tally::new(GATE.min_compared);
    for n in 0..1000_u64 {
        // 900 differ from the service and 700 within legacy, independently.
        let between_sides = if n % 10 == 0 {
            pair(&[])
        } else {
            pair(&["$.a"])
        };
        let within_legacy = if n / 10 % 10 < 7 {
            pair(&["$.a"])
        } else {
            pair(&[])
        };
        tally.record(&between_sides, Some(&within_legacy), at(n));
    }
    let discord = diff(&tally, "$.a").unwrap().discord;
    assert_eq!((discord.b, discord.c, discord.both), (270, 70, 630));
    assert_eq!(class(&tally, "$.a"), Class::Regression);
    assert!((tally.recent_rate() - 0.9).abs() < 1e-12);
}

#[test]
fn the_gate_opens_by_itself_after_the_service_was_mended() {
    let mut tally = Tally::new(GATE.min_compared);
    record(&mut tally, 3000, &["$.total"]);
    assert_eq!(reason(&tally), "mismatch rate 100 %, at most 0.1 %");
    let pairs = (0..3000).find(|_| {
        record(&mut tally, 1, &[]);
        tally.gate(&GATE) == GateState::Open
    });
    // All pages but the one at hand are full, so it takes up to one more.
    assert!((1999..=2250).contains(&pairs.unwrap()), "{pairs:?}");
    assert!(diff(&tally, "$.total").is_some());
}

#[test]
fn the_gate_opens_on_a_place_that_stays_noisy_after_it_was_mended() {
    let mut tally = Tally::new(GATE.min_compared);
    let (differs, same) = (pair(&["$.a"]), pair(&[]));
    for n in 0..10_000 {
        let noise = if n % 3 == 0 { &differs } else { &same };
        tally.record(&differs, (n % 10 == 0).then_some(noise), at(n));
    }
    assert_eq!(class(&tally, "$.a"), Class::Regression);
    for n in 0_u64..2500 {
        // From now on as noisy as legacy: each differs in a third, independently.
        let between_sides = if n % 3 == 0 { &differs } else { &same };
        let noise = if n / 10 % 3 == 0 { &differs } else { &same };
        tally.record(between_sides, (n % 10 == 0).then_some(noise), at(n));
    }
    assert_eq!(class(&tally, "$.a"), Class::Noise);
    assert_eq!(tally.gate(&GATE), GateState::Open);
}

#[test]
fn many_sets_of_noise_are_still_noise() {
    let mut tally = Tally::new(GATE.min_compared);
    let paths: Vec<String> = (0..10).map(|n| format!("$.p{n}")).collect();
    let some = |n: u64| {
        let bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let chosen = paths
            .iter()
            .enumerate()
            .filter(|(nth, _)| bits >> nth & 1 == 1);
        pair(&chosen.map(|(_, path)| path.as_str()).collect::<Vec<_>>())
    };
    // Any set of ten places, each of them in half of the pairs: more sets than a page tells apart.
    for n in 0..2200 {
        let noise = some(n + 1_000_000);
        tally.record(&some(n), (n % 4 == 0).then_some(&noise), at(n));
    }
    assert_eq!(tally.gate(&GATE), GateState::Open);
    // A difference that counts, among those that found no set of their own, counts for all of them.
    record(&mut tally, 1, &["$.p1", "$.p5", "$.new"]);
    assert!(tally.recent_rate() > 0.01);
}

#[test]
fn what_found_no_place_of_its_own_counts() {
    let mut tally = Tally::new(8);
    let gate = Gate {
        min_compared: 8,
        max_mismatch_rate: 0.0,
    };
    record(&mut tally, 8, &[]);
    let mut truncated = pair(&[]);
    truncated.truncated = true;
    tally.record(&truncated, None, at(1));
    assert_ne!(tally.gate(&gate), GateState::Open);
}

#[test]
fn a_changed_gate_takes_as_many_pairs_as_it_asks_for() {
    let mut tally = Tally::new(80);
    record(&mut tally, 1000, &[]);
    assert!((80..=90).contains(&tally.totals().recent.pairs()));
    tally.set_min_compared(GATE.min_compared);
    record(&mut tally, 2250, &[]);
    assert_eq!(tally.gate(&GATE), GateState::Open);
    tally.forget_recent();
    assert_eq!(reason(&tally), "0 of 2 000 pairs compared");
    assert_eq!(tally.totals().compared, 3250);
}
