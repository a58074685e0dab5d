//! All counters of the process, and how Prometheus sees them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use chassis::telemetry::latency::SHOWN_BOUNDS;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use super::http2::EndedCounts;
use super::stats::{CLASSES, RouteStats, SIDES, Sum};

/// The label of requests that no route took.
pub const NO_ROUTE: &str = "-";

/// The counters of the process.
#[derive(Debug)]
pub struct Metrics {
    cores: usize,
    routes: Mutex<BTreeMap<String, Arc<RouteStats>>>,
    /// Problems that we answered with, by code.
    problems: Mutex<BTreeMap<&'static str, u64>>,
    /// Requests without a route.
    pub unrouted: Arc<RouteStats>,
    /// Open client connections.
    pub connections: AtomicI64,
    /// HTTP/2 connections that were ended for what the client did.
    pub http2_ended: EndedCounts,
    /// Files taken over.
    pub reloads: AtomicU64,
    /// Files refused.
    pub reload_failures: AtomicU64,
    /// Fields dropped for an underscore in their name.
    pub underscored: AtomicU64,
    /// Overrides of callers who may not choose.
    pub overrides_refused: AtomicU64,
    /// Deadlines of believed callers that could not be read.
    pub deadlines_ignored: AtomicU64,
    /// What was not noted for the judge, because it was too much.
    pub samples_dropped: AtomicU64,
}

/// Counters that live elsewhere: with a limit, an endpoint, an issuer.
#[derive(Debug)]
pub struct Sample {
    /// The metric's name.
    pub name: &'static str,
    /// Its help text.
    pub help: &'static str,
    /// Counts up only.
    pub counter: bool,
    /// Label and value pairs.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: u64,
}

impl Sample {
    /// What goes up and down.
    pub fn gauge(
        name: &'static str,
        help: &'static str,
        labels: Vec<(&'static str, String)>,
        value: u64,
    ) -> Self {
        Self {
            name,
            help,
            counter: false,
            labels,
            value,
        }
    }

    /// What only goes up; `_total` is put behind its name.
    pub fn counter(
        name: &'static str,
        help: &'static str,
        labels: Vec<(&'static str, String)>,
        value: u64,
    ) -> Self {
        Self {
            counter: true,
            ..Self::gauge(name, help, labels, value)
        }
    }
}

impl Metrics {
    /// For so many cores.
    pub fn new(cores: usize) -> Self {
        Self {
            cores,
            routes: Mutex::default(),
            problems: Mutex::default(),
            unrouted: Arc::new(RouteStats::new(NO_ROUTE, cores)),
            connections: AtomicI64::new(0),
            http2_ended: EndedCounts::default(),
            reloads: AtomicU64::new(0),
            reload_failures: AtomicU64::new(0),
            underscored: AtomicU64::new(0),
            overrides_refused: AtomicU64::new(0),
            deadlines_ignored: AtomicU64::new(0),
            samples_dropped: AtomicU64::new(0),
        }
    }

    /// A route's counters: those it had before, or new ones.
    pub fn route(&self, name: &str) -> Arc<RouteStats> {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let stats = routes
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(RouteStats::new(name, self.cores)));
        Arc::clone(stats)
    }

    /// The counters of all routes.
    pub fn routes(&self) -> Vec<Arc<RouteStats>> {
        let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        routes.values().cloned().collect()
    }

    /// Forgets routes that the file no longer has.
    pub fn keep_routes(&self, named: impl Fn(&str) -> bool) {
        self.routes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|name, _| named(name));
    }

    /// Counts one problem. Off the path of requests that go well.
    pub fn problem(&self, code: &'static str) {
        *self
            .problems
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(code)
            .or_default() += 1;
    }
}

/// What a scrape sees: our counters, and those that `more` brings.
pub struct Scrape<F> {
    /// Our counters.
    pub metrics: Arc<Metrics>,
    /// Counters that live elsewhere, one metric's next to each other.
    pub more: F,
}

impl<F> fmt::Debug for Scrape<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}

impl<F: Fn() -> Vec<Sample> + Send + Sync + 'static> Collector for Scrape<F> {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.metrics.encode_routes(&mut encoder)?;
        let mut samples = self.metrics.samples();
        samples.extend((self.more)());
        encode_samples(&mut encoder, &samples)
    }
}

impl Metrics {
    fn encode_routes(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let sums: Vec<(String, &str, Sum)> = {
            let routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
            let all = routes.iter().map(|(name, stats)| (name.as_str(), stats));
            let all = all.chain(std::iter::once((NO_ROUTE, &self.unrouted)));
            all.flat_map(|(name, stats)| {
                let sides = SIDES.into_iter().zip(stats.sum());
                sides.filter_map(move |(side, sum)| Some((name.to_owned(), side, sum?)))
            })
            .collect()
        };
        let name = "banyan_requests";
        let mut family =
            encoder.encode_descriptor(name, "Answered requests", None, MetricType::Counter)?;
        for (route, side, sum) in &sums {
            for (class, count) in CLASSES.iter().zip(sum.classes) {
                if count > 0 {
                    let labels = [("route", route.as_str()), ("side", side), ("status", class)];
                    family
                        .encode_family(&labels)?
                        .encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                }
            }
        }
        let name = "banyan_request_duration_seconds";
        let help = "From a request's head to the last byte of its answer";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for (route, side, sum) in &sums {
            let bounds = SHOWN_BOUNDS
                .into_iter()
                .chain(std::iter::once(f64::INFINITY));
            let buckets: Vec<(f64, u64)> = bounds.zip(sum.latency.counts).collect();
            let total = sum.latency.counts.iter().sum();
            let labels = [("route", route.as_str()), ("side", side)];
            family
                .encode_family(&labels)?
                .encode_histogram::<NoLabelSet>(sum.latency.seconds, total, &buckets, None)?;
        }
        Ok(())
    }

