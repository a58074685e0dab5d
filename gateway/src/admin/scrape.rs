//! `/metrics`: the counters of the process, and those that live with limits, endpoints and issuers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::Response;
use prometheus_client::registry::Registry;

use super::{AdminState, judged, upstreams};
use crate::auth::ring::KeyRing;
use crate::describe;
use crate::metrics::registry::{Sample, Scrape};
use crate::snapshot::Snapshot;

pub(super) async fn metrics(State(state): State<Arc<AdminState>>) -> Response {
    let mut registry = Registry::default();
    let metrics = Arc::clone(&state.shared.metrics);
    let more = move || samples(&state);
    registry.register_collector(Box::new(Scrape { metrics, more }));
    chassis::telemetry::metrics::answer(&registry)
}

fn samples(state: &AdminState) -> Vec<Sample> {
    let snapshot = state.shared.current.load();
    let lines = state.lines_dropped.load(Ordering::Relaxed);
    let mut samples = vec![
        Sample::gauge(
            "banyan_generation",
            "The configuration in force",
            vec![],
            snapshot.generation,
        ),
        Sample::counter(
            "banyan_access_lines_dropped",
            "Access lines lost because the writer was behind",
            vec![],
            lines,
        ),
    ];
    samples.extend(of_progress(state, &snapshot));
    samples.extend(judged::samples(state, &snapshot));
    samples.extend(judged::company(state));
    samples.extend(of_limits(&snapshot));
    samples.extend(upstreams::samples(state));
    samples.extend(of_discovery(&snapshot));
    samples.extend(of_checks(&snapshot));
    samples.extend(of_issuers(&snapshot));
    samples.extend(state.shared.comparisons.samples());
    samples.extend(state.progress.desk().tally().samples());
    samples
}

/// Which phase each route declares and which is in force, and whether state is kept.
fn of_progress(state: &AdminState, snapshot: &Snapshot) -> Vec<Sample> {
    let standings = state.progress.standings();
    let rows = describe::rows_in_force(&snapshot.config, snapshot.order(), &standings);
    let phases = rows.into_iter().filter_map(|row| {
        let labels = vec![
            ("route", row.name),
            ("declared", row.phase?.to_owned()),
            ("effective", row.effective?.phase),
        ];
        let help = "The phase that a route declares, and the one in force";
        Some(Sample::gauge("banyan_route_phase", help, labels, 1))
    });
    let kept = u64::from(state.progress.trouble().is_none());
    let help = "Whether state is kept over a restart";
    let kept = Sample::gauge("banyan_state_kept", help, vec![], kept);
    phases.chain([kept]).collect()
}

fn of_limits(snapshot: &Snapshot) -> impl Iterator<Item = Sample> {
    snapshot.limits.values().map(|limit| {
        let labels = vec![("limit", limit.config.name.clone())];
        let over = limit.over.load(Ordering::Relaxed);
        Sample::counter(
            "banyan_limit_over",
            "Requests over a limit, rejected or only observed",
            labels,
            over,
        )
    })
}

/// Of upstreams whose endpoints are looked for again and again.
fn of_discovery(snapshot: &Snapshot) -> Vec<Sample> {
    let followed = || {
        let all = snapshot.endpoints.iter();
        all.filter(|(_, endpoints)| endpoints.discovery.follows())
            .map(|(name, endpoints)| (vec![("upstream", name.clone())], endpoints))
    };
    let looks = followed().map(|(labels, endpoints)| {
        let help = "Answers of name servers and readings of endpoints files, good or bad";
        let looks = endpoints.discovery.counts().looks;
        Sample::counter("banyan_discovery_looks", help, labels, looks)
    });
    let failures = followed().map(|(labels, endpoints)| {
        let help = "Those of them that failed, after which the last good answer stays";
        let failures = endpoints.discovery.counts().failures;
        Sample::counter("banyan_discovery_failures", help, labels, failures)
    });
    looks.chain(failures).collect()
}

fn of_checks(snapshot: &Snapshot) -> impl Iterator<Item = Sample> {
    let checked = snapshot.endpoints.iter().filter_map(|(name, endpoints)| {
        let checks = endpoints.checks.as_ref()?;
        Some((name, checks))
    });
    checked.flat_map(|(name, checks)| {
        [("good", checks.good()), ("bad", checks.bad())].map(|(result, count)| {
            let labels = vec![("upstream", name.clone()), ("result", result.to_owned())];
            let help = "Health checks of endpoints";
            Sample::counter("banyan_health_checks", help, labels, count)
        })
    })
}

/// A metric's samples stand together, so the rings are walked twice.
fn of_issuers(snapshot: &Snapshot) -> impl Iterator<Item = Sample> {
    let labels = |ring: &KeyRing| vec![("issuer", ring.name.clone())];
    let keys = snapshot.rings().map(move |ring| {
        Sample::gauge(
            "banyan_issuer_keys",
            "Keys at hand",
            labels(ring),
            ring.status().0 as u64,
        )
    });
    let fetches = snapshot.rings().map(move |ring| {
        Sample::counter(
            "banyan_issuer_fetches",
            "Fetches of keys that ended",
            labels(ring),
            ring.fetches(),
        )
    });
    keys.chain(fetches)
}
