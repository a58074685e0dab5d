mod changes;
mod failing;
mod sharing;
mod simulation;

use std::collections::BTreeMap;

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);

fn endpoint(port: u16) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(Place::new("x", port, "")).unwrap())
}

fn member(port: u16, weight: u32) -> Member {
    Member {
        endpoint: endpoint(port),
        weight,
    }
}

/// At ports 0, 1 and so on.
fn members(weights: &[u32]) -> Vec<Member> {
    std::iter::zip(0.., weights)
        .map(|(port, weight)| member(port, *weight))
        .collect()
}

fn settings(balance: Balance) -> Settings {
    Settings {
        balance,
        ..Settings::default()
    }
}

/// A fleet under a clock and dice of the test's own.
struct Lab {
    fleet: Fleet,
    now: Instant,
    dice: fastrand::Rng,
}

impl Lab {
    fn new(settings: Settings, weights: &[u32]) -> Self {
        Self::with(Fleet::new(settings, members(weights)))
    }

    fn with(fleet: Fleet) -> Self {
        Self {
            fleet,
            now: Instant::now(),
            dice: fastrand::Rng::with_seed(7),
        }
    }

    fn pick_for(&mut self, tried: &[u32], key: Option<u64>) -> Picked {
        let dice = |n| self.dice.usize(..n);
        self.fleet.pick(self.now, tried, key, dice).unwrap()
    }

    fn pick(&mut self) -> Picked {
        self.pick_for(&[], None)
    }

    /// How many of `picks` each port gets, when nobody answers fast enough to be told from the others.
    fn spread(&mut self, picks: u32) -> BTreeMap<u16, u32> {
        let mut counts = BTreeMap::new();
        for _ in 0..picks {
            *counts.entry(port(&self.pick().endpoint)).or_default() += 1;
        }
        counts
    }

    fn at(&self, port: u16) -> Arc<Endpoint> {
        self.fleet.find(&Place::new("x", port, "")).unwrap()
    }

    fn fail(&self, port: u16, times: u32) {
        for _ in 0..times {
            self.fleet
                .failed(&self.at(port), "connect", MILLI, self.now);
        }
    }

    fn check(&self, port: u16, outcome: Result<(), &str>) {
        let outcome = outcome.map_err(str::to_owned);
        let settings = health::Settings::default();
        self.fleet
            .checked(&self.at(port), outcome, &settings, self.now);
    }

    fn shown(&self, port: u16) -> Shown {
        let shown = self.fleet.shown(self.now);
        let url = self.at(port).to_string();
        shown.into_iter().find(|shown| shown.url == url).unwrap()
    }
}

fn port(endpoint: &Endpoint) -> u16 {
    endpoint.place().port
}
