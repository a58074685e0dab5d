use proptest::prelude::*;

use super::*;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
const MONTH: Duration = Duration::from_secs(30 * DAY);

fn at(seconds: u64) -> Duration {
    Duration::from_secs(1_700_000_000 + seconds)
}

/// Looks once a minute, the ends included.
fn watch(clock: &mut LegacyClock, from: u64, to: u64) {
    for minute in 0..=(to - from) / MINUTE {
        clock.watched(at(from + minute * MINUTE), OBSERVE_GAP_MAX);
    }
}

#[test]
fn a_minute_before_the_thirty_days_it_is_refused_and_then_allowed() {
    let mut clock = LegacyClock::default();
    clock.used(at(0));
    watch(&mut clock, 0, 30 * DAY - MINUTE);
    let verdict = clock.verdict(MONTH);
    assert_eq!(verdict.to_string(), "0 d 0 h 1 m left");
    let (left, required) = (Duration::from_secs(MINUTE), MONTH);
    assert_eq!(verdict, Verdict::Refused { left, required });
    watch(&mut clock, 30 * DAY - MINUTE, 30 * DAY);
    assert_eq!(clock.verdict(MONTH), Verdict::Allowed);
    assert_eq!(clock.left(MONTH), Duration::ZERO);
}

#[test]
fn a_use_on_day_twenty_starts_again() {
    let mut clock = LegacyClock::default();
    watch(&mut clock, 0, 20 * DAY);
    clock.used(at(20 * DAY));
    assert_eq!(clock.verdict(MONTH).to_string(), "30 d 0 h 0 m left");
    watch(&mut clock, 20 * DAY, 50 * DAY - MINUTE);
    assert_eq!(clock.verdict(MONTH).to_string(), "0 d 0 h 1 m left");
    watch(&mut clock, 50 * DAY, 50 * DAY);
    assert_eq!(clock.verdict(MONTH), Verdict::Allowed);
    assert_eq!(clock.last_used(), Some(at(20 * DAY)));
}

#[test]
fn three_days_down_make_it_day_thirty_three() {
    let mut clock = LegacyClock::default();
    watch(&mut clock, 0, 10 * DAY);
    watch(&mut clock, 13 * DAY, 33 * DAY - MINUTE);
    assert_eq!(clock.verdict(MONTH).to_string(), "0 d 0 h 1 m left");
    watch(&mut clock, 33 * DAY, 33 * DAY);
    assert_eq!(clock.verdict(MONTH), Verdict::Allowed);
}

#[test]
fn a_gap_counts_up_to_ten_minutes() {
    let mut clock = LegacyClock::default();
    clock.watched(at(0), OBSERVE_GAP_MAX);
    clock.watched(at(600), OBSERVE_GAP_MAX);
    assert_eq!(clock.observed(), OBSERVE_GAP_MAX);
    clock.watched(at(1201), OBSERVE_GAP_MAX);
    assert_eq!(clock.observed(), OBSERVE_GAP_MAX);
}

#[test]
fn time_before_a_use_does_not_count_after_it() {
    let mut clock = LegacyClock::default();
    clock.watched(at(0), OBSERVE_GAP_MAX);
    clock.used(at(50));
    clock.watched(at(60), OBSERVE_GAP_MAX);
    assert_eq!(clock.observed(), Duration::from_secs(10));
    // One that is heard of late starts it again too, and no time before the last look counts.
    clock.used(at(20));
    assert_eq!(
        (clock.observed(), clock.last_used()),
        (Duration::ZERO, Some(at(50)))
    );
    clock.watched(at(70), OBSERVE_GAP_MAX);
    assert_eq!(clock.observed(), Duration::from_secs(10));
}

#[test]
fn a_clock_that_was_ahead_once_hides_no_use() {
    let mut clock = LegacyClock::default();
    clock.used(at(900 * DAY));
    watch(&mut clock, 0, 31 * DAY);
    clock.used(at(31 * DAY));
    assert_eq!(clock.verdict(MONTH).to_string(), "30 d 0 h 0 m left");
    assert_eq!(clock.last_used(), Some(at(31 * DAY)));
}

#[test]
fn a_clock_that_goes_back_adds_nothing() {
    let mut clock = LegacyClock::default();
    for seconds in [100, 98, 101, 99, 102] {
        clock.watched(at(seconds), OBSERVE_GAP_MAX);
    }
    assert_eq!(clock.observed(), Duration::from_secs(2));
    // Set back by an hour: it goes on from there.
    clock.watched(at(9_000), OBSERVE_GAP_MAX);
    clock.watched(at(5_400), OBSERVE_GAP_MAX);
    clock.watched(at(5_460), OBSERVE_GAP_MAX);
    assert_eq!(clock.observed(), Duration::from_secs(62));
}

