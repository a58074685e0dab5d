//! How the upstreams stand: what `banyan upstreams` shows, admin tells, and metrics count.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use upstream::breaker::{Breaker, State};
use upstream::budget::Budget;
use upstream::fleet::Shown;
use upstream::{Upstream, tally};
use utoipa::ToSchema;

use crate::snapshot::Snapshot;

/// All upstreams of the file in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Upstreams {
    /// The file in force.
    pub generation: u64,
    /// By name.
    pub upstreams: Vec<UpstreamRow>,
}

/// One upstream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct UpstreamRow {
    /// Its name.
    pub name: String,
    /// Which endpoint gets the next request.
    pub balance: String,
    /// So few endpoints are well that all are asked.
    pub panic: bool,
    /// How many tries went to any endpoint because of that.
    pub panics: u64,
    /// Why its endpoints cannot be found out, if so; the last good answer stays.
    pub trouble: Option<String>,
    /// Where it listens, in the order of the file.
    pub endpoints: Vec<EndpointRow>,
    /// How many requests it may have at once, where that is bounded.
    pub bulkhead: Option<BulkheadRow>,
    /// How many tries may come on top of the requests.
    pub budget: BudgetRow,
    /// Further tries, by what they came after.
    pub retries: BTreeMap<String, u64>,
    /// Failures that asked for a further try and got none, by why.
    pub stopped: BTreeMap<String, u64>,
    /// Kept connections that were closed just when they were used, and replaced.
    pub stale: u64,
    /// The breakers of the routes that lead to it.
    pub breakers: Vec<BreakerRow>,
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EndpointRow {
    /// Where it is.
    pub url: String,
    /// Its share beside the others'.
    pub weight: u32,
    /// `up`, `slow_start` (it grows into its share), `ejected` (its failures have put it out) or `down` (health checks say
    /// that it is ill).
    pub state: String,
    /// Why it gets no requests.
    pub reason: Option<String>,
    /// Since when, seconds since 1970.
    pub since: Option<f64>,
    /// When it comes back at the latest, seconds since 1970; nothing where only a health check can say so.
    pub until: Option<f64>,
    /// Requests that it has not finished answering.
    pub in_flight: u32,
    /// How long its answers took of late, peaks for longer; nothing while nothing is known.
    pub ewma_ms: Option<f64>,
    /// Tries that ended.
    pub tries: u64,
    /// Those of them that failed.
    pub failures: u64,
    /// How often its failures have put it out.
    pub ejections: u64,
}

/// One bulkhead.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BulkheadRow {
    /// Requests that it lets through at once.
    pub concurrent: u32,
    /// Those that it has now.
    pub held: u32,
    /// Requests that found no place.
    pub refused: u64,
}

/// One retry budget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BudgetRow {
    /// It counts over so many seconds.
    pub seconds: u64,
    /// Requests in that time.
    pub requests: u64,
    /// Retries in that time.
    pub retries: u64,
    /// Retries that may still come in it.
    pub left: u64,
}

/// One breaker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BreakerRow {
    /// Of which route.
    pub route: String,
    /// Of which side of it: `legacy`, `service`, `fallback`, or `none` where it has no sides.
    pub side: String,
    /// `closed`, `open`, `half_open` (a few requests find out) or `recovering` (a growing share is let through).
    pub state: String,
    /// Until when it is open, seconds since 1970.
    pub until: Option<f64>,
    /// Requests in its window. Of an open one: those that it opened for.
    pub calls: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// Those of them that were slow.
    pub slow: u64,
    /// How often it opened.
    pub opened: u64,
    /// How many requests it turned away.
    pub refused: u64,
}

/// When something is said.
#[derive(Clone, Copy)]
struct Now {
    unix: f64,
    instant: Instant,
}

