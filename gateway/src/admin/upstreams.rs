//! How the upstreams stand, for admin and for `/metrics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AdminState;
use crate::metrics::registry::Sample;
use crate::scoreboard::upstreams::{
    BreakerRow, BulkheadRow, EndpointRow, UpstreamRow, Upstreams, upstreams,
};

/// All of it.
pub(super) fn router() -> OpenApiRouter<Arc<AdminState>> {
    OpenApiRouter::new().routes(routes!(all))
}

/// All upstreams: endpoints with their state and why, breakers, bulkheads, retries.
#[utoipa::path(get, path = "/upstreams", responses((status = 200, body = Upstreams)))]
async fn all(State(state): State<Arc<AdminState>>) -> Json<Upstreams> {
    Json(now(&state))
}

fn now(state: &AdminState) -> Upstreams {
    upstreams(&state.shared.current.load(), state.shared.clock.unix())
}

/// By metric, so that the samples of each stand together.
pub(super) fn samples(state: &AdminState) -> Vec<Sample> {
    let rows = now(state).upstreams;
    let of = |metric: &Metric| {
        let samples = rows.iter().flat_map(metric.of);
        let sample = |(labels, value)| Sample {
            name: metric.name,
            help: metric.help,
            counter: metric.counter,
            labels,
            value,
        };
        samples.map(sample).collect::<Vec<_>>()
    };
    METRICS.iter().flat_map(of).collect()
}

