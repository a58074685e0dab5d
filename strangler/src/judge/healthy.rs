//! Ten thousand seeded steps of a service that is exactly as good as legacy, and long ones: few may be rolled back.
//!
//! Counts instead of sets: given who is at risk, who has an event is a matter of chance alone.

use std::time::Duration;

use fastrand::Rng;

use super::decide::{self, Look};
use super::evidence::{AtRisk, float};
use super::first;
use super::record::{Active, Counted, Record};
use super::rules::Rules;
use super::verdict::{Trigger, Verdict};
use crate::percent::Percent;

const TICK: Duration = Duration::from_secs(10);

/// A step of a service as good as legacy.
struct Healthy {
    /// Who stands on the service and on legacy, and of a thousand of them so many are seen in a tick.
    users: [u64; 2],
    active: u64,
    ticks: u32,
    /// How likely a request fails.
    failing: f64,
    /// So many users always fail, and others are always slow.
    always: f64,
    /// Six ticks in which half of everything fails, or is slow.
    outage: Option<u32>,
    slowdown: Option<u32>,
}

const SLOW: f64 = 0.01;
const IN_TROUBLE: f64 = 0.5;

/// One side's users for one event: those at risk, and those who had it.
#[derive(Clone, Copy)]
struct Users {
    healthy: [u64; 2],
    always: [u64; 2],
}

/// What a tick sees of them.
#[derive(Default)]
struct Met {
    active: Active,
    first: AtRisk,
}

impl Users {
    fn new(rng: &mut Rng, users: u64, always: f64) -> Self {
        let always = binomial(rng, users, always);
        Self {
            healthy: [users - always, 0],
            always: [always, 0],
        }
    }

    /// As a step does where hardly anybody is left at risk.
    fn renew(&mut self) {
        for kind in [&mut self.healthy, &mut self.always] {
            *kind = [kind.iter().sum(), 0];
        }
    }

    fn at_risk(&self) -> u64 {
        self.healthy[0] + self.always[0]
    }

    fn all(&self) -> u64 {
        self.healthy.iter().chain(&self.always).sum()
    }

    /// One request of each user who is active.
    fn tick(&mut self, rng: &mut Rng, active: u64, p: f64) -> Met {
        let mut met = Met::default();
        for (kind, p) in [(&mut self.healthy, p), (&mut self.always, 1.0)] {
            let seen = kind.map(|of| part(rng, of, active));
            let events = seen.map(|of| binomial(rng, of, p));
            met.active.keys += seen.iter().sum::<u64>();
            met.active.failed += events.iter().sum::<u64>();
            met.first.keys += seen[0];
            met.first.events += events[0];
            kind[0] -= events[0];
            kind[1] += events[0];
        }
        met
    }
}

/// Those of them that a tick sees: about the same number always, as it stands in the condition of the test.
fn part(rng: &mut Rng, of: u64, thousandths: u64) -> u64 {
    let exact = of * thousandths;
    exact / 1000 + u64::from(rng.u64(0..1000) < exact % 1000)
}

/// How many of so many have luck, by the distance from one to the next.
fn binomial(rng: &mut Rng, of: u64, p: f64) -> u64 {
    if p <= 0.0 || of == 0 {
        return 0;
    }
    if p >= 1.0 {
        return of;
    }
    let rest = (1.0 - p).ln();
    let (mut at, mut lucky) = (0.0, 0);
    loop {
        at += ((1.0 - rng.f64()).ln() / rest).floor() + 1.0;
        if at > float(of) {
            return lucky;
        }
        lucky += 1;
    }
}

/// Both sides' tick for one event.
fn meet(users: &mut [Users; 2], rng: &mut Rng, active: u64, p: f64) -> [Met; 2] {
    let keys = users.map(|side| part(rng, side.all(), active));
    let at_risk = users.map(|side| part(rng, side.at_risk(), active));
    if first::is_worn(keys, at_risk) {
        users.iter_mut().for_each(Users::renew);
    }
    users.each_mut().map(|side| side.tick(rng, active, p))
}

fn counted(failed: &Met, slow: &Met) -> Counted {
    let keys = failed.active.keys;
    let slow_keys = slow.active.failed.min(keys);
    Counted {
        requests: keys,
        failed_requests: failed.active.failed,
        slow_requests: slow_keys,
        active: failed.active,
        failed: failed.first,
        slow: slow.first,
        slow_keys,
    }
}

