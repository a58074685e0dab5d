//! What must hold of a step's numbers, wherever they were kept.

use super::evidence::{AtRisk, Evidence};
use super::kept::{Consistent, must};
use super::record::{Active, Record, Sums, Test};

/// Evidence and its lowest, each with the same added, may be off by so much.
const ROUNDING: f64 = 1e-9;

impl Consistent for Record {
    fn check(&self) -> Result<(), &'static str> {
        for test in [&self.failed, &self.slow] {
            let kinds = [&test.evidence, &test.lowest].map(Evidence::is_alone);
            let fits = kinds == [self.is_alone(); 2];
            must(
                fits,
                "its evidence is not of the kind that its share asks for",
            )?;
            test.check()?;
            let [service, legacy] = test.since;
            let within = service.is_within(&self.service) && legacy.is_within(&self.legacy);
            must(
                within,
                "more was seen in a part of the step than in all of it",
            )?;
        }
        [self.service, self.legacy].check()?;
        self.last.check()
    }
}

impl Consistent for Test {
    fn check(&self) -> Result<(), &'static str> {
        let lowest = self.lowest.ln() <= self.evidence.ln() + ROUNDING;
        must(lowest, "its evidence is below its lowest")?;
        [self.service, self.legacy].check()?;
        self.since.check()
    }
}

impl Consistent for Sums {
    fn check(&self) -> Result<(), &'static str> {
        self.key_ticks.check()?;
        let failed = self.failed <= self.requests;
        must(failed, "more requests failed than there were")?;
        let slow = self.slow <= self.timed && self.slow_key_ticks <= self.timed_key_ticks;
        must(slow, "more was slow than was timed")?;
        let timed = self.timed <= self.requests && self.timed_key_ticks <= self.key_ticks.keys;
        must(timed, "more was timed than there was")
    }
}

impl Consistent for Active {
    fn check(&self) -> Result<(), &'static str> {
        must(self.failed <= self.keys, "more callers failed than asked")
    }
}

impl Consistent for AtRisk {
    fn check(&self) -> Result<(), &'static str> {
        let within = self.events <= self.keys;
        must(within, "an event befell more callers than were at risk")
    }
}
