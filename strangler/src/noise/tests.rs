use proptest::prelude::*;

use super::*;

fn evidence(differences: u64, noise_pairs: u64, b: u64, c: u64, both: u64) -> Evidence {
    Evidence {
        differences,
        noise_pairs,
        discord: Discord { b, c, both },
    }
}

#[test]
fn the_first_count_that_is_a_regression_is_known() {
    for (c, first) in [(0, 10), (1, 13), (2, 16), (3, 18)] {
        let found = (0..100).find(|b| is_regression(*b, c));
        assert_eq!(found, Some(first), "c = {c}");
    }
}

/// In whole numbers: 1000 times the sum of the binomials against 2^n.
#[test]
fn the_test_is_exact() {
    for n in 0..=100_u32 {
        let mut binomial = 1_u128;
        let mut sum = 0_u128;
        for c in 0..=n {
            sum += binomial;
            let exact = sum * 1000 < 1 << n;
            let (b, c) = (u64::from(n - c), u64::from(c));
            assert_eq!(is_regression(b, c), exact, "b = {b}, c = {c}");
            binomial = binomial * u128::from(u64::from(n) - c) / u128::from(c + 1);
        }
    }
}

#[test]
fn large_counts_are_tested_too() {
    assert!(is_regression(270, 70));
    assert!(!is_regression(1_000_000, 1_000_000));
    assert!(is_regression(1_010_000, 1_000_000));
    assert!(is_regression(u64::MAX, 0));
    assert!(is_regression(u64::MAX, 1 << 62));
    assert!(!is_regression(u64::MAX, u64::MAX));
    assert!(!is_regression(0, u64::MAX));
}

#[test]
fn the_curve_goes_on_where_the_sum_ends() {
    for n in [2000_u32, 3000, 4000] {
        let by_sum = (0..n / 2)
            .filter(|c| ln_tail(n, *c) < REJECT.p.ln())
            .count();
        let by_curve = (0..n / 2)
            .filter(|c| f64::from(n - 2 * c) - 1.0 > REJECT.z * f64::from(n).sqrt())
            .count();
        assert!(by_sum.abs_diff(by_curve) <= 1, "{n}: {by_sum} {by_curve}");
    }
}

#[test]
fn a_regression_on_a_noisy_place_is_told_from_its_noise() {
    // Of 1000 pairs, all replayed, 900 differ from the service and 700 within legacy.
    assert_eq!(evidence(900, 1000, 270, 70, 630).class(), Class::Regression);
}

#[test]
fn random_ids_are_noise() {
    assert_eq!(evidence(20_000, 1000, 0, 0, 1000).class(), Class::Noise);
    assert_eq!(evidence(20_000, 1000, 4, 6, 990).class(), Class::Noise);
    assert_eq!(evidence(1000, 1000, 90, 95, 10).class(), Class::Noise);
    assert_eq!(evidence(200, 10, 0, 0, 10).class(), Class::Noise);
}

#[test]
fn a_place_that_is_never_noisy_is_a_regression_at_three_differences() {
    assert_eq!(evidence(3, 200, 0, 0, 0).class(), Class::Regression);
    assert_eq!(evidence(3, 200, 1, 0, 0).class(), Class::Regression);
    assert_eq!(evidence(2, 200, 0, 0, 0).class(), Class::Undecided);
    assert_eq!(evidence(3, 199, 0, 0, 0).class(), Class::Undecided);
    assert_eq!(evidence(3, 200, 0, 1, 0).class(), Class::Undecided);
    assert_eq!(evidence(3, 200, 0, 0, 1).class(), Class::Undecided);
}

#[test]
fn with_too_little_evidence_nothing_is_decided() {
    assert_eq!(evidence(0, 0, 0, 0, 0).class(), Class::Undecided);
    assert_eq!(evidence(900, 9, 0, 0, 9).class(), Class::Undecided);
    assert_eq!(evidence(900, 50, 0, 2, 0).class(), Class::Undecided);
    // A few more against the service than within legacy: not yet noise, not yet a regression.
    assert_eq!(evidence(900, 50, 14, 3, 0).class(), Class::Undecided);
    assert_eq!(evidence(900, 50, 9, 3, 0).class(), Class::Noise);
}

#[test]
fn recent_pairs_weigh_more() {
    let recent = |b, c, both| Discord { b, c, both };
    let broken_once = evidence(9000, 1000, 270, 70, 630);
    // Mended: as noisy as legacy is.
    assert_eq!(broken_once.class_today(&recent(11, 9, 60)), Class::Noise);
    // Nothing was seen of it lately, or too little, or it is still so.
    assert_eq!(broken_once.class_today(&recent(0, 0, 0)), Class::Regression);
    assert_eq!(broken_once.class_today(&recent(2, 2, 5)), Class::Regression);
    assert_eq!(
        broken_once.class_today(&recent(14, 6, 30)),
        Class::Regression
    );
    // It was noise for long, and then the service broke it.
    let noise = evidence(9000, 1000, 500, 500, 0);
    assert_eq!(noise.class(), Class::Noise);
    assert_eq!(noise.class_today(&recent(60, 0, 0)), Class::Regression);
    assert_eq!(noise.class_today(&recent(5, 5, 0)), Class::Noise);
    // Three rare differences in recent pairs are no regression of their own.
    assert_eq!(noise.class_today(&recent(3, 0, 0)), Class::Noise);
}

proptest! {
    #[test]
    fn more_against_the_service_is_never_less_of_a_regression(b in 0_u64..4000, c in 0_u64..4000) {
        if is_regression(b, c) {
            prop_assert!(is_regression(b + 1, c));
            prop_assert!(c == 0 || is_regression(b, c - 1));
            prop_assert!(!is_regression(c, b));
        }
    }

    #[test]
    fn no_counts_make_it_panic(e in any::<[u64; 8]>()) {
        let [differences, noise_pairs, b, c, both, rest @ ..] = e;
        let recent = Discord { b: rest[0], c: rest[1], both: rest[2] };
        let _ = evidence(differences, noise_pairs, b, c, both).class_today(&recent);
    }
}
