//! `/metrics`: the counters of the process, and those that live with limits, endpoints and issuers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::State;
use axum::response::Response;
use prometheus_client::registry::Registry;

use super::AdminState;
use crate::metrics::registry::{Sample, Scrape};

pub(super) async fn metrics(State(state): State<Arc<AdminState>>) -> Response {
    let mut registry = Registry::default();
    let metrics = Arc::clone(&state.shared.metrics);
    let more = move || samples(&state);
    registry.register_collector(Box::new(Scrape { metrics, more }));
    chassis::telemetry::metrics::answer(&registry)
}

fn samples(state: &AdminState) -> Vec<Sample> {
    let snapshot = state.shared.current.load();
    let sample = |name, help, counter, labels, value| Sample {
        name,
        help,
        counter,
        labels,
        value,
    };
    let mut samples = vec![
        sample(
            "banyan_generation",
            "The configuration in force",
            false,
            vec![],
            snapshot.generation,
        ),
        sample(
            "banyan_access_lines_dropped",
            "Access lines lost because the writer was behind",
            true,
            vec![],
            state.lines_dropped.load(Ordering::Relaxed),
        ),
    ];
    samples.extend(snapshot.limits.values().map(|limit| {
        let labels = vec![("limit", limit.config.name.clone())];
        let over = limit.over.load(Ordering::Relaxed);
        sample(
            "banyan_limit_over",
            "Requests over a limit, rejected or only observed",
            true,
            labels,
            over,
        )
    }));
    samples.extend(snapshot.upstreams.values().flat_map(|upstream| {
        upstream.endpoints.iter().map(|endpoint| {
            let labels = vec![
                ("upstream", upstream.name.clone()),
                ("endpoint", endpoint.to_string()),
            ];
            let open = u64::from(endpoint.in_flight());
            sample(
                "banyan_upstream_in_flight",
                "Requests that an endpoint is answering",
                false,
                labels,
                open,
            )
        })
    }));
    for (name, help) in [
        ("banyan_issuer_keys", "Keys at hand"),
        ("banyan_issuer_fetches", "Fetches of keys that ended"),
    ] {
        samples.extend(snapshot.rings().map(|ring| {
            let keys = name == "banyan_issuer_keys";
            let value = if keys {
                ring.status().0 as u64
            } else {
                ring.fetches()
            };
            sample(
                name,
                help,
                !keys,
                vec![("issuer", ring.name.clone())],
                value,
            )
        }));
    }
    samples
}