impl Healthy {
    fn judge(&self, seed: u64) -> Option<Trigger> {
        let mut rng = Rng::with_seed(seed);
        let mut new = |always| self.users.map(|users| Users::new(&mut rng, users, always));
        let (mut failed, mut slow) = (new(self.always), new(self.always));
        let rules = Rules::default();
        let share = Percent::try_from(5.0).unwrap_or_default();
        let mut record = Record::begin(share, Duration::ZERO, None);
        for at in 0..self.ticks {
            let in_trouble = |from: Option<u32>, p| {
                let trouble = from.is_some_and(|from| (from..from + 6).contains(&at));
                if trouble { IN_TROUBLE } else { p }
            };
            let failing = in_trouble(self.outage, self.failing);
            let failed = meet(&mut failed, &mut rng, self.active, failing);
            let slowness = in_trouble(self.slowdown, SLOW);
            let slow = meet(&mut slow, &mut rng, self.active, slowness);
            let [service, legacy] = [0, 1].map(|side| counted(&failed[side], &slow[side]));
            let age = TICK * (at + 1);
            record.add(service, legacy, true, age);
            let look = Look {
                age,
                due: false,
                timed: true,
                users: self.users[0],
            };
            if let Verdict::Rollback { trigger, .. } = decide::verdict(&record, &rules, 5, look) {
                return Some(trigger);
            }
        }
        None
    }
}

/// Half an hour of a service that has everybody, after ten minutes in which only one in twenty was left on legacy: of
/// them it is not well known how many usually fail.
fn judge_everybody(seed: u64) -> Option<Trigger> {
    let mut rng = Rng::with_seed(seed);
    let rules = Rules {
        p99_tolerance: None,
        ..Rules::default()
    };
    let mut before = None;
    for (share, users, ticks) in [(95.0, [5700, 300], 60), (100.0, [6000, 0], 180)] {
        let share = Percent::try_from(share).unwrap_or_default();
        let mut record = Record::begin(share, Duration::ZERO, before);
        let mut failed = users.map(|users| Users::new(&mut rng, users, 0.0));
        for at in 0..ticks {
            let [service, legacy] = meet(&mut failed, &mut rng, 100, 0.01);
            let [service, legacy] = [service, legacy].map(|met| counted(&met, &Met::default()));
            let age = TICK * (at + 1);
            record.add(service, legacy, false, age);
            let look = Look {
                age,
                due: false,
                timed: false,
                users: users[0],
            };
            if let Verdict::Rollback { trigger, .. } = decide::verdict(&record, &rules, 5, look) {
                return Some(trigger);
            }
        }
        before = record.baseline();
    }
    None
}

/// One in a hundred of so many seeds may be rolled back.
fn assert_few(steps: u64, judge: impl Fn(u64) -> Option<Trigger>) {
    let rolled_back = (0..steps).filter_map(judge);
    let rolled_back = rolled_back.collect::<Vec<_>>();
    let few = rolled_back.len() as u64 <= steps / 100;
    assert!(few, "{}: {rolled_back:?}", rolled_back.len());
}

#[test]
fn of_ten_thousand_healthy_steps_at_most_one_in_a_hundred_is_rolled_back() {
    let healthy = |seed| Healthy {
        users: [300, 5700],
        active: 100,
        ticks: 180,
        failing: 0.002,
        always: if seed % 5 == 1 { 0.01 } else { 0.0 },
        outage: None,
        slowdown: (seed % 5 == 2).then_some((seed % 174) as u32),
    };
    assert_few(10_000, |seed| healthy(seed).judge(seed));
}

/// Of twelve hours, in which all of the callers have had each event many times over.
#[test]
fn of_long_healthy_steps_few_are_rolled_back() {
    let healthy = |seed| Healthy {
        users: [60, 1140],
        active: 500,
        ticks: 4320,
        failing: 0.01,
        always: 0.01,
        outage: (seed % 2 == 0).then_some(100),
        slowdown: (seed % 3 == 0).then_some(200),
    };
    assert_few(500, |seed| healthy(seed).judge(seed));
}

#[test]
fn at_everybody_few_are_rolled_back_though_little_is_known_of_before() {
    assert_few(2_000, judge_everybody);
}
