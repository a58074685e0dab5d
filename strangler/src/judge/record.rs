//! What a step adds up to, in numbers: all that a verdict looks at.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::evidence::{AtRisk, Evidence, float};
use super::kept;
use super::keys::Keys;
use crate::percent::Percent;

/// The share of legacy's requests above its p99 or a little more, where nothing else is known of it.
const SLOW_BEFORE: f64 = 0.01;

/// So often evidence gets a new stake.
const STAKE_EVERY: Duration = Duration::from_mins(10);

/// All stakes of a step add up to so much: its risk of a false alarm is a tenth higher.
const STAKES: f64 = 0.1;

/// What legacy did in a step: what the one at 100 % is compared with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    #[serde(deserialize_with = "kept::read")]
    pub(super) sums: Sums,
    /// Its keys by their first failure.
    #[serde(deserialize_with = "kept::read")]
    pub(super) first: AtRisk,
    /// Who failed, on either side: whoever always fails says nothing new at 100 %.
    #[serde(default)]
    pub(super) had_failed: Keys,
}

impl Baseline {
    /// Of requests that nobody judged, such as those before a canary that begins with everybody: each counts as a caller.
    pub fn of_requests(requests: u64, failed: u64) -> Self {
        let failed = failed.min(requests);
        let key_ticks = Active {
            keys: requests,
            failed,
        };
        Self {
            sums: Sums {
                requests,
                failed,
                key_ticks,
                ..Sums::default()
            },
            first: AtRisk {
                keys: requests,
                events: failed,
            },
            had_failed: Keys::default(),
        }
    }
}

/// A step in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) share: Percent,
    /// What legacy did before.
    pub(super) before: Option<Baseline>,
    pub(super) service: Sums,
    pub(super) legacy: Sums,
    pub(super) failed: Test,
    pub(super) slow: Test,
    /// Both sides in the last tick.
    pub(super) last: [Active; 2],
}

/// One side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// Requests since it is known what is slow.
    pub(super) timed: u64,
    pub(super) slow: u64,
    /// A key active in a tick, and one that failed in it.
    pub(super) key_ticks: Active,
    /// The same since it is known what is slow, and one that was slow in it.
    #[serde(default)]
    pub(super) timed_key_ticks: u64,
    #[serde(default)]
    pub(super) slow_key_ticks: u64,
}

/// Keys that were active, and those of them that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Active {
    pub(super) keys: u64,
    pub(super) failed: u64,
}

/// The evidence of one event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Test {
    pub(super) evidence: Evidence,
    /// Over all ticks, by each key's first event.
    pub(super) service: AtRisk,
    pub(super) legacy: AtRisk,
    /// When the evidence was last at its lowest.
    lowest_at: Duration,
    pub(super) lowest: Evidence,
    /// The service and legacy since then: what was before hides no late fault.
    #[serde(default)]
    pub(super) since: [Sums; 2],
    /// How many stakes it got, and when the last.
    #[serde(default)]
    stakes: u64,
    #[serde(default)]
    staked_at: Duration,
}

/// One side in one tick.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counted {
    pub(super) requests: u64,
    pub(super) failed_requests: u64,
    pub(super) slow_requests: u64,
    pub(super) active: Active,
    pub(super) failed: AtRisk,
    pub(super) slow: AtRisk,
    /// Of the active keys, those that were slow.
    pub(super) slow_keys: u64,
}

/// What a tick adds to a side.
#[derive(Clone, Copy)]
struct Taken<'a> {
    side: &'a Counted,
    timed: bool,
}

impl Record {
    pub(super) fn begin(share: Percent, at: Duration, before: Option<Baseline>) -> Self {
        let evidence = if share == Percent::ALL {
            Evidence::alone()
        } else {
            Evidence::beside()
        };
        Self {
            share,
            before,
            service: Sums::default(),
            legacy: Sums::default(),
            failed: Test::begin(evidence.clone(), at),
            slow: Test::begin(evidence, at),
            last: [Active::default(); 2],
        }
    }

    /// Adds one tick. `timed` says whether it was known what is slow.
    pub(super) fn add(&mut self, service: Counted, legacy: Counted, timed: bool, now: Duration) {
        self.service.add(&service, timed);
        self.legacy.add(&legacy, timed);
        self.last = [service.active, legacy.active];
        let before = self.before.as_ref().map(Baseline::failing);
        let sides = [&service, &legacy].map(|side| Taken { side, timed });
        let failed = [service.failed, legacy.failed];
        self.failed.add(failed, failed[0], before, now, sides);
        if timed {
            // Without a control a slow request counts, whoever it came from: legacy's p99 is one of requests.
            let counted = if self.is_alone() {
                AtRisk {
                    keys: service.requests,
                    events: service.slow_requests,
                }
            } else {
                service.slow
            };
            let slow = [service.slow, legacy.slow];
            self.slow.add(slow, counted, Some(SLOW_BEFORE), now, sides);
        }
    }

    /// Nothing stands beside the service.
    pub(super) fn is_alone(&self) -> bool {
        self.share == Percent::ALL
    }

    /// The service and what it is compared with, over the whole step.
    pub(super) fn whole(&self) -> Option<[Sums; 2]> {
        self.compare([self.service, self.legacy])
    }

    /// The same since a test's evidence was at its lowest.
    pub(super) fn since_lowest(&self, test: &Test) -> Option<[Sums; 2]> {
        self.compare(test.since)
    }

