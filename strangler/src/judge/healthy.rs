//! Ten thousand seeded steps of a service that is exactly as good as legacy: few may be rolled back.
//!
//! Counts instead of sets: given who is at risk, who has an event is a matter of chance alone.

use std::time::Duration;

use fastrand::Rng;

use super::decide::{self, Look};
use super::evidence::{AtRisk, float};
use super::record::{Active, Counted, Record};
use super::rules::Rules;
use super::verdict::{Trigger, Verdict};
use crate::percent::Percent;

const STEPS: u64 = 10_000;

/// Half an hour of ten seconds each.
const TICKS: u32 = 180;
const TICK: Duration = Duration::from_secs(10);

/// Who stands on the service and on legacy, and of how many of them a tick sees one.
const USERS: [u64; 2] = [300, 5700];
const ACTIVE: f64 = 0.1;

/// How likely a healthy request fails, and how likely it is slow; so likely with a minute of shared slowdown.
const FAILING: f64 = 0.002;
const SLOW: f64 = 0.01;
const SLOWED: f64 = 0.5;

/// Of the users, in a fifth of the steps.
const ALWAYS_FAILING: f64 = 0.01;

/// One side's users of one kind: what is left of them for each event.
#[derive(Clone, Copy)]
struct Users {
    healthy: u64,
    not_failed: u64,
    broken: u64,
    broken_not_failed: u64,
    not_slow: u64,
}

impl Users {
    fn new(rng: &mut Rng, users: u64, broken: f64) -> Self {
        let broken = binomial(rng, users, broken);
        Self {
            healthy: users - broken,
            not_failed: users - broken,
            broken,
            broken_not_failed: broken,
            not_slow: users,
        }
    }

    /// One request of each user who is active.
    fn tick(&mut self, rng: &mut Rng, slow: f64) -> Counted {
        let at_risk = part(rng, self.not_failed);
        let repeating = part(rng, self.healthy - self.not_failed);
        let broken_at_risk = part(rng, self.broken_not_failed);
        let broken_again = part(rng, self.broken - self.broken_not_failed);
        let new = binomial(rng, at_risk, FAILING);
        let again = binomial(rng, repeating, FAILING);
        self.not_failed -= new;
        self.broken_not_failed -= broken_at_risk;
        let keys = at_risk + repeating + broken_at_risk + broken_again;
        let failed = new + again + broken_at_risk + broken_again;
        // Who may be slow for the first time is a part of those who are active.
        let users = self.healthy + self.broken;
        let slow_at_risk = (keys * self.not_slow / users).min(self.not_slow);
        let new_slow = binomial(rng, slow_at_risk, slow);
        let slow_again = binomial(rng, keys - slow_at_risk, slow);
        self.not_slow -= new_slow;
        Counted {
            requests: keys,
            failed_requests: failed,
            slow_requests: new_slow + slow_again,
            active: Active { keys, failed },
            failed: AtRisk {
                keys: at_risk + broken_at_risk,
                events: new + broken_at_risk,
            },
            slow: AtRisk {
                keys: slow_at_risk,
                events: new_slow,
            },
        }
    }
}

/// Those of them that a tick sees: about the same number always, as it stands in the condition of the test.
fn part(rng: &mut Rng, of: u64) -> u64 {
    let exact = float(of) * ACTIVE;
    let whole = of / 10;
    whole + u64::from(rng.f64() < exact.fract())
}

/// How many of so many have luck, by the distance from one to the next.
fn binomial(rng: &mut Rng, of: u64, p: f64) -> u64 {
    if p <= 0.0 || of == 0 {
        return 0;
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

fn step(seed: u64) -> Option<Trigger> {
    let mut rng = Rng::with_seed(seed);
    let broken = if seed % 5 == 1 { ALWAYS_FAILING } else { 0.0 };
    let slowdown = (seed % 5 == 2).then(|| rng.u32(0..TICKS - 6));
    let mut users = USERS.map(|users| Users::new(&mut rng, users, broken));
    let rules = Rules::default();
    let share = Percent::try_from(5.0).unwrap_or_default();
    let mut record = Record::begin(share, Duration::ZERO, None);
    for at in 0..TICKS {
        let slowed = slowdown.is_some_and(|from| (from..from + 6).contains(&at));
        let slow = if slowed { SLOWED } else { SLOW };
        let [service, legacy] = users.each_mut().map(|side| side.tick(&mut rng, slow));
        let age = TICK * (at + 1);
        record.add(service, legacy, true, age);
        let look = Look {
            age,
            due: false,
            timed: true,
        };
        if let Verdict::Rollback { trigger, .. } = decide::verdict(&record, &rules, 5, look) {
            return Some(trigger);
        }
    }
    None
}

#[test]
fn of_ten_thousand_healthy_steps_at_most_one_in_a_hundred_is_rolled_back() {
    let rolled_back = (0..STEPS).filter_map(step).collect::<Vec<_>>();
    assert!(
        rolled_back.len() <= 100,
        "{}: {rolled_back:?}",
        rolled_back.len()
    );
}
