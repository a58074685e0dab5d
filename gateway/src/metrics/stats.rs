//! What one route has answered: per core, so that no two cores write the same memory.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chassis::telemetry::latency::{Latency, Shown, Sketch};
use http::StatusCode;
use strangler::Side;

/// 1xx to 5xx.
pub const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The sides as labels; requests that no side answered come first.
pub const SIDES: [&str; 3] = ["none", "legacy", "service"];

/// One route's counters. They stay when the file is reloaded.
#[derive(Debug)]
pub struct RouteStats {
    /// The route's name, `-` for requests without one.
    pub name: String,
    /// Requests that legacy answered because the service had as many as it may have at once.
    pub capped: AtomicU64,
    /// Requests that legacy answered because the service failed.
    pub failovers: AtomicU64,
    /// Requests that somebody else answered because the backend did not.
    pub fallbacks: AtomicU64,
    /// Requests that would be refused for an encoded slash, if that were not only observed.
    pub slashes_observed: AtomicU64,
    /// Requests of a capped canary that the service is answering.
    on_service: AtomicU32,
    cores: Box<[CoreStats]>,
}

#[derive(Debug, Default)]
struct CoreStats {
    sides: [OnceLock<Box<Served>>; 3],
    /// Requests under way that legacy is to answer.
    on_legacy: AtomicU64,
}

/// A request that legacy is to answer, under way until this is dropped.
#[derive(Debug)]
pub struct OnLegacy {
    route: Arc<RouteStats>,
    core: usize,
}

impl OnLegacy {
    /// It begins.
    pub fn begin(route: &Arc<RouteStats>, core: usize) -> Self {
        if let Some(core) = route.cores.get(core) {
            core.on_legacy.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            route: Arc::clone(route),
            core,
        }
    }
}

impl Clone for OnLegacy {
    fn clone(&self) -> Self {
        Self::begin(&self.route, self.core)
    }
}