    /// Legacy beside the service, or what it did before.
    fn compare(&self, [service, legacy]: [Sums; 2]) -> Option<[Sums; 2]> {
        if self.is_alone() {
            let before = self.before.as_ref()?;
            return Some([service, before.sums]);
        }
        Some([service, legacy])
    }

    /// How much of the service's requests is slow, and of legacy's, since that was least evident.
    pub(super) fn slow_requests(&self) -> [f64; 2] {
        let [service, legacy] = self.slow.since;
        let legacy = if self.is_alone() {
            SLOW_BEFORE
        } else {
            legacy.slow_share()
        };
        [service.slow_share(), legacy]
    }

    /// The same of callers in a tick. What legacy did before may have been without a threshold.
    pub(super) fn slow_callers(&self) -> [f64; 2] {
        let [service, legacy] = self.slow.since;
        let legacy = match &self.before {
            _ if !self.is_alone() => legacy.slow_key_share(),
            Some(before) if before.sums.timed_key_ticks > 0 => before.sums.slow_key_share(),
            _ => SLOW_BEFORE,
        };
        [service.slow_key_share(), legacy]
    }

    /// What legacy did in this step; where it did nothing, what it did before.
    pub(super) fn baseline(&self) -> Option<Baseline> {
        if self.is_alone() || self.legacy.key_ticks.keys == 0 {
            return self.before.clone();
        }
        Some(Baseline {
            sums: self.legacy,
            first: self.failed.legacy,
            had_failed: Keys::default(),
        })
    }
}

impl Sums {
    fn add(&mut self, counted: &Counted, timed: bool) {
        self.requests = self.requests.saturating_add(counted.requests);
        self.failed = self.failed.saturating_add(counted.failed_requests);
        if timed {
            self.timed = self.timed.saturating_add(counted.requests);
            self.slow = self.slow.saturating_add(counted.slow_requests);
            self.timed_key_ticks = self.timed_key_ticks.saturating_add(counted.active.keys);
            self.slow_key_ticks = self.slow_key_ticks.saturating_add(counted.slow_keys);
        }
        self.key_ticks.keys = self.key_ticks.keys.saturating_add(counted.active.keys);
        self.key_ticks.failed = self.key_ticks.failed.saturating_add(counted.active.failed);
    }

    /// It is a part of the other.
    pub(super) fn is_within(&self, whole: &Self) -> bool {
        self.requests <= whole.requests
            && self.timed <= whole.timed
            && self.key_ticks.keys <= whole.key_ticks.keys
    }

    /// Of the requests, those that failed.
    pub(super) fn failed_share(&self) -> f64 {
        share(self.failed, self.requests)
    }

    /// Of the requests that were timed, those that were slow.
    pub(super) fn slow_share(&self) -> f64 {
        share(self.slow, self.timed)
    }

    /// Of the callers in a tick that were timed, those that were slow.
    fn slow_key_share(&self) -> f64 {
        share(self.slow_key_ticks, self.timed_key_ticks)
    }
}

impl Active {
    /// Of the active keys, those that failed.
    pub(super) fn failed_share(self) -> f64 {
        share(self.failed, self.keys)
    }

    /// How far the share of failures may be off by chance, squared.
    pub(super) fn variance(self) -> f64 {
        let n = float(self.keys);
        let p = ((float(self.failed) + 1.0) / (n + 2.0)).min(1.0);
        p * (1.0 - p) / n.max(1.0)
    }
}

impl Baseline {
    /// How likely a key fails for the first time in a tick.
    fn failing(&self) -> f64 {
        (float(self.first.events) + 1.0) / (float(self.first.keys) + 2.0)
    }
}

impl Test {
    fn begin(evidence: Evidence, at: Duration) -> Self {
        Self {
            lowest: evidence.clone(),
            evidence,
            service: AtRisk::default(),
            legacy: AtRisk::default(),
            lowest_at: at,
            since: [Sums::default(); 2],
            stakes: 0,
            staked_at: at,
        }
    }

    /// Gives it a new stake where one is due, and the lowest, too, to stay comparable.
    fn stake(&mut self, now: Duration) {
        if now.abs_diff(self.staked_at) < STAKE_EVERY {
            return;
        }
        self.staked_at = now;
        self.stakes = self.stakes.saturating_add(1);
        // 1/2 + 1/6 + 1/12 + ... is 1.
        let at = float(self.stakes);
        let stake = STAKES / (at * (at + 1.0));
        self.evidence.stake(stake);
        self.lowest.stake(stake);
    }

    /// `keys` are those at risk on the service and on legacy, `counted` is what the test takes of the service.
    fn add(
        &mut self,
        keys: [AtRisk; 2],
        counted: AtRisk,
        before: Option<f64>,
        now: Duration,
        sides: [Taken<'_>; 2],
    ) {
        self.stake(now);
        let [service, legacy] = keys;
        self.service = self.service.plus(service);
        self.legacy = self.legacy.plus(legacy);
        self.evidence.add(counted, legacy, before);
        if self.evidence.ln() <= self.lowest.ln() {
            self.lowest = self.evidence.clone();
            self.lowest_at = now;
            self.since = [Sums::default(); 2];
            return;
        }
        for (since, taken) in self.since.iter_mut().zip(sides) {
            since.add(taken.side, taken.timed);
        }
    }

    /// When it began to get worse.
    pub(super) fn worse_since(&self) -> Duration {
        self.lowest_at
    }
}

impl AtRisk {
    fn plus(self, other: Self) -> Self {
        Self {
            keys: self.keys.saturating_add(other.keys),
            events: self.events.saturating_add(other.events),
        }
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    float(part) / float(whole)
}