#[test]
fn a_restart_changes_nothing() {
    let mut clock = LegacyClock::default();
    clock.used(at(3));
    watch(&mut clock, 60, 6000);
    let kept = serde_json::to_string(&clock).unwrap();
    assert_eq!(serde_json::from_str::<LegacyClock>(&kept).unwrap(), clock);
}

#[test]
fn what_is_left_is_never_shown_as_nothing() {
    assert_eq!(Span(Duration::from_millis(1)).to_string(), "0 d 0 h 1 m");
    assert_eq!(Span(Duration::from_secs(61)).to_string(), "0 d 0 h 2 m");
    assert_eq!(Span(Duration::ZERO).to_string(), "0 d 0 h 0 m");
    assert_eq!(
        Span(Duration::from_secs(12 * DAY + 3 * 3600 + 4 * MINUTE)).to_string(),
        "12 d 3 h 4 m"
    );
    assert!(Span(Duration::MAX).to_string().ends_with('m'));
}

proptest! {
    #[test]
    fn after_every_use_it_starts_again_whatever_the_machine_takes_for_now(
        steps in prop::collection::vec((0_u64..100_000_000, any::<bool>()), 1..40),
    ) {
        let mut clock = LegacyClock::default();
        for (now, used) in steps {
            clock.watched(at(now), OBSERVE_GAP_MAX);
            if used {
                clock.used(at(now));
                prop_assert_eq!(clock.observed(), Duration::ZERO);
                let last = clock.last_used().unwrap();
                prop_assert!(last >= at(now) && last <= at(now) + OBSERVE_GAP_MAX);
                clock.watched(at(now + 60), OBSERVE_GAP_MAX);
                prop_assert!(clock.observed() <= Duration::from_mins(1));
            }
        }
    }

    #[test]
    fn observed_is_never_more_than_has_gone_by(
        gaps in prop::collection::vec((0_u64..1500, any::<prop::sample::Index>()), 1..60),
    ) {
        let mut clock = LegacyClock::default();
        let (mut now, mut since) = (0, 0);
        for (gap, what) in gaps {
            now += gap;
            let before = clock.observed();
            if what.index(5) == 0 {
                clock.used(at(now));
                since = now;
                prop_assert!(clock.observed() <= before);
            } else {
                clock.watched(at(now), OBSERVE_GAP_MAX);
                prop_assert!(clock.observed() >= before);
            }
            prop_assert!(clock.observed() <= Duration::from_secs(now - since));
        }
    }

    #[test]
    fn clocks_that_differ_a_little_count_nothing_twice(looks in prop::collection::vec((0_u64..100, 0_u64..60), 1..60)) {
        let mut clock = LegacyClock::default();
        let (mut now, mut latest) = (60, 0);
        for (gap, behind) in looks {
            now += gap;
            clock.watched(at(now - behind), OBSERVE_GAP_MAX);
            latest = latest.max(now - behind);
            prop_assert!(clock.observed() <= Duration::from_secs(latest));
        }
    }
}

#[test]
fn what_another_gateway_knows_counts_here() {
    let minute = Duration::from_mins(1);
    let watching = |used: Option<u32>, from: u32, to: u32| {
        let mut clock = LegacyClock::default();
        if let Some(used) = used {
            clock.used(minute * used);
        }
        for now in from..=to {
            clock.watched(minute * now, OBSERVE_GAP_MAX);
        }
        clock
    };
    // A later use starts the wait again, and then both have waited as long.
    let mut mine = watching(Some(100), 100, 200);
    let theirs = watching(Some(150), 150, 200);
    mine.hear(&theirs, minute * 200);
    assert_eq!(mine.last_used(), Some(minute * 150));
    assert_eq!(mine.observed(), minute * 50);
    // One that was here before is no news, and nothing is counted twice.
    let before = mine.clone();
    mine.hear(&watching(Some(100), 100, 200), minute * 200);
    mine.hear(&theirs, minute * 200);
    assert_eq!(mine, before);
    // Whoever knows nothing goes by what others watched.
    let mut anew = LegacyClock::default();
    anew.hear(&theirs, minute * 200);
    assert_eq!(anew.observed(), minute * 50);
    // A use that is still to come is one of now.
    mine.hear(&watching(Some(900), 900, 900), minute * 210);
    assert_eq!(mine.last_used(), Some(minute * 210));
    assert_eq!(mine.observed(), Duration::ZERO);
}
