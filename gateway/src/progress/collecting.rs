//! Requests of canaries between two looks of the judge, added up as they come in.

use std::collections::BTreeMap;
use std::time::Duration;

use strangler::judge::Tick;

use crate::judge::noted::{SLOWEST, Sample};

/// By route.
#[derive(Debug, Default)]
pub(super) struct Collected(BTreeMap<String, Collecting>);

/// One route's step.
#[derive(Debug)]
struct Collecting {
    number: u32,
    /// Counts intervals since 1970, so that all replicas look at the same moments.
    slot: u128,
    tick: Tick,
}

impl Collected {
    /// Adds requests of a route's step; those of another step are of the past.
    pub(super) fn add(
        &mut self,
        route: &str,
        number: u32,
        threshold: Option<Duration>,
        samples: &[Sample],
    ) {
        let Some(collecting) = self.0.get_mut(route) else {
            return;
        };
        if collecting.number != number {
            return;
        }
        // What never came is slower than anything.
        let threshold = threshold.map(|threshold| {
            let micros = u32::try_from(threshold.as_micros()).unwrap_or(SLOWEST);
            micros.min(SLOWEST - 1)
        });
        for sample in samples {
            let slow = threshold.is_some_and(|threshold| sample.took > threshold);
            collecting
                .tick
                .add(sample.side, sample.hash, sample.failed, slow);
        }
    }

    /// Says that a route's step is under way, and whether it is time to look at it. Intervals are those of the clock on the
    /// wall, so that all gateways look at the same moments.
    pub(super) fn is_due(
        &mut self,
        route: &str,
        number: u32,
        now: Duration,
        interval: Duration,
    ) -> bool {
        let slot = now.as_nanos() / interval.as_nanos().max(1);
        let anew = || Collecting {
            number,
            slot,
            tick: Tick::default(),
        };
        let collecting = self.0.entry(route.to_owned()).or_insert_with(anew);
        if collecting.number != number {
            *collecting = anew();
        }
        let due = collecting.slot != slot;
        collecting.slot = slot;
        due
    }

    /// What came in since the last look.
    pub(super) fn take(&mut self, route: &str) -> Tick {
        let collecting = self.0.get_mut(route);
        collecting.map_or_else(Tick::default, |one| std::mem::take(&mut one.tick))
    }

    /// What came in of all routes since the last time.
    pub(super) fn take_all(&mut self) -> Vec<(String, u32, Tick)> {
        let collecting = self.0.iter_mut();
        let new = collecting.filter(|(_, one)| !one.tick.is_empty());
        new.map(|(route, one)| (route.clone(), one.number, std::mem::take(&mut one.tick)))
            .collect()
    }

    /// Nobody looks at it now.
    pub(super) fn forget(&mut self, route: &str) {
        self.0.remove(route);
    }
}
