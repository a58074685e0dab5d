//! Changes of one upstream, and of what a route says of retries.

use upstream::balance::{Balance, HashBy};
use upstream::health::Statuses;
use upstream::{breaker, bulkhead, ejection, health, retry};

use super::{Changes, words};
use crate::config::units::show_duration;
use crate::forward::config::{EndpointConfig, HostPolicy, RetryConfig, UpstreamConfig};

/// Keys and what they say.
type Said = Vec<(&'static str, String)>;

pub(super) fn between(changes: &mut Changes, old: &UpstreamConfig, new: &UpstreamConfig) {
    let name = &format!("upstream {}", new.name);
    changes.say(format!("{name} endpoints"), endpoints(old), endpoints(new));
    say(changes, name, &plain(old), &plain(new));
    for (table, old, new) in [
        (
            "health",
            old.health.as_ref().map(checks),
            new.health.as_ref().map(checks),
        ),
        (
            "ejection",
            Some(ejections(old.ejection)),
            Some(ejections(new.ejection)),
        ),
        (
            "breaker",
            old.breaker.as_ref().map(breaks),
            new.breaker.as_ref().map(breaks),
        ),
        (
            "bulkhead",
            old.bulkhead.map(places),
            new.bulkhead.map(places),
        ),
        ("retry", Some(tries(&old.retry)), Some(tries(&new.retry))),
    ] {
        let name = &format!("{name} {table}");
        match (old, new) {
            (None, None) => {}
            (Some(old), Some(new)) => say(changes, name, &old, &new),
            (old, new) => changes.say(name, on_or_off(old.is_some()), on_or_off(new.is_some())),
        }
    }
}

fn say(changes: &mut Changes, name: &str, old: &Said, new: &Said) {
    for ((key, old), (_, new)) in old.iter().zip(new) {
        changes.say(format!("{name} {key}"), old, new);
    }
}

fn on_or_off(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

/// A file's own changes are said when they are taken over, not when the routes file is.
fn endpoints(upstream: &UpstreamConfig) -> String {
    if let Some(file) = &upstream.endpoints_file {
        return format!("in {}", file.display());
    }
    let weighted = |endpoint: &EndpointConfig| match endpoint.weight {
        1 => endpoint.to_string(),
        weight => format!("{endpoint} (weight {weight})"),
    };
    words(upstream.endpoints.iter().map(weighted))
}

fn plain(upstream: &UpstreamConfig) -> Said {
    vec![
        ("balance", balance(&upstream.balance)),
        ("slow_start", show_duration(upstream.slow_start)),
        ("host", host(&upstream.host)),
        ("connect_timeout", show_duration(upstream.connect_timeout)),
        ("pool_idle", upstream.pool_idle.to_string()),
        (
            "pool_idle_timeout",
            show_duration(upstream.pool_idle_timeout),
        ),
    ]
}

fn balance(balance: &Balance) -> String {
    match balance {
        Balance::PowerOfTwo => "p2c".to_owned(),
        Balance::RoundRobin => "round_robin".to_owned(),
        Balance::Random => "random".to_owned(),
        Balance::LeastRequest => "least_request".to_owned(),
        Balance::Hash(HashBy::User) => "hash:user".to_owned(),
        Balance::Hash(HashBy::Ip) => "hash:ip".to_owned(),
        Balance::Hash(HashBy::Header(name)) => format!("hash:header:{name}"),
        Balance::Hash(HashBy::Cookie(name)) => format!("hash:cookie:{name}"),
    }
}

fn host(host: &HostPolicy) -> String {
    match host {
        HostPolicy::Preserve => "preserve".to_owned(),
        HostPolicy::Endpoint => "endpoint".to_owned(),
        HostPolicy::Name(name) => String::from_utf8_lossy(name.as_bytes()).into_owned(),
    }
}

fn checks(settings: &health::Settings) -> Said {
    vec![
        ("path", settings.path.clone()),
        (
            "statuses",
            words(settings.statuses.iter().copied().map(statuses)),
        ),
        ("interval", show_duration(settings.interval)),
        ("timeout", show_duration(settings.timeout)),
        ("healthy", settings.healthy.to_string()),
        ("unhealthy", settings.unhealthy.to_string()),
    ]
}

fn statuses(statuses: Statuses) -> String {
    match statuses {
        Statuses::One(status) => status.as_u16().to_string(),
        Statuses::Class(class) => format!("{class}xx"),
    }
}

fn ejections(settings: ejection::Settings) -> Said {
    vec![
        ("consecutive_5xx", settings.consecutive_5xx.to_string()),
        ("interval", show_duration(settings.interval)),
        ("base", show_duration(settings.base)),
        ("max_percent", settings.max_percent.to_string()),
        ("panic_below", settings.panic_below.to_string()),
    ]
}

fn breaks(settings: &breaker::Settings) -> Said {
    vec![
        ("failure_rate", settings.failure_rate.to_string()),
        ("count_500", settings.count_500.to_string()),
        ("slow_rate", settings.slow_rate.to_string()),
        ("slower_than", show_duration(settings.slower_than)),
        ("window", show_duration(settings.window)),
        ("min_calls", settings.min_calls.to_string()),
        ("open", show_duration(settings.open)),
        ("open_max", show_duration(settings.open_max)),
        ("probes", settings.probes.to_string()),
    ]
}

fn places(settings: bulkhead::Settings) -> Said {
    vec![
        ("concurrent", settings.concurrent.to_string()),
        ("wait", show_duration(settings.wait)),
    ]
}

fn tries(settings: &retry::Settings) -> Said {
    let all = RetryConfig {
        attempts: Some(settings.attempts),
        per_try_timeout: settings.per_try_timeout,
        backoff: Some(settings.backoff),
        backoff_max: Some(settings.backoff_max),
        budget: Some(settings.budget),
        on: Some(settings.on),
        methods: Some(settings.methods.clone()),
    };
    own_tries(&all)
}

fn own_tries(written: &RetryConfig) -> Said {
    fn said<T>(written: Option<T>, show: impl Fn(T) -> String) -> String {
        written.map_or_else(|| "none".to_owned(), show)
    }
    vec![
        (
            "attempts",
            said(written.attempts, |attempts| attempts.to_string()),
        ),
        (
            "per_try_timeout",
            said(written.per_try_timeout, show_duration),
        ),
        ("backoff", said(written.backoff, show_duration)),
        ("backoff_max", said(written.backoff_max, show_duration)),
        ("budget", said(written.budget, |budget| budget.to_string())),
        ("on", said(written.on, after)),
        ("methods", said(written.methods.as_ref(), words)),
    ]
}

fn after(on: retry::On) -> String {
    words(
        [
            ("connect", on.connect),
            ("refused", on.refused),
            ("reset_before_head", on.reset_before_head),
            ("timeout", on.timeout),
            ("500", on.internal),
            ("502", on.bad_gateway),
            ("503", on.unavailable),
            ("504", on.gateway_timeout),
        ]
        .into_iter()
        .filter_map(|(word, listed)| listed.then_some(word)),
    )
}

/// What a route says of retries.
pub(super) fn retry(changes: &mut Changes, route: &str, old: &RetryConfig, new: &RetryConfig) {
    let name = format!("{route} retry");
    say(changes, &name, &own_tries(old), &own_tries(new));
}
