//! Load with a clock of its own: requests come at fixed times, endpoints answer after theirs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::*;
use crate::endpoint::InFlight;

struct Load {
    lab: Lab,
    /// When each request under way ends, and what it is.
    ends: BinaryHeap<Reverse<(Instant, usize)>>,
    under_way: Vec<Option<(InFlight, Duration)>>,
}

impl Load {
    fn new(lab: Lab) -> Self {
        Self {
            lab,
            ends: BinaryHeap::new(),
            under_way: Vec::new(),
        }
    }

    /// A request every `gap` for `time`; `takes` says how long the endpoint at a port needs. How many each got.
    fn run(
        &mut self,
        gap: Duration,
        time: Duration,
        takes: impl Fn(u16, &mut fastrand::Rng) -> Duration,
    ) -> BTreeMap<u16, u32> {
        let until = self.lab.now + time;
        let mut counts = BTreeMap::new();
        while self.lab.now < until {
            self.lab.now += gap;
            self.finish();
            let picked = self.lab.pick();
            let port = port(&picked.endpoint);
            *counts.entry(port).or_default() += 1;
            let took = takes(port, &mut self.lab.dice);
            let end = (self.lab.now + took, self.under_way.len());
            self.ends.push(Reverse(end));
            let under_way = (InFlight::at(&picked.endpoint), took);
            self.under_way.push(Some(under_way));
        }
        counts
    }

    fn finish(&mut self) {
        while let Some(Reverse((end, at))) = self.ends.peek().copied() {
            if end > self.lab.now {
                return;
            }
            self.ends.pop();
            let (in_flight, took) = self.under_way[at].take().unwrap();
            self.lab.fleet.succeeded(in_flight.endpoint(), took, end);
        }
    }
}

/// Between half and one and a half of `usual`.
fn about(usual: Duration, dice: &mut fastrand::Rng) -> Duration {
    usual.mul_f64(0.5 + dice.f64())
}

fn share(counts: &BTreeMap<u16, u32>, port: u16) -> f64 {
    let all: u32 = counts.values().sum();
    f64::from(counts.get(&port).copied().unwrap_or(0)) / f64::from(all)
}

#[test]
fn one_that_is_fifty_times_slower_gets_less_than_a_twentieth() {
    for endpoints in [2, 3, 5, 10] {
        for gap in [Duration::from_micros(200), MILLI * 5, MILLI * 100] {
            let lab = Lab::new(Settings::default(), &vec![1; endpoints]);
            let counts = Load::new(lab).run(gap, SECOND * 60, |port, dice| match port {
                0 => about(MILLI * 50, dice),
                _ => about(MILLI, dice),
            });
            let slow = share(&counts, 0);
            assert!(slow < 0.05, "{endpoints} endpoints, {gap:?}: {slow}");
        }
    }
}

#[test]
fn equals_get_equal_shares() {
    for gap in [Duration::from_micros(200), MILLI * 5] {
        let lab = Lab::new(Settings::default(), &[1, 1, 1]);
        let counts = Load::new(lab).run(gap, SECOND * 60, |_, dice| about(MILLI * 2, dice));
        for port in 0..3 {
            let share = share(&counts, port);
            assert!((0.28..0.39).contains(&share), "{gap:?} {counts:?}");
        }
    }
}

#[test]
fn unequal_weights_are_kept_under_load() {
    let lab = Lab::new(Settings::default(), &[3, 1]);
    let counts = Load::new(lab).run(MILLI, SECOND * 60, |_, dice| about(MILLI * 2, dice));
    assert!((0.65..0.85).contains(&share(&counts, 0)), "{counts:?}");
}

#[test]
fn a_heavy_one_that_is_slow_is_left_to_the_light_one() {
    let lab = Lab::new(Settings::default(), &[9, 1]);
    let counts = Load::new(lab).run(MILLI * 5, SECOND * 60, |port, dice| match port {
        0 => about(MILLI * 50, dice),
        _ => about(MILLI, dice),
    });
    assert!(share(&counts, 0) < 0.05, "{counts:?}");
}

#[test]
fn one_that_hangs_is_soon_left_alone_and_one_that_recovers_is_asked_again() {
    let mut load = Load::new(Lab::new(Settings::default(), &[1, 1, 1]));
    load.run(MILLI, SECOND * 5, |_, dice| about(MILLI, dice));
    let hanging = load.run(MILLI, SECOND * 5, |port, dice| match port {
        0 => SECOND * 5,
        _ => about(MILLI, dice),
    });
    assert!(share(&hanging, 0) < 0.02, "{hanging:?}");
    load.run(MILLI, SECOND * 100, |_, dice| about(MILLI, dice));
    let well = load.run(MILLI, SECOND * 10, |_, dice| about(MILLI, dice));
    assert!(share(&well, 0) > 0.2, "{well:?}");
}
