use super::*;

fn key_ticks(keys: u64, failed: u64) -> Active {
    Active { keys, failed }
}

#[test]
fn golden_bounds_of_the_difference() {
    let few = ONE_SIDED * standard_error(key_ticks(600, 3), key_ticks(11_400, 57));
    assert!((few - 0.0056).abs() < 0.00005, "{few}");
    let more = ONE_SIDED * standard_error(key_ticks(1200, 6), key_ticks(22_800, 114));
    assert!((more - 0.0037).abs() < 0.00005, "{more}");
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
