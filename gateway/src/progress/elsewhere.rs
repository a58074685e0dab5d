//! What one gateway tells the others of what it counted lately, and what it hears of theirs: minutes of both sides, an hour
//! of legacy's latencies, and for how long nobody has used legacy.

use std::collections::BTreeMap;
use std::time::Duration;

use chassis::telemetry::latency::Sketch;
use serde::{Deserialize, Serialize};
use strangler::{LegacyClock, Side};

use super::standing::millis;
use super::window::{Tally, Windows};
use crate::store::rows::Window;

/// Another version may count otherwise: what it tells is not for this one.
const VERSION: u32 = 1;

/// A gateway tells no more than so many bytes, however many routes there are.
const LIMIT: usize = 512 * 1024;

/// So many minutes can be asked for.
const MINUTES: u64 = 15;

/// What is slow is told by so many minutes of legacy's.
const HOUR: u64 = 60;

/// With how much detail it is told, until it fits: for how many minutes latencies, and whether the hour's.
const DETAIL: [(u64, bool); 5] = [(MINUTES, true), (5, true), (1, true), (0, true), (0, false)];

/// What one gateway counted lately.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Told {
    version: u32,
    /// When it was told, by its clock, milliseconds since 1970.
    at_ms: u64,
    routes: BTreeMap<String, Counted>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counted {
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<LegacyClock>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legacy: Vec<Minute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    service: Vec<Minute>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hour: Buckets,
}

/// Which minute, answers by class, and how long they took.
#[derive(Debug, Serialize, Deserialize)]
struct Minute(u64, [u64; 5], Buckets);

type Buckets = Vec<(u16, u64)>;

/// Another gateway, as it was heard of last.
#[derive(Debug)]
pub struct Elsewhere {
    /// Its name.
    pub name: String,
    at_ms: u64,
    windows: Windows,
    hours: BTreeMap<String, Sketch>,
    pub(super) clocks: BTreeMap<String, LegacyClock>,
}

impl Told {
    /// What these windows and clocks say.
    pub(super) fn of(
        windows: &Windows,
        clocks: &BTreeMap<String, LegacyClock>,
        now: Duration,
    ) -> Self {
        let mut routes: BTreeMap<String, Counted> = BTreeMap::new();
        for (route, clock) in clocks {
            routes.entry(route.clone()).or_default().clock = Some(clock.clone());
        }
        for route in windows.routes() {
            let minutes = |side| {
                let last = windows.last(route, side, MINUTES, now);
                last.map(|one| Minute(one.minute, one.classes, one.latency.buckets().collect()))
                    .collect()
            };
            let hour = windows.tally(route, Side::Legacy, HOUR, now).latency;
            let counted = routes.entry(route.to_owned()).or_default();
            counted.legacy = minutes(Side::Legacy);
            counted.service = minutes(Side::Service);
            counted.hour = hour.buckets().collect();
        }
        Self {
            version: VERSION,
            at_ms: millis(now),
            routes,
        }
    }

    /// As JSON that is not too long, and whether all of it could be said. Counts come before latencies.
    pub fn body(mut self) -> serde_json::Result<(String, bool)> {
        for (index, (minutes, hour)) in DETAIL.into_iter().enumerate() {
            self.shorten(minutes, hour);
            let body = serde_json::to_string(&self)?;
            if body.len() <= LIMIT {
                return Ok((body, index == 0));
            }
        }
        self.routes.clear();
        Ok((serde_json::to_string(&self)?, false))
    }

    fn shorten(&mut self, minutes: u64, hour: bool) {
        let since = (self.at_ms / 60_000).saturating_sub(minutes);
        for counted in self.routes.values_mut() {
            let all = counted.legacy.iter_mut().chain(&mut counted.service);
            for Minute(_, _, latency) in all.filter(|minute| minute.0 <= since) {
                latency.clear();
            }
            if !hour {
                counted.hour.clear();
            }
        }
    }
}

impl Elsewhere {
    /// What another gateway told, heard `now`; nothing where another version told it.
    pub fn read(name: &str, body: &str, now: Duration) -> Option<Self> {
        if body.len() > LIMIT {
            return None;
        }
        let told: Told = serde_json::from_str(body).ok()?;
        if told.version != VERSION {
            return None;
        }
        // Its clock may be minutes ahead or behind; what it counted now it counted now.
        let ahead = i128::from(told.at_ms) - i128::from(millis(now));
        let ahead = i64::try_from((ahead + 30_000).div_euclid(60_000)).unwrap_or_default();
        let (mut windows, mut hours, mut clocks) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        for (route, counted) in told.routes {
            for (side, minutes) in [
                (Side::Legacy, counted.legacy),
                (Side::Service, counted.service),
            ] {
                windows.extend(minutes.into_iter().map(|Minute(minute, classes, latency)| {
                    Window {
                        route: route.clone(),
                        side,
                        minute: minute.saturating_add_signed(-ahead),
                        classes,
                        latency: latency.into_iter().collect(),
                    }
                }));
            }
            hours.insert(route.clone(), counted.hour.into_iter().collect());
            clocks.extend(counted.clock.map(|clock| (route, clock)));
        }
        Some(Self {
            name: name.to_owned(),
            at_ms: told.at_ms,
            windows: Windows::restore(windows),
            hours,
            clocks,
        })
    }

    /// Of a gateway that was killed and started again, only the process that spoke last counts: it knows what the other
    /// one counted.
    pub fn living(mut all: Vec<Self>) -> Vec<Self> {
        let kept = |one: &Self| one.name.split('.').next().map(str::to_owned);
        all.sort_by_key(|one| (kept(one), std::cmp::Reverse(one.at_ms)));
        all.dedup_by_key(|one| kept(one));
        all
    }

    /// Adds what it counted.
    pub(super) fn add_to(
        &self,
        tally: &mut Tally,
        route: &str,
        side: Side,
        minutes: u64,
        now: Duration,
    ) {
        let Tally { classes, latency } = self.windows.tally(route, side, minutes, now);
        tally.add(classes, &latency);
    }

    /// What legacy's answers took in the last hour.
    pub(super) fn hour(&self, route: &str) -> Sketch {
        self.hours.get(route).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
