//! Whether the tries of an upstream fit into the time of the routes that use it.

use std::collections::BTreeMap;

use ::upstream::retry::Settings;

use crate::config::report::{Diagnostic, Place};
use crate::config::route;
use crate::config::units::show_duration;
use crate::config::upstream;
use crate::forward::config::{BackendConfig, FallbackAnswer};
use crate::route::config::{RouteConfig, TargetConfig};

/// All that is wrong between routes and their upstreams. What is said twice is said once by the report.
pub(super) fn tries(
    routes: &[route::Read],
    upstreams: &BTreeMap<String, (upstream::Read, Place)>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for route in routes {
        for backend in backends(&route.config) {
            if let Some((upstream, _)) = upstreams.get(&backend.upstream) {
                found.extend(between(route, upstream));
            }
        }
    }
    found
}

fn backends(route: &RouteConfig) -> Vec<&BackendConfig> {
    let mut all = match &route.target {
        TargetConfig::Upstream(backend) => vec![backend],
        TargetConfig::Migration(migration) => [&migration.legacy, &migration.service]
            .into_iter()
            .flatten()
            .collect(),
        TargetConfig::Own(_) => Vec::new(),
    };
    if let Some(fallback) = &route.fallback
        && let FallbackAnswer::Upstream(backend) = &fallback.answer
    {
        all.push(backend);
    }
    all
}

fn between(route: &route::Read, upstream: &upstream::Read) -> Vec<Diagnostic> {
    let (settings, wrong) = route.tries.over(&upstream.config.retry);
    let tries = route.tries.clone().below(&upstream.tries);
    let too_long = tries.per_try_at.as_ref();
    let too_long = too_long.and_then(|at| longer_than_the_route(at, &settings, route));
    let never = match (&tries.on_timeout_at, &tries.per_try_at) {
        (Some(at), None) => Some(no_try_ends(at)),
        (None, Some(at)) if !settings.on.timeout => Some(nothing_follows(at)),
        _ => None,
    };
    [wrong, too_long, never].into_iter().flatten().collect()
}

fn longer_than_the_route(
    at: &Place,
    settings: &Settings,
    route: &route::Read,
) -> Option<Diagnostic> {
    let per_try = settings.per_try_timeout?;
    let whole = route.config.timeout;
    if per_try <= whole {
        return None;
    }
    let (name, whole) = (&route.config.name, show_duration(whole));
    let said = format!(
        "{} is longer than route {name} waits in all, {whole}",
        show_duration(per_try)
    );
    let error = Diagnostic::error(at, said);
    let error = match &route.timeout {
        Some(timeout) => error.also(timeout, format!("{whole} for all tries")),
        None => error.also(&route.header, format!("no timeout of its own: {whole}")),
    };
    let help = "a second try would never begin: write less here, or a longer timeout there";
    Some(error.help(help).needs_all())
}

fn no_try_ends(at: &Place) -> Diagnostic {
    let said = "never happens: no try times out before the route does";
    let help = "add per_try_timeout, less than the route's timeout, or take it out";
    Diagnostic::warning(at, said).help(help).needs_all()
}

fn nothing_follows(at: &Place) -> Diagnostic {
    let said = "does nothing: `on` does not list timeout, so a slow try is not made again";
    let help = "add \"timeout\" to on, or take it out";
    Diagnostic::warning(at, said).help(help).needs_all()
}