type Labels = Vec<(&'static str, String)>;
type Values = Vec<(Labels, u64)>;

struct Metric {
    name: &'static str,
    help: &'static str,
    counter: bool,
    of: fn(&UpstreamRow) -> Values,
}

const fn gauge(name: &'static str, help: &'static str, of: fn(&UpstreamRow) -> Values) -> Metric {
    Metric {
        name,
        help,
        counter: false,
        of,
    }
}

const fn counter(name: &'static str, help: &'static str, of: fn(&UpstreamRow) -> Values) -> Metric {
    Metric {
        counter: true,
        ..gauge(name, help, of)
    }
}

const ENDPOINT_STATES: [&str; 4] = ["up", "slow_start", "ejected", "down"];
const BREAKER_STATES: [&str; 4] = ["closed", "open", "half_open", "recovering"];

const METRICS: [Metric; 17] = [
    gauge(
        "banyan_upstream_in_flight",
        "Requests that an endpoint is answering",
        |row| of_endpoints(row, |one| one.in_flight.into()),
    ),
    gauge(
        "banyan_endpoint_state",
        "How an endpoint stands: 1 for the state that it is in",
        |row| {
            states(
                row.endpoints
                    .iter()
                    .map(|one| (endpoint(row, one), &*one.state)),
                &ENDPOINT_STATES,
            )
        },
    ),
    counter(
        "banyan_endpoint_ejections",
        "How often its failures have put an endpoint out",
        |row| of_endpoints(row, |one| one.ejections),
    ),
    counter(
        "banyan_endpoint_tries",
        "Tries at an endpoint that ended",
        |row| of_endpoints(row, |one| one.tries),
    ),
    counter(
        "banyan_endpoint_failures",
        "Tries at an endpoint that failed",
        |row| of_endpoints(row, |one| one.failures),
    ),
    gauge(
        "banyan_endpoint_ewma_microseconds",
        "How long an endpoint's answers took of late, peaks for longer",
        |row| {
            let known = row
                .endpoints
                .iter()
                .filter_map(|one| Some((one, one.ewma_ms?)));
            known
                .map(|(one, ms)| (endpoint(row, one), whole(ms * 1e3)))
                .collect()
        },
    ),
    gauge(
        "banyan_upstream_panic",
        "Whether so few endpoints of an upstream are well that all are asked",
        |row| vec![(upstream(row), row.panic.into())],
    ),
    counter(
        "banyan_upstream_retries",
        "Further tries, by what they came after",
        |row| by_word(row, "after", &row.retries),
    ),
    counter(
        "banyan_upstream_retries_stopped",
        "Failures that asked for a further try and got none, by why",
        |row| by_word(row, "why", &row.stopped),
    ),
    gauge(
        "banyan_upstream_retries_left",
        "Retries that an upstream's budget still has",
        |row| vec![(upstream(row), row.budget.left)],
    ),
    counter(
        "banyan_upstream_stale_connections",
        "Kept connections that were closed just when they were used, and replaced",
        |row| vec![(upstream(row), row.stale)],
    ),
    gauge(
        "banyan_bulkhead_held",
        "Requests that a bulkhead has let through and that have no answer yet",
        |row| of_bulkhead(row, |bulkhead| bulkhead.held.into()),
    ),
    counter(
        "banyan_bulkhead_refused",
        "Requests that found no place in a bulkhead",
        |row| of_bulkhead(row, |bulkhead| bulkhead.refused),
    ),
    gauge(
        "banyan_bulkhead_concurrent",
        "Requests that a bulkhead lets through at once",
        |row| of_bulkhead(row, |bulkhead| bulkhead.concurrent.into()),
    ),
    gauge(
        "banyan_breaker_state",
        "How a breaker stands: 1 for the state that it is in",
        |row| {
            states(
                row.breakers
                    .iter()
                    .map(|one| (breaker(row, one), &*one.state)),
                &BREAKER_STATES,
            )
        },
    ),
    counter(
        "banyan_breaker_opened",
        "How often a breaker opened",
        |row| of_breakers(row, |one| one.opened),
    ),
    counter(
        "banyan_breaker_refused",
        "Requests that a breaker turned away",
        |row| of_breakers(row, |one| one.refused),
    ),
];

fn upstream(row: &UpstreamRow) -> Labels {
    vec![("upstream", row.name.clone())]
}

fn endpoint(row: &UpstreamRow, one: &EndpointRow) -> Labels {
    vec![
        ("upstream", row.name.clone()),
        ("endpoint", one.url.clone()),
    ]
}

fn breaker(row: &UpstreamRow, one: &BreakerRow) -> Labels {
    vec![
        ("route", one.route.clone()),
        ("side", one.side.clone()),
        ("upstream", row.name.clone()),
    ]
}

fn of_endpoints(row: &UpstreamRow, value: fn(&EndpointRow) -> u64) -> Values {
    let endpoints = row.endpoints.iter();
    endpoints
        .map(|one| (endpoint(row, one), value(one)))
        .collect()
}

fn of_breakers(row: &UpstreamRow, value: fn(&BreakerRow) -> u64) -> Values {
    let breakers = row.breakers.iter();
    breakers
        .map(|one| (breaker(row, one), value(one)))
        .collect()
}

fn of_bulkhead(row: &UpstreamRow, value: fn(&BulkheadRow) -> u64) -> Values {
    let bulkhead = row.bulkhead.iter();
    bulkhead.map(|one| (upstream(row), value(one))).collect()
}

fn by_word(row: &UpstreamRow, name: &'static str, counts: &BTreeMap<String, u64>) -> Values {
    let value = |(word, count): (&String, &u64)| {
        let mut labels = upstream(row);
        labels.push((name, word.clone()));
        (labels, *count)
    };
    counts.iter().map(value).collect()
}

/// Each state is there, so that an alert on one knows zero from nothing.
fn states<'a>(all: impl Iterator<Item = (Labels, &'a str)>, states: &[&'static str]) -> Values {
    let each = |(labels, current): (Labels, &str)| {
        let value = |state: &&'static str| {
            let mut labels = labels.clone();
            labels.push(("state", (*state).to_owned()));
            (labels, u64::from(*state == current))
        };
        states.iter().map(value).collect::<Values>()
    };
    all.flat_map(each).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
fn whole(microseconds: f64) -> u64 {
    microseconds as u64
}
