//! What no table can see alone: routes that hide each other, limits that do not fit a route, an upstream that is
//! the edge itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::auth::config::AuthConfig;
use crate::config::report::{At, Diagnostic, Place, quoted};
use crate::config::route::Read;
use crate::forward::config::UpstreamConfig;
use crate::rate_limit::config::{LimitKey, MissingKey, RateLimitConfig, When};
use crate::route::config::RouteConfig;

/// Routes are in the order of their names, which is the last thing that decides between them.
pub(super) fn hidden(routes: &[Read]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, second) in routes.iter().enumerate() {
        let first = routes[..index]
            .iter()
            .find(|first| hides(&first.config, &second.config));
        if let Some(first) = first {
            let said = format!(
                "can never match: {} takes the same requests",
                first.config.name
            );
            let error = Diagnostic::error(&second.header, said);
            let error = error.also(&first.header, "first in the alphabet, so this one wins");
            let help = "give one of them another path, host, method, header or query";
            found.push(error.help(help).needs_all());
        }
    }
    found
}

/// Whether `first`, which wins a tie by its name, takes all that `second` could.
fn hides(first: &RouteConfig, second: &RouteConfig) -> bool {
    first.path == second.path
        && covers(&first.hosts, &second.hosts)
        && covers(&first.methods, &second.methods)
        && same(&first.headers, &second.headers)
        && same(&first.query, &second.query)
}

/// A list ranks before none, so only two lists or two empty ones can tie.
fn covers<T: PartialEq>(first: &[T], second: &[T]) -> bool {
    first.is_empty() == second.is_empty() && second.iter().all(|one| first.contains(one))
}

fn same<T: PartialEq>(first: &[T], second: &[T]) -> bool {
    first.len() == second.len() && second.iter().all(|one| first.contains(one))
}

/// Limits that ask who is calling, on routes that don't.
pub(super) fn limits(
    routes: &[Read],
    limits: &BTreeMap<String, RateLimitConfig>,
) -> Vec<Diagnostic> {
    let public = routes
        .iter()
        .filter(|route| route.config.auth == AuthConfig::Public);
    public
        .flat_map(|route| {
            route
                .limits
                .iter()
                .filter_map(|name| limit_on_public(route, name, limits.get(&name.value)?))
        })
        .collect()
}

/// An error only where every request would be refused; else the limit still does something, and defaults for all
/// routes often list one that fits only some.
fn limit_on_public(route: &Read, name: &At<String>, limit: &RateLimitConfig) -> Option<Diagnostic> {
    let by_caller = match &limit.key {
        LimitKey::User => "users",
        LimitKey::Claim(_) => "a claim",
        LimitKey::Ip | LimitKey::Header(_) | LimitKey::Route => "",
    };
    let place = Place {
        path: format!("{}.rate_limit", route.header.path),
        span: name.place.span.clone(),
    };
    let limit_name = quoted(&name.value);
    let found = if limit.when == When::Authenticated {
        let said =
            format!("{limit_name} runs for known callers, and nobody is known here: it never runs");
        Diagnostic::warning(&place, said).help("take it out of this route")
    } else if by_caller.is_empty() {
        return None;
    } else if limit.on_missing_key == MissingKey::Deny {
        let said =
            format!("{limit_name} counts by {by_caller} and denies the rest: nobody could come in");
        Diagnostic::error(&place, said).help("use on_missing_key = \"ip\", or a limit by address")
    } else {
        let said = format!(
            "{limit_name} counts by {by_caller}, and nobody is known here: addresses count instead"
        );
        Diagnostic::warning(&place, said).help("use a limit with key = \"ip\" on a public route")
    };
    Some(found.also(&route.auth, "public").needs_all())
}

/// An endpoint at the edge's own address answers itself until the last connection is used.
pub(super) fn loops(
    edge: SocketAddr,
    upstreams: &BTreeMap<String, (UpstreamConfig, Place)>,
) -> Vec<Diagnostic> {
    let is_edge = |host: &str, port: u16| {
        let here = host
            .parse::<IpAddr>()
            .map_or(host == "localhost", |address| {
                address == edge.ip() || (edge.ip().is_unspecified() && address.is_loopback())
            });
        let local = edge.ip().is_loopback() || edge.ip().is_unspecified();
        port != 0 && port == edge.port() && here && (local || host != "localhost")
    };
    upstreams
        .values()
        .filter(|(upstream, _)| upstream.endpoints.iter().any(|e| is_edge(&e.host, e.port)))
        .map(|(_, place)| {
            Diagnostic::error(
                place,
                format!("one of its endpoints is the edge itself, {edge}"),
            )
            .help("name the address of what answers behind the edge, or another edge.bind")
            .needs_all()
        })
        .collect()
}
