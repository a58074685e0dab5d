//! Who gets how much.

use super::*;
use crate::balance::HashBy;
use crate::endpoint::InFlight;

#[test]
fn weights_are_shares_whichever_way_the_balance_goes() {
    for balance in [
        Balance::PowerOfTwo,
        Balance::RoundRobin,
        Balance::Random,
        Balance::LeastRequest,
    ] {
        let mut lab = Lab::new(settings(balance.clone()), &[3, 1]);
        let spread = lab.spread(4000);
        assert!(
            (2850..=3150).contains(&spread[&0]),
            "{balance:?} {spread:?}"
        );
    }
}

#[test]
fn weights_are_shares_of_what_is_in_flight_too() {
    for balance in [Balance::PowerOfTwo, Balance::LeastRequest] {
        let mut lab = Lab::new(settings(balance.clone()), &[3, 1, 1]);
        let held: Vec<InFlight> = (0..500)
            .map(|_| InFlight::at(&lab.pick().endpoint))
            .collect();
        let heavy = lab.at(0).in_flight();
        assert!((270..=330).contains(&heavy), "{balance:?} {heavy}");
        drop(held);
    }
}

#[test]
fn the_fewest_in_flight_of_all_are_found() {
    let mut lab = Lab::new(settings(Balance::LeastRequest), &[1; 20]);
    let held: Vec<InFlight> = (0..200)
        .map(|_| InFlight::at(&lab.pick().endpoint))
        .collect();
    let members = lab.fleet.members();
    assert!(members.iter().all(|m| m.endpoint.in_flight() == 10));
    drop(held);
}

#[test]
fn one_after_the_other_goes_on_over_changes() {
    let mut lab = Lab::new(settings(Balance::RoundRobin), &[1, 1, 1]);
    let mut turns =
        |count| -> Vec<u16> { (0..count).map(|_| port(&lab.pick().endpoint)).collect() };
    assert_eq!(turns(4), [0, 1, 2, 0]);
    lab.fail(0, 5);
    let mut turns =
        |count| -> Vec<u16> { (0..count).map(|_| port(&lab.pick().endpoint)).collect() };
    assert_eq!(turns(4), [1, 2, 1, 2]);
}

#[test]
fn a_caller_stays_with_its_endpoint_and_comes_back_to_it() {
    let mut lab = Lab::new(settings(Balance::Hash(HashBy::User)), &[1, 1, 1]);
    let keys: Vec<u64> = (0..300_u32)
        .map(|n| crate::balance::key(&n.to_le_bytes()))
        .collect();
    let places = |lab: &mut Lab| -> Vec<u16> {
        let place = |key: &u64| port(&lab.pick_for(&[], Some(*key)).endpoint);
        keys.iter().map(place).collect()
    };
    let before = places(&mut lab);
    assert!((0..3).all(|port| before.contains(&port)));
    lab.fail(1, 5);
    for (before, during) in std::iter::zip(&before, places(&mut lab)) {
        assert!(during != 1 && (*before == 1 || *before == during));
    }
    lab.now += SECOND * 40;
    // The first pick after its time lets it in, the one after its slow start gives it all that is its own.
    lab.pick();
    assert_eq!(places(&mut lab), before);
    assert!(lab.spread(300).len() > 1);
}

#[test]
fn a_growing_endpoint_takes_its_callers_over_bit_by_bit() {
    let mut lab = Lab::new(settings(Balance::Hash(HashBy::User)), &[1]);
    let mut both = lab.fleet.members();
    both.push(member(1, 1));
    lab.fleet.set(both, lab.now);
    let mut shares = Vec::new();
    for _ in 0..4 {
        let is_new = |n: &u32| {
            let key = crate::balance::key(&n.to_le_bytes());
            port(&lab.pick_for(&[], Some(key)).endpoint) == 1
        };
        shares.push((0..2000).filter(is_new).count());
        lab.now += SECOND * 5;
    }
    assert!(shares[0] < 150, "{shares:?}");
    assert!(shares[0] < shares[1] && shares[1] < shares[2], "{shares:?}");
    assert_eq!(shares[2], shares[3]);
}

#[test]
fn a_new_endpoint_grows_into_its_share() {
    let mut lab = Lab::new(settings(Balance::Random), &[1, 1]);
    let mut three = lab.fleet.members();
    three.push(member(2, 1));
    lab.fleet.set(three, lab.now);
    let mut shares = Vec::new();
    for _ in 0..12 {
        shares.push(lab.spread(3000).get(&2).copied().unwrap_or(0));
        lab.now += SECOND;
    }
    // Of 3,000: a twentieth of a share beside two whole ones, then more with each second, then a third.
    assert!((40..=110).contains(&shares[0]), "{shares:?}");
    assert!((530..=700).contains(&shares[5]), "{shares:?}");
    assert!((920..=1080).contains(&shares[10]), "{shares:?}");
    assert!(shares[..10].is_sorted(), "{shares:?}");
}
