//! What is counted, kept and written.

use super::*;

#[test]
fn pairs_are_counted_by_outcome() {
    let mut tally = Tally::new(2000);
    tally.record(&pair(&[]), None, at(10));
    tally.record(&pair(&["$.a", "$.b"]), Some(&pair(&[])), at(11));
    tally.record(&ignored("$.a"), None, at(12));
    tally.record(&pair(&["$.a"]), None, at(11));
    let totals = tally.totals();
    assert_eq!(
        (
            totals.compared,
            totals.matched,
            totals.ignored,
            totals.mismatched
        ),
        (4, 1, 1, 2)
    );
    assert_eq!((totals.noise_pairs, totals.other), (1, 0));
    assert_eq!((totals.first, totals.last), (Some(at(10)), Some(at(12))));
    assert!((totals.mismatch_rate() - 0.5).abs() < 1e-12);
    let a = diff(&tally, "$.a").unwrap();
    assert_eq!((a.count, a.first_seen, a.last_seen), (2, at(11), at(11)));
    assert_eq!(a.discord.b, 1);
    assert_eq!(diff(&tally, "$.b").unwrap().count, 1);
}

#[test]
fn noise_is_counted_by_where_it_was() {
    let mut tally = Tally::new(2000);
    tally.record(&pair(&["$.a", "$.b"]), Some(&pair(&["$.b", "$.c"])), at(1));
    tally.record(&pair(&["$.a"]), None, at(2));
    tally.record(&pair(&[]), Some(&pair(&[])), at(3));
    let discord = |path| {
        let diff = diff(&tally, path).unwrap();
        (
            diff.count,
            diff.discord.b,
            diff.discord.c,
            diff.discord.both,
        )
    };
    assert_eq!(discord("$.a"), (2, 1, 0, 0));
    assert_eq!(discord("$.b"), (1, 0, 0, 1));
    assert_eq!(discord("$.c"), (0, 0, 1, 0));
    assert!(diff(&tally, "$.c").unwrap().samples.is_empty());
    assert_eq!(tally.totals().noise_pairs, 2);
}

#[test]
fn the_first_samples_and_the_newest_are_kept() {
    let mut tally = Tally::new(2000);
    for n in 0..100 {
        let mut pair = pair(&["$.a"]);
        pair.differences[0] = difference("$.a", n);
        tally.record(&pair, None, at(n));
    }
    let samples = &diff(&tally, "$.a").unwrap().samples;
    let kept: Vec<u64> = samples.iter().map(|sample| sample.at.as_secs()).collect();
    assert_eq!(kept, (0..5).chain(85..100).collect::<Vec<_>>());
    assert_eq!(
        (samples[5].left.as_str(), samples[5].right.as_str()),
        ("85", "86")
    );
}

#[test]
fn only_what_has_changed_is_written() {
    let mut tally = Tally::new(2000);
    tally.record(&pair(&["$.a", "$.b"]), None, at(1));
    let paths = |changed: Vec<(DiffKey, Diff)>| -> Vec<String> {
        let mut paths: Vec<_> = changed.into_iter().map(|(key, _)| key.path).collect();
        paths.sort();
        paths
    };
    assert_eq!(paths(tally.take_changed()), ["$.a", "$.b"]);
    assert_eq!(paths(tally.take_changed()), [""; 0]);
    tally.record(&pair(&["$.b"]), Some(&pair(&["$.c"])), at(2));
    tally.record(&pair(&[]), None, at(2));
    assert_eq!(paths(tally.take_changed()), ["$.b", "$.c"]);
}

