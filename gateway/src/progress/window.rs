//! What both sides of a route answered, minute by minute.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chassis::telemetry::latency::Sketch;
use serde::{Deserialize, Serialize};
use strangler::Side;
use utoipa::ToSchema;

use crate::metrics::stats::{Answers, RouteStats};
use crate::store::rows::Window;

/// So many minutes are at hand without asking the store: what is slow is told by an hour of legacy's.
const AT_HAND: usize = 60;

const SIDES: [Side; 2] = [Side::Legacy, Side::Service];

/// Recent minutes of all routes.
#[derive(Debug, Default)]
pub struct Windows {
    /// What the counters said when they were last looked at.
    seen: BTreeMap<(String, Side), Answers>,
    recent: BTreeMap<(String, Side), VecDeque<Window>>,
}

/// What one side answered in some minutes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sum {
    /// Answers, and requests without one.
    pub requests: u64,
    /// 5xx, those of ours for a side that gave no answer among them.
    pub failed: u64,
    /// Failed ones per request.
    pub error_rate: f64,
    /// Half of the answers' heads came within, milliseconds.
    pub p50_ms: Option<f64>,
    /// 95 of 100.
    pub p95_ms: Option<f64>,
    /// 99 of 100.
    pub p99_ms: Option<f64>,
}

/// Answers added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By class of status, 1xx to 5xx.
    pub classes: [u64; 5],
    /// From forwarding the head to the head of the answer.
    pub latency: Sketch,
}

impl Tally {
    /// Adds more of them.
    pub fn add(&mut self, classes: [u64; 5], latency: &Sketch) {
        for (total, class) in self.classes.iter_mut().zip(classes) {
            *total += class;
        }
        self.latency.merge(latency);
    }

    /// For people.
    pub fn sum(&self) -> Sum {
        let requests: u64 = self.classes.iter().sum();
        let [.., failed] = self.classes;
        let quantile = |q| Some(self.latency.quantile(q)?.as_secs_f64() * 1e3);
        Sum {
            requests,
            failed,
            error_rate: rate(failed, requests),
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
        }
    }
}

impl Windows {
    /// What was kept.
    pub fn restore(windows: Vec<Window>) -> Self {
        let mut restored = Self::default();
        for window in windows {
            restored.add(&window);
        }
        restored
    }

    /// What the counters have counted since the last look.
    pub fn look(&mut self, routes: &[Arc<RouteStats>], now: Duration) -> Vec<Window> {
        let mut fresh = Vec::new();
        for stats in routes {
            for side in SIDES {
                if let Some(window) = self.look_at(stats, side, now.as_secs() / 60) {
                    self.add(&window);
                    fresh.push(window);
                }
            }
        }
        fresh
    }

    fn look_at(&mut self, stats: &RouteStats, side: Side, minute: u64) -> Option<Window> {
        let seen = self.seen.entry((stats.name.clone(), side)).or_default();
        let total: u64 = seen.classes.iter().sum();
        // Most routes rest most of the time; their sketches are not read.
        if stats.total(side) == total {
            return None;
        }
        let answers = stats.answers(side);
        let classes =
            std::array::from_fn(|class| answers.classes[class].saturating_sub(seen.classes[class]));
        let latency = answers.latency.since(&seen.latency);
        *seen = answers;
        Some(Window {
            route: stats.name.clone(),
            side,
            minute,
            classes,
            latency,
        })
    }

    fn add(&mut self, window: &Window) {
        let key = (window.route.clone(), window.side);
        let recent = self.recent.entry(key).or_default();
        match recent.back_mut() {
            Some(last) if last.minute == window.minute => {
                for (total, class) in last.classes.iter_mut().zip(window.classes) {
                    *total += class;
                }
                last.latency.merge(&window.latency);
            }
            _ => recent.push_back(window.clone()),
        }
        if recent.len() > AT_HAND {
            recent.pop_front();
        }
    }

    /// What a side answered in the last `minutes`, the one that runs among them.
    pub fn tally(&self, route: &str, side: Side, minutes: u64, now: Duration) -> Tally {
        let mut tally = Tally::default();
        for window in self.last(route, side, minutes, now) {
            tally.add(window.classes, &window.latency);
        }
        tally
    }

    /// The minutes of that, one by one.
    pub fn last(
        &self,
        route: &str,
        side: Side,
        minutes: u64,
        now: Duration,
    ) -> impl Iterator<Item = &Window> {
        let since = (now.as_secs() / 60).saturating_sub(minutes.saturating_sub(1));
        let recent = self.recent.get(&(route.to_owned(), side));
        let recent = recent.into_iter().flatten();
        recent.filter(move |window| window.minute >= since)
    }

    /// The routes that something is known of.
    pub fn routes(&self) -> BTreeSet<&str> {
        let known = self.recent.keys();
        known.map(|(route, _)| route.as_str()).collect()
    }

    /// Forgets routes that the file no longer has; their rows stay in the store.
    pub fn keep(&mut self, named: impl Fn(&str) -> bool) {
        self.seen.retain(|(route, _), _| named(route));
        self.recent.retain(|(route, _), _| named(route));
    }
}

/// A share; of nothing it is nothing.
#[expect(clippy::cast_precision_loss, reason = "a share of counted requests")]
pub fn rate(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[test]
    fn each_look_sees_what_is_new_and_minutes_add_up() {
        let stats = [Arc::new(RouteStats::new("orders", 2))];
        let count = |core, status, millis| {
            let took = Duration::from_millis(millis);
            stats[0].count(core, Some(Side::Legacy), status, took, Some(took));
        };
        let mut windows = Windows::default();
        let start = Duration::from_mins(100);
        count(0, StatusCode::OK, 10);
        let first = windows.look(&stats, start);
        assert_eq!(first.len(), 1);
        assert_eq!((first[0].minute, first[0].classes), (100, [0, 1, 0, 0, 0]));
        assert_eq!(windows.look(&stats, start), []);
        count(1, StatusCode::BAD_GATEWAY, 20);
        let next = windows.look(&stats, start + Duration::from_secs(1));
        assert_eq!(next[0].classes, [0, 0, 0, 0, 1]);
        assert_eq!(next[0].latency.total(), 1);
        let sum = windows
            .tally("orders", Side::Legacy, 5, start + Duration::from_secs(2))
            .sum();
        assert_eq!((sum.requests, sum.failed), (2, 1));
        assert!((sum.p99_ms.unwrap() - 20.0).abs() < 0.3, "{sum:?}");
        let later = windows
            .tally("orders", Side::Legacy, 5, start + Duration::from_mins(5))
            .sum();
        assert_eq!(later, Sum::default());
        assert_eq!(
            windows.tally("orders", Side::Service, 5, start).sum(),
            Sum::default()
        );
    }

    #[test]
    fn what_was_kept_is_summed_with_what_is_new() {
        let stats = [Arc::new(RouteStats::new("orders", 1))];
        let ok = (StatusCode::OK, Duration::from_millis(1));
        stats[0].count(0, Some(Side::Service), ok.0, ok.1, Some(ok.1));
        let mut windows = Windows::default();
        let kept = windows.look(&stats, Duration::from_mins(100));
        let mut windows = Windows::restore(kept);
        // Another process counts from nothing.
        windows.look(&stats, Duration::from_mins(100));
        let sum = windows
            .tally("orders", Side::Service, 1, Duration::from_mins(100))
            .sum();
        assert_eq!(sum.requests, 2);
    }
}
