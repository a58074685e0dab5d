//! Once a second: what was counted goes to the store, clocks run on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use strangler::LegacyClock;

use super::restored;
use super::state::Progress;
use super::window::Sum;
use crate::config::Config;
use crate::decommission::noted::Note;
use crate::metrics::stats::RouteStats;
use crate::route::config::TargetConfig;
use crate::store::rows::{Batch, Use};

/// How often what was counted is kept: so much is lost when the process is killed.
pub const EVERY: Duration = Duration::from_secs(1);

/// How often clocks that only ran on are kept.
const CLOCKS: u64 = 10;

/// How often old rows are tidied.
const TIDY: u64 = 300;

/// What has been counted since the last time.
#[derive(Debug)]
pub struct Counted<'a> {
    /// The file in force.
    pub config: &'a Config,
    /// The counters of all routes.
    pub stats: &'a [Arc<RouteStats>],
    /// Whom legacy answered.
    pub notes: Vec<Note>,
    /// Counts these calls.
    pub tick: u64,
}

impl Progress {
    /// Keeps it; `more` adds what others want to be kept.
    pub fn keep(&self, counted: Counted<'_>, more: impl FnOnce(&mut Batch)) {
        let now = self.now();
        let mut inner = self.lock();
        let mut batch = Batch::default();
        let Counted {
            config,
            stats,
            notes,
            tick,
        } = counted;
        batch.windows = inner.windows.look(stats, now);
        batch.uses = inner.users.note(notes, now);
        let gap = config.state.observe_gap_max;
        let used: BTreeSet<&str> = batch.uses.iter().map(|one| one.route.as_str()).collect();
        // A stream or a tunnel is used for as long as it is open.
        let under_way = stats.iter().filter(|one| one.is_on_legacy());
        let under_way: BTreeSet<&str> = under_way.map(|one| one.name.as_str()).collect();
        if tick.is_multiple_of(CLOCKS) {
            let named: BTreeSet<&str> = stats.iter().map(|one| one.name.as_str()).collect();
            inner.windows.keep(|route| named.contains(route));
        }
        for (name, route) in &config.routes {
            if !matches!(route.target, TargetConfig::Migration(_)) {
                continue;
            }
            let used = used.contains(name.as_str()) || under_way.contains(name.as_str());
            let known = inner.clocks.contains_key(name);
            let clock = inner.clocks.entry(name.clone()).or_default();
            clock.watched(now, gap);
            if used {
                clock.used(now);
            }
            if used || !known || tick.is_multiple_of(CLOCKS) {
                batch.documents.push(restored::clock(name, clock));
            }
        }
        more(&mut batch);
        self.push(batch);
        // Nobody who wants to change something waits for a disk.
        drop(inner);
        self.flush();
        if tick.is_multiple_of(TIDY)
            && let Ok(store) = self.store()
            && let Err(error) = store.tidy(now)
        {
            tracing::warn!(%error, "old state cannot be tidied");
        }
    }

    /// What both sides of a route, legacy's first, answered in the last `minutes`, on all gateways.
    pub fn sums(&self, route: &str, minutes: u64) -> [Sum; 2] {
        let now = self.now();
        let inner = self.lock();
        [strangler::Side::Legacy, strangler::Side::Service].map(|side| {
            let mut tally = inner.windows.tally(route, side, minutes, now);
            for other in &inner.elsewhere {
                other.add_to(&mut tally, route, side, minutes, now);
            }
            tally.sum()
        })
    }

    /// Who used the old side of a route, the last one first.
    pub fn users(&self, route: &str) -> Vec<Use> {
        self.lock().users.of(route)
    }

    /// For how long nobody has used the old side of a route, while somebody watched.
    pub fn legacy_clock(&self, route: &str) -> LegacyClock {
        self.lock().clocks.get(route).cloned().unwrap_or_default()
    }
}