impl Drop for OnLegacy {
    fn drop(&mut self) {
        if let Some(core) = self.route.cores.get(self.core) {
            core.on_legacy.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A request of a capped canary that the service is to answer, under way until this is dropped.
#[derive(Debug)]
pub struct OnService(Arc<RouteStats>);

impl OnService {
    /// It begins, unless `max` are under way, on all cores together.
    pub fn begin(route: &Arc<RouteStats>, max: NonZeroU32) -> Option<Self> {
        let one_more = |under_way: u32| (under_way < max.get()).then_some(under_way + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let counted = route.on_service.fetch_update(set, fetch, one_more);
        counted.is_ok().then(|| Self(Arc::clone(route)))
    }
}

impl Drop for OnService {
    fn drop(&mut self) {
        self.0.on_service.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Served {
    classes: [AtomicU64; 5],
    latency: Latency,
    /// From forwarding the head to the head of the answer; of sides only.
    upstream: OnceLock<Latency>,
}

/// What one side of a migration has answered since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// By class of status.
    pub classes: [u64; 5],
    /// From forwarding the head to the head of the answer.
    pub latency: Sketch,
}

/// One side's counters, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// Answers by class of status.
    pub classes: [u64; 5],
    /// How long they took.
    pub latency: Shown,
}

impl RouteStats {
    /// Nothing counted yet, on so many cores.
    pub fn new(name: &str, cores: usize) -> Self {
        Self {
            name: name.to_owned(),
            capped: AtomicU64::new(0),
            failovers: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
            slashes_observed: AtomicU64::new(0),
            on_service: AtomicU32::new(0),
            cores: (0..cores).map(|_| CoreStats::default()).collect(),
        }
    }

    /// Counts one answer, which `took` so long in all, and its upstream `upstream`.
    pub fn count(
        &self,
        core: usize,
        side: Option<Side>,
        status: StatusCode,
        took: Duration,
        upstream: Option<Duration>,
    ) {
        let Some(core) = self.cores.get(core) else {
            return;
        };
        let served = core.sides[slot(side)].get_or_init(Box::default);
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        served.classes[class].fetch_add(1, Ordering::Relaxed);
        served.latency.record(took);
        if let (Some(_), Some(upstream)) = (side, upstream) {
            served
                .upstream
                .get_or_init(Latency::default)
                .record(upstream);
        }
    }

    /// Whether a request is under way that legacy is to answer.
    pub fn is_on_legacy(&self) -> bool {
        let under_way = |core: &CoreStats| core.on_legacy.load(Ordering::Relaxed) > 0;
        self.cores.iter().any(under_way)
    }

    /// How much a side has answered, all cores together.
    pub fn total(&self, side: Side) -> u64 {
        let served = self.served(side).flat_map(|served| &served.classes);
        served.map(|class| class.load(Ordering::Relaxed)).sum()
    }

    /// What a side has answered, all cores together.
    pub fn answers(&self, side: Side) -> Answers {
        let mut answers = Answers::default();
        for served in self.served(side) {
            for (total, class) in answers.classes.iter_mut().zip(&served.classes) {
                *total += class.load(Ordering::Relaxed);
            }
            if let Some(upstream) = served.upstream.get() {
                answers.latency.add(upstream);
            }
        }
        answers
    }

    fn served(&self, side: Side) -> impl Iterator<Item = &Served> {
        let slot = slot(Some(side));
        let cores = self.cores.iter();
        cores.filter_map(move |core| Some(&**core.sides[slot].get()?))
    }

    /// All cores together, by side; a side that never answered is `None`.
    pub fn sum(&self) -> [Option<Sum>; 3] {
        std::array::from_fn(|side| {
            let mut sum: Option<Sum> = None;
            for served in self.cores.iter().filter_map(|core| core.sides[side].get()) {
                let sum = sum.get_or_insert_default();
                for (total, class) in sum.classes.iter_mut().zip(&served.classes) {
                    *total += class.load(Ordering::Relaxed);
                }
                served.latency.add_to(&mut sum.latency);
            }
            sum
        })
    }
}

fn slot(side: Option<Side>) -> usize {
    match side {
        None => 0,
        Some(Side::Legacy) => 1,
        Some(Side::Service) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_add_up_and_sides_stay_apart() {
        let stats = RouteStats::new("users", 2);
        let took = Duration::from_millis(2);
        let upstream = Some(Duration::from_millis(1));
        stats.count(0, Some(Side::Legacy), StatusCode::OK, took, upstream);
        stats.count(1, Some(Side::Legacy), StatusCode::NOT_FOUND, took, upstream);
        stats.count(1, Some(Side::Service), StatusCode::BAD_GATEWAY, took, None);
        let answers = stats.answers(Side::Legacy);
        assert_eq!(answers.classes, [0, 1, 0, 1, 0]);
        assert_eq!((answers.latency.total(), stats.total(Side::Legacy)), (2, 2));
        assert_eq!(stats.answers(Side::Service).latency.total(), 0);
        let [none, legacy, service] = stats.sum();
        assert_eq!(none, None);
        assert_eq!(legacy.unwrap().classes, [0, 1, 0, 1, 0]);
        assert_eq!(service.unwrap().classes, [0, 0, 0, 0, 1]);
    }

    #[test]
    fn what_is_under_way_on_legacy_is_known_until_its_last_holder_lets_go() {
        let route = Arc::new(RouteStats::new("users", 2));
        let first = OnLegacy::begin(&route, 1);
        let tunnel = first.clone();
        drop(first);
        assert!(route.is_on_legacy());
        drop(tunnel);
        assert!(!route.is_on_legacy());
    }

    #[test]
    fn never_more_than_the_cap_are_on_the_service_and_each_makes_room_when_it_ends() {
        let route = Arc::new(RouteStats::new("users", 2));
        let cap = NonZeroU32::new(2).unwrap();
        let begin = || OnService::begin(&route, cap);
        let (first, second) = (begin().unwrap(), begin().unwrap());
        assert!(begin().is_none() && begin().is_none());
        drop(first);
        let third = begin().unwrap();
        assert!(begin().is_none());
        drop((second, third));
        assert!(begin().is_some());
    }
}
