use proptest::prelude::*;

use super::*;

type Request = (bool, u32, bool, bool);

fn tick(requests: &[Request]) -> Tick {
    let mut tick = Tick::default();
    for &(service, hash, failed, slow) in requests {
        let side = if service { Side::Service } else { Side::Legacy };
        tick.add(side, hash, failed, slow);
    }
    tick
}

#[test]
fn one_caller_counts_once_among_keys_and_each_time_among_requests() {
    let seen = tick(&[
        (true, 7, true, false),
        (true, 7, true, true),
        (true, 7, false, false),
    ]);
    let Seen {
        requests,
        failed,
        slow,
        ..
    } = seen.service;
    assert_eq!((requests, failed, slow), (3, 2, 1));
    let Seen {
        active,
        failed_keys,
        slow_keys,
        ..
    } = &seen.service;
    assert_eq!([active.len(), failed_keys.len(), slow_keys.len()], [1; 3]);
    assert_eq!(seen.legacy, Seen::default());
    assert!(!seen.is_empty() && Tick::default().is_empty());
}

proptest! {
    #[test]
    fn what_two_have_seen_is_what_one_would_have(left: Vec<Request>, right: Vec<Request>) {
        let mut merged = tick(&left);
        merged.merge(&tick(&right));
        prop_assert_eq!(&merged, &tick(&[right, left].concat()));
        let kept = serde_json::to_string(&merged).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Tick>(&kept).unwrap(), &merged);
    }
}
