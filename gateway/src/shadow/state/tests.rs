use std::time::Duration;

use strangler::{Comparison, Difference, GateState, Kind};

use super::{Comparisons, Dropped, Kept};
use crate::shadow::compiled::{Direction, tests::copying};
use crate::shadow::config::ShadowConfig;

const NOW: Duration = Duration::from_secs(1_000);

fn different() -> Comparison {
    Comparison {
        differences: vec![Difference {
            path: "$.price".into(),
            kind: Kind::Value,
            ignored: false,
            left: "1".into(),
            right: "2".into(),
        }],
        truncated: false,
    }
}

fn ignoring(path: &str) -> ShadowConfig {
    let mut config = ShadowConfig::default();
    config.rules.ignore.push(path.parse().unwrap());
    config
}

#[test]
fn what_has_changed_is_told_once() {
    let comparisons = Comparisons::default();
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    let pairs = comparisons.route("orders");
    pairs.ruled_by(&copying);
    pairs.compared(&copying, (&different(), None), NOW);
    pairs.dropped(Dropped::Timeout);
    let changes = comparisons.changes();
    let [changed] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert!(changed.anew);
    assert_eq!((changed.totals.mismatched, changed.diffs.len()), (1, 1));
    assert_eq!(changed.dropped, [("timeout", 1)]);
    assert!(comparisons.changes().is_empty());
    pairs.sent();
    let changes = comparisons.changes();
    assert_eq!(
        (changes[0].anew, changes[0].diffs.len(), changes[0].sent),
        (false, 0, 1)
    );
}

#[test]
fn what_was_written_down_is_taken_up_again() {
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    let before = Comparisons::default();
    let pairs = before.route("orders");
    pairs.ruled_by(&copying);
    pairs.compared(&copying, (&different(), None), NOW);
    pairs.dropped(Dropped::Reset);
    let changed = before.changes().remove(0);

    let after = Comparisons::default();
    after.restore(
        "orders",
        Kept {
            rules: changed.rules,
            totals: changed.totals.clone(),
            diffs: changed.diffs,
            dropped: changed
                .dropped
                .iter()
                .map(|(why, count)| ((*why).to_owned(), *count))
                .collect(),
            sent: changed.sent,
            mirrored: changed.mirrored,
        },
    );
    let pairs = after.route("orders");
    pairs.ruled_by(&copying);
    assert!(after.changes().is_empty());
    assert_eq!(pairs.drops(), [("reset", 1)]);
    pairs.see(|tally| assert_eq!(*tally.totals(), changed.totals));
}

#[test]
fn other_rules_start_from_nothing_and_pairs_by_the_old_ones_do_not_count() {
    let comparisons = Comparisons::default();
    let pairs = comparisons.route("orders");
    let old = copying(&ShadowConfig::default(), Direction::ToService);
    pairs.ruled_by(&old);
    pairs.compared(&old, (&different(), None), NOW);
    let new = copying(&ignoring("$.price"), Direction::ToService);
    pairs.ruled_by(&new);
    pairs.compared(&old, (&different(), None), NOW);
    pairs.see(|tally| assert_eq!(tally.totals().compared, 0));
    assert_eq!(pairs.drops(), [("stale", 1)]);
    assert!(comparisons.changes()[0].anew);
    // Another queue or percentage compares as before.
    let mut quicker = ignoring("$.price");
    quicker.queue = 1;
    pairs.compared(&new, (&different(), None), NOW);
    pairs.ruled_by(&copying(&quicker, Direction::ToService));
    pairs.see(|tally| assert_eq!(tally.totals().compared, 1));
}

#[test]
fn a_scrape_sees_outcomes_reasons_and_what_waits() {
    let comparisons = Comparisons::default();
    let copying = copying(&ShadowConfig::default(), Direction::ToService);
    for name in ["a", "b"] {
        let pairs = comparisons.route(name);
        pairs.ruled_by(&copying);
        pairs.compared(&copying, (&Comparison::default(), None), NOW);
        pairs.dropped(Dropped::QueueFull);
    }
    let samples = comparisons.samples();
    let names: Vec<&str> = samples.iter().map(|sample| sample.name).collect();
    let mut groups = names.clone();
    groups.dedup();
    let mut sorted = groups.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(
        groups.len(),
        sorted.len(),
        "a metric's samples stand together: {names:?}"
    );
    let find = |name: &str, label: &str, route: &str| {
        let found = samples.iter().find(|sample| {
            let says = |value: &str| sample.labels.iter().any(|(_, said)| said == value);
            sample.name == name && says(route) && (label.is_empty() || says(label))
        });
        found.map(|sample| sample.value)
    };
    assert_eq!(find("banyan_shadow_pairs", "matched", "b"), Some(1));
    assert_eq!(find("banyan_shadow_pairs", "mirrored", "a"), Some(0));
    assert_eq!(find("banyan_shadow_dropped", "queue_full", "a"), Some(1));
    assert_eq!(find("banyan_shadow_waiting", "", "b"), Some(0));
    comparisons.keep_routes(|name| name == "a");
    assert_eq!(comparisons.all().len(), 1);
}

#[test]
fn pairs_by_other_rules_open_no_gate() {
    let config = |path: &str| {
        let mut config = ignoring(path);
        config.gate.min_compared = 1;
        config
    };
    let comparisons = Comparisons::default();
    let (old, new) = (config("$.a"), config("$.b"));
    let pairs = comparisons.route("orders");
    let gate = |config| comparisons.gate("orders", Some(config));
    assert!(matches!(gate(&old), Some(GateState::Closed { .. })));
    let copying = copying(&old, Direction::ToService);
    pairs.ruled_by(&copying);
    pairs.compared(&copying, (&Comparison::default(), None), NOW);
    assert_eq!(gate(&old), Some(GateState::Open));
    assert!(matches!(gate(&new), Some(GateState::Closed { .. })));
    let mirror = ShadowConfig {
        compare: false,
        ..old.clone()
    };
    assert_eq!(gate(&mirror), None);
}

#[test]
fn each_reason_has_a_counter_of_its_own() {
    let pairs = Comparisons::default().route("orders");
    for (nth, why) in Dropped::ALL.into_iter().enumerate() {
        assert_eq!(why as usize, nth);
        pairs.dropped(why);
    }
    assert!(pairs.drops().iter().all(|(_, count)| *count == 1));
    assert_eq!(pairs.drops().len(), Dropped::ALL.len());
}

#[test]
fn when_more_have_made_room_than_can_be_named_all_is_written_anew() {
    let comparisons = Comparisons::default();
    let mut config = ShadowConfig::default();
    config.gate.min_compared = 1;
    let copying = copying(&config, Direction::ToService);
    let pairs = comparisons.route("orders");
    pairs.ruled_by(&copying);
    let mut written = 0;
    for n in 0..20 {
        let mut pair = different();
        let one = pair.differences.remove(0);
        pair.differences = (0..300)
            .map(|k| Difference {
                path: format!("$.m{n}_{k}"),
                ..one.clone()
            })
            .collect();
        pairs.compared(&copying, (&pair, None), NOW + Duration::from_secs(n));
        if n < 2 {
            comparisons.changes();
        }
    }
    for changed in comparisons.changes() {
        assert!(changed.anew && changed.removed.is_empty());
        written += changed.diffs.len();
    }
    assert_eq!(written, 500);
}
