//! A step that is kept, and read again.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What was kept before there were some of the numbers.
#[test]
fn an_older_step_is_read_and_goes_on() {
    let mut step = begin(100.0, begin(50.0, None).baseline());
    run(&mut step, 3, &tick([90, 2], [0, 0]));
    let mut older = serde_json::to_value(&step).unwrap();
    for pointer in ["/record/failed", "/record/slow"] {
        let test = older.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        for new in ["since", "stakes", "staked_at"] {
            test.remove(new).unwrap();
        }
    }
    for side in ["/record/service", "/record/legacy"] {
        let sums = older.pointer_mut(side).unwrap().as_object_mut().unwrap();
        sums.remove("timed_key_ticks").unwrap();
        sums.remove("slow_key_ticks").unwrap();
    }
    let mut read = serde_json::from_value::<Step>(older).unwrap();
    run(&mut read, 3, &tick([90, 2], [0, 0]));
    assert_eq!(
        read.exposed(),
        Exposed {
            users: 90,
            requests: 540,
            failed: 12
        }
    );
}

#[track_caller]
fn assert_refused(kept: &Value, at: &str, wrong: impl Into<Value>, why: &str) {
    let mut kept = kept.clone();
    *kept.pointer_mut(at).unwrap() = wrong.into();
    let refused = serde_json::from_value::<Step>(kept).unwrap_err();
    assert!(refused.to_string().contains(why), "{at}: {refused}");
}

#[test]
fn a_step_whose_parts_disagree_is_refused() {
    let mut beside = begin(5.0, None);
    run(&mut beside, 3, &tick([40, 2], [760, 9]));
    let mut alone = begin(100.0, beside.baseline());
    run(&mut alone, 3, &tick([800, 9], [0, 0]));
    let [beside, alone] = [beside, alone].map(|step| serde_json::to_value(step).unwrap());

    let kind = "not of the kind";
    assert_refused(&beside, "/record/share", 10_000, kind);
    assert_refused(&alone, "/record/share", 5_000, kind);
    let ratios = beside["record"]["slow"]["lowest"].clone();
    assert_refused(&alone, "/record/slow/lowest", ratios, kind);
    let much = vec!["40a0000000000000"; 9];
    assert_refused(&beside, "/record/failed/lowest", much, "below its lowest");

    let refuse = |kept, at, why| assert_refused(kept, at, 9_999_999, why);
    refuse(
        &beside,
        "/record/failed/service/events",
        "than were at risk",
    );
    refuse(&beside, "/record/failed/since/0/requests", "in a part of");
    refuse(&beside, "/record/slow/since/0/slow", "slow than was timed");
    refuse(&beside, "/record/legacy/failed", "more requests failed");
    refuse(&beside, "/record/service/timed", "timed than there was");
    let callers = "more callers failed";
    refuse(&beside, "/record/service/key_ticks/failed", callers);
    refuse(&beside, "/record/last/1/failed", callers);
    refuse(&alone, "/record/before/sums/failed", "more requests failed");
    refuse(&alone, "/record/before/first/events", "than were at risk");
    refuse(&alone, "/had_failed/limit", "not a set of keys");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// A restart in the midst changes nothing.
    #[test]
    fn a_step_is_kept_to_the_bit(ticks in prop::collection::vec((0..30_u32, 0..5_u32, 0..90_u32, 0..9_u32), 1..12), cut in 0..12_usize, share in prop::sample::select(vec![5.0, 100.0])) {
        let mut before = begin(50.0, None);
        run(&mut before, 3, &tick([90, 3], [90, 1]));
        let mut through = begin(share, before.baseline());
        let mut restarted = through.clone();
        let rules = Rules::default();
        for (at, (n1, s, n0, f)) in ticks.into_iter().enumerate() {
            let mut seen = tick([n1, s], [n0, f]);
            for key in 0..s {
                seen.add(Side::Service, hash(key), false, true);
            }
            let now = BEGUN + TICK * u32::try_from(at).unwrap();
            through.add(&seen, now);
            restarted.add(&seen, now);
            prop_assert_eq!(through.judge(&rules, STEPS, now), restarted.judge(&rules, STEPS, now));
            if at == cut {
                let kept = serde_json::to_string(&restarted).unwrap();
                restarted = serde_json::from_str(&kept).unwrap();
            }
            prop_assert_eq!(&through, &restarted);
            // Zero equals minus zero; what is kept does not.
            let kept = [&through, &restarted].map(|step| serde_json::to_string(step).unwrap());
            prop_assert_eq!(&kept[0], &kept[1]);
        }
        let baseline = through.baseline();
        let kept = serde_json::to_string(&baseline).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Option<Baseline>>(&kept).unwrap(), &baseline);
    }
}
