//! One step of a canary: a share of the callers, and what was seen of them.

use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::decide::{self, Look};
use super::evidence::AtRisk;
use super::first;
use super::kept;
use super::keys::Keys;
use super::record::{Active, Baseline, Counted, Record, Sums};
use super::rules::Rules;
use super::tick::{Seen, Tick};
use super::verdict::Verdict;
use crate::percent::Percent;

/// A step, from its first tick to its verdict. Its times count from 1970.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    begun: Duration,
    /// Slow is what takes longer.
    threshold: Option<Duration>,
    /// So many multiples of `step_min` were looked at for an advance.
    looks: u64,
    #[serde(deserialize_with = "kept::read")]
    record: Record,
    /// Who has failed already, on either side, and is at risk no more.
    had_failed: Keys,
    /// Who was slow already.
    had_slow: Keys,
    /// Whom the service has answered.
    users: Keys,
}

/// What people see of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Since it began.
    pub age: Duration,
    /// Slow is what takes longer, in milliseconds.
    pub threshold_ms: Option<f64>,
    /// How strongly failures speak against the service.
    pub evidence_failed: f64,
    /// How strongly slowness does.
    pub evidence_slow: f64,
    /// Evidence at or over it is enough.
    pub bound: f64,
    /// How many callers the service has answered, about.
    pub users: u64,
    /// What legacy answered.
    pub legacy: ShownSide,
    /// What the service answered.
    pub service: ShownSide,
}

/// What people see of one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShownSide {
    /// All its requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that took longer than the threshold.
    pub slow: u64,
    /// A key active in a tick.
    pub key_ticks: u64,
}

/// Whom a step has put before the service, and how that went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exposed {
    /// Callers, about.
    pub users: u64,
    /// Their requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
}

impl Step {
    /// An empty one. `before` is what legacy did in the step before, `threshold` is its slowness where that is known.
    pub fn begin(
        share: Percent,
        at: Duration,
        mut before: Option<Baseline>,
        threshold: Option<Duration>,
    ) -> Self {
        // With nobody beside the service, those who always fail would look like a fault of its own.
        let had_failed = match &mut before {
            Some(before) if share == Percent::ALL => mem::take(&mut before.had_failed),
            _ => Keys::default(),
        };
        Self {
            begun: at,
            threshold,
            looks: 0,
            record: Record::begin(share, at, before),
            had_failed,
            had_slow: Keys::default(),
            users: Keys::default(),
        }
    }

    /// Slow is what takes longer from now on. Only the first word counts.
    pub fn freeze(&mut self, threshold: Duration) {
        self.threshold.get_or_insert(threshold);
    }

    /// Slow is what takes longer.
    pub fn threshold(&self) -> Option<Duration> {
        self.threshold
    }

    /// The share of the callers that the service answers.
    pub fn share(&self) -> Percent {
        self.record.share
    }

    /// When it began.
    pub fn begun(&self) -> Duration {
        self.begun
    }

    /// Takes a tick as evidence; an empty one says so much that nobody asked.
    pub fn add(&mut self, tick: &Tick, now: Duration) {
        let [service, legacy] = self.count(tick);
        self.record
            .add(service, legacy, self.threshold.is_some(), now);
        self.users.merge(&tick.service.active);
    }

    /// For the step after this one: what legacy did, and who failed.
    pub fn baseline(&self) -> Option<Baseline> {
        let mut baseline = self.record.baseline()?;
        baseline.had_failed.merge(&self.had_failed);
        Some(baseline)
    }

    /// The verdict of this moment. `steps` is how many the canary has. Asked after each tick.
    pub fn judge(&mut self, rules: &Rules, steps: usize, now: Duration) -> Verdict {
        let age = now.saturating_sub(self.begun);
        let looks = multiples(age, rules.step_min);
        let look = Look {
            age,
            due: looks > self.looks,
            timed: self.threshold.is_some(),
            users: self.users.estimate(),
        };
        // A clock that was ahead once must not keep the step until then.
        self.looks = looks;
        decide::verdict(&self.record, rules, steps, look)
    }

    /// What people see of it.
    pub fn shown(&self, rules: &Rules, steps: usize, now: Duration) -> Shown {
        let Record { failed, slow, .. } = &self.record;
        Shown {
            age: now.saturating_sub(self.begun),
            threshold_ms: self
                .threshold
                .map(|threshold| threshold.as_secs_f64() * 1e3),
            evidence_failed: decide::finite(failed.evidence.ln()),
            evidence_slow: decide::finite(slow.evidence.ln()),
            bound: decide::bound(rules, steps),
            users: self.users.estimate(),
            legacy: self.record.legacy.into(),
            service: self.record.service.into(),
        }
    }

    /// Whom it has put before the service.
    pub fn exposed(&self) -> Exposed {
        Exposed {
            users: self.users.estimate(),
            requests: self.record.service.requests,
            failed: self.record.service.failed,
        }
    }

    /// When the worse of both tests began to get worse: the time to detect starts there.
    pub fn worse_since(&self) -> Option<Duration> {
        let Record { failed, slow, .. } = &self.record;
        if self.record.service.requests == 0 {
            return None;
        }
        let worse = if slow.evidence.ln() > failed.evidence.ln() {
            slow
        } else {
            failed
        };
        Some(worse.worse_since())
    }

    /// A tick in numbers: the service, then legacy.
    fn count(&mut self, tick: &Tick) -> [Counted; 2] {
        let sides = [&tick.service, &tick.legacy];
        let failed = sides.map(|seen| (&seen.active, &seen.failed_keys));
        let failed = first::take(&mut self.had_failed, failed);
        let slow = sides.map(|seen| (&seen.active, &seen.slow_keys));
        let slow = match self.threshold {
            Some(_) => first::take(&mut self.had_slow, slow),
            None => [AtRisk::default(); 2],
        };
        [0, 1].map(|side| counted(sides[side], failed[side], slow[side]))
    }
}

/// A set that is a sample may seem smaller than a part of it.
fn counted(seen: &Seen, failed: AtRisk, slow: AtRisk) -> Counted {
    let keys = seen.active.estimate();
    Counted {
        requests: seen.requests,
        failed_requests: seen.failed.min(seen.requests),
        slow_requests: seen.slow.min(seen.requests),
        active: Active {
            keys,
            failed: seen.failed_keys.estimate().min(keys),
        },
        failed,
        slow,
        slow_keys: seen.slow_keys.estimate().min(keys),
    }
}

fn multiples(age: Duration, of: Duration) -> u64 {
    let multiples = age.as_nanos() / of.as_nanos().max(1);
    u64::try_from(multiples).unwrap_or(u64::MAX)
}

impl From<Sums> for ShownSide {
    fn from(sums: Sums) -> Self {
        Self {
            requests: sums.requests,
            failed: sums.failed,
            slow: sums.slow,
            key_ticks: sums.key_ticks.keys,
        }
    }
}

#[cfg(test)]
mod tests;