/// As they stand at `unix`, which is now.
pub fn upstreams(snapshot: &Snapshot, unix: Duration) -> Upstreams {
    let now = Now {
        unix: unix.as_secs_f64(),
        instant: Instant::now(),
    };
    let upstreams = snapshot.upstreams.values();
    Upstreams {
        generation: snapshot.generation,
        upstreams: upstreams.map(|one| row(snapshot, one, now)).collect(),
    }
}

fn row(snapshot: &Snapshot, upstream: &Upstream, now: Now) -> UpstreamRow {
    let written = snapshot.config.upstreams.get(&upstream.name);
    let share = written.map_or(0.0, |written| written.retry.budget);
    let budget = upstream.budget.view(now.instant, share);
    let tally::Counts {
        retries,
        stopped,
        stale,
        bulkhead_full,
        panics,
    } = upstream.tally.counts();
    let fleet = &upstream.fleet;
    UpstreamRow {
        name: upstream.name.clone(),
        balance: fleet.settings().balance.to_string(),
        panic: fleet.panics(),
        panics,
        trouble: snapshot
            .endpoints
            .get(&upstream.name)
            .and_then(|endpoints| endpoints.discovery.trouble()),
        endpoints: fleet
            .shown(now.instant)
            .into_iter()
            .map(|shown| endpoint(shown, now))
            .collect(),
        bulkhead: upstream.bulkhead.as_ref().map(|bulkhead| BulkheadRow {
            concurrent: bulkhead.settings().concurrent,
            held: bulkhead.held(),
            refused: bulkhead_full,
        }),
        budget: BudgetRow {
            seconds: Budget::WINDOW.as_secs(),
            requests: budget.requests,
            retries: budget.retries,
            left: budget.left,
        },
        retries: by_word(retries.map(|(cause, count)| (cause.as_str(), count))),
        stopped: by_word(stopped.map(|(why, count)| (why.as_str(), count))),
        stale,
        breakers: breakers(snapshot, &upstream.name, now),
    }
}

fn by_word<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    let counts = counts.into_iter();
    counts
        .map(|(word, count)| (word.to_owned(), count))
        .collect()
}

fn endpoint(shown: Shown, now: Now) -> EndpointRow {
    EndpointRow {
        url: shown.url,
        weight: shown.weight,
        state: shown.state.as_str().to_owned(),
        reason: shown.reason,
        since: shown.since.map(|ago| now.unix - ago.as_secs_f64()),
        until: shown.ejected_for.map(|wait| now.unix + wait.as_secs_f64()),
        in_flight: shown.in_flight,
        ewma_ms: shown.ewma.map(|took| took.as_secs_f64() * 1e3),
        tries: shown.tries,
        failures: shown.failures,
        ejections: shown.ejections,
    }
}

fn breakers(snapshot: &Snapshot, upstream: &str, now: Now) -> Vec<BreakerRow> {
    let all = snapshot.routes.iter().flat_map(|route| {
        let sides = route.declared();
        sides.map(|(side, backend)| (route.name.as_str(), side, backend))
    });
    let here = all.filter(|(_, _, backend)| backend.upstream.name == upstream);
    here.filter_map(|(route, side, backend)| {
        let breaker = backend.breaker.as_deref()?;
        Some(breaker_row((route, side), breaker, now))
    })
    .collect()
}

fn breaker_row((route, side): (&str, &str), breaker: &Breaker, now: Now) -> BreakerRow {
    let view = breaker.view(now.instant);
    let (state, left) = match view.state {
        State::Closed => ("closed", None),
        State::Open { left } => ("open", Some(left)),
        State::HalfOpen => ("half_open", None),
        State::Recovering => ("recovering", None),
    };
    BreakerRow {
        route: route.to_owned(),
        side: side.to_owned(),
        state: state.to_owned(),
        until: left.map(|left| now.unix + left.as_secs_f64()),
        calls: view.calls,
        failed: view.failed,
        slow: view.slow,
        opened: view.opened,
        refused: view.refused,
    }
}