#[test]
fn a_tally_is_put_together_from_what_was_written() {
    let mut tally = Tally::new(80);
    let mut written = std::collections::BTreeMap::new();
    for n in 0..300 {
        let paths = [format!("$.p{}", n % 7), format!("$.q{}", n % 3)];
        let differing = pair(&[&paths[0], &paths[1]]);
        tally.record(&differing, (n % 5 == 0).then_some(&differing), at(n));
        if n % 50 == 0 {
            written.extend(tally.take_changed());
        }
    }
    written.extend(tally.take_changed());
    let totals = serde_json::to_string(tally.totals()).unwrap();
    let mut read = Tally::from_parts(serde_json::from_str(&totals).unwrap(), written);
    assert_eq!(read.totals(), tally.totals());
    assert!(read.diffs().eq(tally.diffs()));
    let gate = Gate {
        min_compared: 80,
        max_mismatch_rate: 0.0,
    };
    assert_eq!(read.gate(&gate), tally.gate(&gate));
    assert!(read.take_changed().is_empty());
    let whole = serde_json::to_string(&tally).unwrap();
    let whole: Tally = serde_json::from_str(&whole).unwrap();
    assert!(whole.diffs().eq(tally.diffs()));
    assert_eq!(whole.totals(), tally.totals());
}

#[test]
fn a_store_has_what_the_tally_has_however_many_have_gone_between_two_writes() {
    let mut tally = Tally::new(1);
    let mut store = std::collections::BTreeMap::new();
    for n in 0..450_u64 {
        let paths: Vec<String> = (0..60).map(|k| format!("$.map.k{n}_{k}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        tally.record(&pair(&paths), None, at(n));
        // Now and then, so that few or many have gone.
        if n % 7 != 0 && n % 90 != 89 {
            continue;
        }
        if tally.take_anew() {
            store.clear();
        }
        for key in tally.take_removed() {
            store.remove(&key);
        }
        store.extend(tally.take_changed());
        assert!(store.iter().eq(tally.diffs()), "pair {n}");
    }
    assert_eq!(store.len(), usize::from(MAX_DIFFS));
    assert!(!tally.take_anew() && tally.take_removed().is_empty());
}

#[test]
fn at_most_five_hundred_differences_are_told_apart() {
    let mut tally = Tally::new(8000);
    let paths: Vec<String> = (0..700).map(|n| format!("$.map.k{n}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    record(&mut tally, 1, &paths);
    assert_eq!(tally.diffs().count(), usize::from(MAX_DIFFS));
    assert_eq!(tally.totals().other, 1);
    record(&mut tally, 1, &["$.map.k0"]);
    assert_eq!(tally.totals().other, 1);
    record(&mut tally, 1, &["$.new"]);
    assert_eq!(
        (tally.diffs().count(), tally.totals().other),
        (usize::from(MAX_DIFFS), 2)
    );
    let mut truncated = pair(&["$.map.k0"]);
    truncated.truncated = true;
    tally.record(&truncated, None, at(1));
    assert_eq!(tally.totals().other, 3);
}

#[test]
fn what_no_recent_pair_speaks_of_makes_room() {
    let mut tally = Tally::new(80);
    let paths: Vec<String> = (0..MAX_DIFFS).map(|n| format!("$.map.k{n}")).collect();
    for (n, path) in (0..).zip(&paths) {
        tally.record(&pair(&[path]), None, at(n));
    }
    tally.take_changed();
    tally.record(&pair(&["$.new", "$.newer"]), None, at(1000));
    assert_eq!(
        (tally.diffs().count(), tally.totals().other),
        (usize::from(MAX_DIFFS), 0)
    );
    assert_eq!(tally.take_removed(), [key("$.map.k0"), key("$.map.k1")]);
    assert_eq!(tally.take_removed(), []);
    assert!(diff(&tally, "$.new").is_some() && diff(&tally, "$.map.k0").is_none());
    assert_eq!(tally.take_changed().len(), 2);
    // What a store did not take away gives way when it is read again.
    let mut stale: Vec<(DiffKey, Diff)> = tally
        .diffs()
        .map(|(key, diff)| (key.clone(), diff.clone()))
        .collect();
    let mut old = Diff::new(diff(&tally, "$.new").unwrap().slot, at(0));
    old.count = 1;
    for place in [0, stale.len()] {
        stale.insert(place, (key("$.map.k0"), old.clone()));
    }
    let read = Tally::from_parts(tally.totals().clone(), stale);
    assert!(read.diffs().eq(tally.diffs()));
}