    /// Counters without a label.
    fn single(&self) -> [(&'static str, &'static str, &AtomicU64); 4] {
        [
            (
                "banyan_underscore_fields_dropped",
                "Request fields dropped for an underscore in their name",
                &self.underscored,
            ),
            (
                "banyan_overrides_refused",
                "Requests that named a side and may not choose",
                &self.overrides_refused,
            ),
            (
                "banyan_deadlines_ignored",
                "Deadlines of believed callers that could not be read",
                &self.deadlines_ignored,
            ),
            (
                "banyan_judge_samples_dropped",
                "Requests of canaries that were not noted for the judge, because there were too many",
                &self.samples_dropped,
            ),
        ]
    }

    /// How often somebody else stepped in, or something was only watched.
    fn nets(&self) -> impl Iterator<Item = Sample> {
        type Count = fn(&RouteStats) -> &AtomicU64;
        let metrics: [(_, _, Count); 4] = [
            (
                "banyan_capped",
                "Requests that legacy answered because the service had as many as it may have at once",
                |stats| &stats.capped,
            ),
            (
                "banyan_failovers",
                "Requests that legacy answered because the service failed",
                |stats| &stats.failovers,
            ),
            (
                "banyan_fallbacks",
                "Requests that a route's fallback answered because its backend did not",
                |stats| &stats.fallbacks,
            ),
            (
                "banyan_encoded_slashes_observed",
                "Requests that would be refused for an encoded slash, on routes that only observe that",
                |stats| &stats.slashes_observed,
            ),
        ];
        let routes = self.routes();
        metrics.into_iter().flat_map(move |(name, help, count)| {
            let counted = routes.iter().filter_map(|stats| {
                let value = count(stats).load(Ordering::Relaxed);
                let labels = || vec![("route", stats.name.clone())];
                (value > 0).then(|| Sample::counter(name, help, labels(), value))
            });
            counted.collect::<Vec<_>>()
        })
    }

    fn samples(&self) -> Vec<Sample> {
        let read = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let open = u64::try_from(self.connections.load(Ordering::Relaxed)).unwrap_or(0);
        let result = |result: &str| vec![("result", result.to_owned())];
        let reloads = "Files read after the first";
        let mut samples = vec![
            Sample::gauge(
                "banyan_connections",
                "Open client connections",
                vec![],
                open,
            ),
            Sample::counter(
                "banyan_reloads",
                reloads,
                result("applied"),
                read(&self.reloads),
            ),
            Sample::counter(
                "banyan_reloads",
                reloads,
                result("refused"),
                read(&self.reload_failures),
            ),
        ];
        samples.extend(
            self.single()
                .map(|(name, help, count)| Sample::counter(name, help, vec![], read(count))),
        );
        samples.extend(self.http2_ended.read().map(|(reason, count)| {
            Sample::counter(
                "banyan_http2_ended",
                "HTTP/2 connections that were ended for what the client did",
                vec![("reason", reason.to_owned())],
                count,
            )
        }));
        samples.extend(self.nets());
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        samples.extend(problems.iter().map(|(code, count)| {
            let labels = vec![("code", (*code).to_owned())];
            Sample::counter(
                "banyan_problems",
                "Problems that the gateway itself answered with",
                labels,
                *count,
            )
        }));
        samples
    }
}

fn encode_samples(encoder: &mut DescriptorEncoder<'_>, samples: &[Sample]) -> fmt::Result {
    for metric in samples.chunk_by(|a, b| a.name == b.name) {
        let kind = if metric[0].counter {
            MetricType::Counter
        } else {
            MetricType::Gauge
        };
        let mut family = encoder.encode_descriptor(metric[0].name, metric[0].help, None, kind)?;
        for sample in metric {
            let labels: Vec<(&str, &str)> = sample
                .labels
                .iter()
                .map(|(k, v)| (*k, v.as_str()))
                .collect();
            let mut one = family.encode_family(&labels)?;
            if sample.counter {
                one.encode_counter::<NoLabelSet, _, u64>(&sample.value, None)?;
            } else {
                one.encode_gauge(&sample.value)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;
    use prometheus_client::registry::Registry;
    use std::time::Duration;
    use strangler::Side;

    #[test]
    fn a_scrape_shows_routes_sides_and_problems() {
        let metrics = Arc::new(Metrics::new(1));
        let stats = metrics.route("users");
        stats.count(
            0,
            Some(Side::Service),
            StatusCode::OK,
            Duration::from_millis(3),
            None,
        );
        metrics.problem("rate_limited");
        stats.failovers.fetch_add(2, Ordering::Relaxed);
        let mut registry = Registry::default();
        let more = || {
            let labels = vec![("endpoint", "http://x".into())];
            vec![Sample::gauge("banyan_in_flight", "h", labels, 7)]
        };
        registry.register_collector(Box::new(Scrape { metrics, more }));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "banyan_requests_total{route=\"users\",side=\"service\",status=\"2xx\"} 1",
            "banyan_request_duration_seconds_bucket{le=\"0.005\",route=\"users\",side=\"service\"} 1",
            "banyan_request_duration_seconds_bucket{le=\"+Inf\",route=\"users\",side=\"service\"} 1",
            "banyan_failovers_total{route=\"users\"} 2",
            "banyan_problems_total{code=\"rate_limited\"} 1",
            "banyan_in_flight{endpoint=\"http://x\"} 7",
        ] {
            assert!(text.contains(line), "{line} is missing in:\n{text}");
        }
    }
}
