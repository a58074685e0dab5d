//! What has come of a route's copies so far. Alive over reloads, by the route's name.

mod pairs;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use strangler::tally::{Diff, DiffKey, GateState, Tally, Totals};

pub use self::pairs::{Dropped, Pairs};
use crate::forward::tap::Memory;
use crate::metrics::registry::Sample;
use crate::shadow::compiled::{Direction, fingerprint};
use crate::shadow::config::ShadowConfig;

/// What may be kept of requests and answers that are copied, in the whole process.
const MEMORY: usize = 64 * 1024 * 1024;

/// Of all routes.
#[derive(Debug)]
pub struct Comparisons {
    routes: Mutex<BTreeMap<String, Arc<Pairs>>>,
    memory: Arc<Memory>,
}

/// What of a route has changed since somebody asked last, for whoever writes it down.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The route's name.
    pub route: String,
    /// Stands for the rules by which answers are compared.
    pub rules: u32,
    /// Whatever was written down before is of the past: the rules have changed, or more made room than is remembered.
    pub anew: bool,
    /// The counts.
    pub totals: Totals,
    /// Differences that are new, or were seen again.
    pub diffs: Vec<(DiffKey, Diff)>,
    /// Differences that made room for others.
    pub removed: Vec<DiffKey>,
    /// What was dropped, by reason, since the route is known.
    pub dropped: Vec<(&'static str, u64)>,
    /// Copies sent since then.
    pub sent: u64,
    /// Copies whose answers were not to be compared, since then.
    pub mirrored: u64,
}

/// What of a route was written down, as it is taken up again.
#[derive(Clone, Debug)]
pub struct Kept {
    /// As [`Changed::rules`].
    pub rules: u32,
    /// The counts.
    pub totals: Totals,
    /// All differences.
    pub diffs: Vec<(DiffKey, Diff)>,
    /// As [`Changed::dropped`].
    pub dropped: Vec<(String, u64)>,
    /// As [`Changed::sent`].
    pub sent: u64,
    /// As [`Changed::mirrored`].
    pub mirrored: u64,
}

impl Default for Comparisons {
    fn default() -> Self {
        Self {
            routes: Mutex::default(),
            memory: Arc::new(Memory::new(MEMORY)),
        }
    }
}

impl Comparisons {
    /// A route's: what it had before, or nothing yet.
    pub fn route(&self, name: &str) -> Arc<Pairs> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = routes
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Pairs::new(name, &self.memory)));
        Arc::clone(pairs)
    }

    /// What the pairs of a route say about letting callers onto its service; nothing where it compares nothing.
    pub fn gate(&self, route: &str, config: Option<&ShadowConfig>) -> Option<GateState> {
        let usual = ShadowConfig::default();
        let config = config.unwrap_or(&usual);
        if !config.compare {
            return None;
        }
        let pairs = self.route(route);
        let rules = fingerprint(&config.rules, Direction::ToService);
        // Pairs by other rules than those of the file say nothing about what it asks for.
        Some(if pairs.rules() == rules {
            pairs.see(|tally| tally.gate(&config.gate))
        } else {
            Tally::new(config.gate.min_compared).gate(&config.gate)
        })
    }

    /// Forgets routes that the file no longer has.
    pub fn keep_routes(&self, named: impl Fn(&str) -> bool) {
        self.routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|name, _| named(name));
    }

    /// All routes that ever had copies, in the order of their names.
    pub fn all(&self) -> Vec<Arc<Pairs>> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.values().map(Arc::clone).collect()
    }

    /// Takes up what was written down of a route. To be called before it is served.
    pub fn restore(&self, route: &str, kept: Kept) {
        self.route(route).restore(kept);
    }

    /// What has changed since the last call.
    pub fn changes(&self) -> Vec<Changed> {
        self.all()
            .iter()
            .filter_map(|pairs| pairs.changes())
            .collect()
    }

    /// How many bytes are kept of requests and answers that are copied.
    pub fn memory(&self) -> usize {
        self.memory.used()
    }

    /// As Prometheus sees them.
    pub fn samples(&self) -> Vec<Sample> {
        let all = self.all();
        let mut samples = Vec::new();
        for (name, help, counter, counts) in METRICS {
            for pairs in &all {
                for (label, value) in counts(pairs) {
                    let route = ("route", pairs.name().to_owned());
                    let labels = std::iter::once(route)
                        .chain(label.map(|(label, value)| (label, value.to_owned())));
                    samples.push(Sample {
                        name,
                        help,
                        counter,
                        labels: labels.collect(),
                        value,
                    });
                }
            }
        }
        if !all.is_empty() {
            let help = "Kept of requests and answers that are copied";
            let used = self.memory() as u64;
            samples.push(Sample::gauge(
                "banyan_shadow_memory_bytes",
                help,
                Vec::new(),
                used,
            ));
        }
        samples
    }
}

type Counts = Vec<(Option<(&'static str, &'static str)>, u64)>;

type Metric = (&'static str, &'static str, bool, fn(&Pairs) -> Counts);

const METRICS: [Metric; 4] = [
    (
        "banyan_shadow_pairs",
        "Copies by what the comparison came to; one without an answer is a mismatch",
        true,
        |pairs| labelled("outcome", pairs.outcomes()),
    ),
    (
        "banyan_shadow_dropped",
        "Requests of the sample whose answers were not compared, by reason",
        true,
        |pairs| labelled("reason", pairs.drops()),
    ),
    (
        "banyan_shadow_copies",
        "Copies that were sent",
        true,
        |pairs| vec![(None, pairs.copies())],
    ),
    (
        "banyan_shadow_waiting",
        "Copies that wait to be sent",
        false,
        |pairs| vec![(None, pairs.waiting() as u64)],
    ),
];

fn labelled(label: &'static str, counts: impl IntoIterator<Item = (&'static str, u64)>) -> Counts {
    counts
        .into_iter()
        .map(|(value, count)| (Some((label, value)), count))
        .collect()
}

#[cfg(test)]
mod tests;
