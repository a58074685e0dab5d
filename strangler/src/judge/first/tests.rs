use std::ops::Range;

use super::*;

fn keys(of: Range<u32>) -> Keys {
    let mut keys = Keys::default();
    for key in of {
        keys.insert(key.wrapping_mul(0x9e37_79b1));
    }
    keys
}

fn at_risk(keys: u64, events: u64) -> AtRisk {
    AtRisk { keys, events }
}

#[test]
fn nobody_has_the_first_event_twice() {
    let mut had = Keys::default();
    let (service, legacy) = (keys(0..20), keys(100..200));
    let (failing, none) = (keys(0..3), Keys::default());
    let tick = [(&service, &failing), (&legacy, &none)];
    assert_eq!(take(&mut had, tick), [at_risk(20, 3), at_risk(100, 0)]);
    assert_eq!(take(&mut had, tick), [at_risk(17, 0), at_risk(100, 0)]);
    assert_eq!(had, failing);
}

#[test]
fn where_fewer_than_half_are_left_all_are_at_risk_anew() {
    let (service, legacy) = (keys(0..20), keys(100..200));
    let (failing, none) = (keys(0..2), Keys::default());
    let tick = [(&service, &failing), (&legacy, &none)];
    let mut half = keys(100..160);
    assert_eq!(take(&mut half, tick), [at_risk(20, 2), at_risk(40, 0)]);
    let mut fewer = keys(100..161);
    assert_eq!(take(&mut fewer, tick), [at_risk(20, 2), at_risk(100, 0)]);
    assert_eq!(fewer, failing);
}

#[test]
fn with_hardly_anybody_on_one_side_nobody_is_at_risk_anew() {
    for (service, legacy) in [(keys(0..100), keys(200..219)), (keys(0..100), keys(0..0))] {
        let none = Keys::default();
        let mut had = keys(0..90);
        let first = take(&mut had, [(&service, &none), (&legacy, &none)]);
        assert_eq!(first, [at_risk(10, 0), at_risk(legacy.len(), 0)]);
    }
}
