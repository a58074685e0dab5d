//! What no table can see alone: routes that hide each other, limits that do not fit a route, tokens that end too
//! early, an upstream that is the edge itself.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::auth::config::{AuthConfig, IssuerConfig};
use crate::config::listeners::Listeners;
use crate::config::report::{At, Diagnostic, Place, quoted};
use crate::config::route::Read;
use crate::config::upstream;
use crate::listener::config::Listener;
use crate::rate_limit::config::{LimitKey, MissingKey, RateLimitConfig, When};
use crate::route::config::{RouteConfig, TargetConfig};

/// Routes are in the order of their names, which is the last thing that decides between them.
pub(super) fn hidden(routes: &[Read]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, second) in routes.iter().enumerate() {
        let first = routes[..index]
            .iter()
            .find(|first| hides(&first.config, &second.config));
        if let Some(first) = first {
            let (own, other) = (&second.config.listeners, &first.config.listeners);
            let shared: Vec<&str> = own.intersection(other).map(|one| one.as_str()).collect();
            let place = if own.is_subset(other) {
                String::new()
            } else {
                format!(" on the {} listener", shared.join(" and "))
            };
            let said = format!(
                "can never match{place}: {} takes the same requests",
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

/// Whether `first`, which wins a tie by its name, takes all that `second` could on some listener.
fn hides(first: &RouteConfig, second: &RouteConfig) -> bool {
    !first.listeners.is_disjoint(&second.listeners)
        && first.path == second.path
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

/// A sticky key outside the migration is only ever handed on.
pub(super) fn unread_keys(routes: &[Read], has_internal: bool) -> Vec<Diagnostic> {
    let outside = routes
        .iter()
        .filter(|route| matches!(route.config.target, TargetConfig::Upstream(_)));
    outside
        .filter_map(|route| route.sticky.as_ref().filter(|_| !has_internal))
        .map(|place| {
            let said = "does nothing: the route has no sides, and there is no [internal] listener to read the key";
            Diagnostic::warning(place, said)
                .help("add [internal], or take it out")
                .needs_all()
        })
        .collect()
}

/// A backend for frontends asks with the token that it was handed; without one it asks for nobody, and nothing fails.
pub(super) fn lost_tokens(
    routes: &[Read],
    issuers: &BTreeMap<String, (IssuerConfig, Place)>,
    has_internal: bool,
) -> Vec<Diagnostic> {
    let handing_on = routes
        .iter()
        .filter(|route| has_internal && hands_on(&route.config));
    handing_on
        .flat_map(|route| {
            let AuthConfig::Tokens(auth) = &route.config.auth else {
                return Vec::new();
            };
            let named = auth.issuers.iter().filter_map(|name| issuers.get(name));
            let keeping = named.filter(|(issuer, _)| !issuer.forward_token);
            keeping
                .map(|(issuer, place)| lost_token(route, issuer, place))
                .collect()
        })
        .collect()
}

fn hands_on(route: &RouteConfig) -> bool {
    route.listeners.contains(&Listener::Edge) && matches!(route.target, TargetConfig::Upstream(_))
}

fn lost_token(route: &Read, issuer: &IssuerConfig, place: &Place) -> Diagnostic {
    let name = &issuer.name;
    let said = format!("a BFF behind it would ask for nobody: tokens of {name} end at the edge");
    let help = format!(
        "set auth.issuer.{name}.forward_token = true; if no BFF stands behind this route, nothing is wrong"
    );
    Diagnostic::warning(&route.header, said)
        .also(place, "forward_token = false")
        .help(help)
}

/// An endpoint at a listener's own address answers itself until the last connection is used.
pub(super) fn loops(
    listeners: &Listeners,
    upstreams: &BTreeMap<String, (upstream::Read, Place)>,
) -> Vec<Diagnostic> {
    let edge = ("the edge", "edge.bind", listeners.edge.bind);
    let internal = listeners
        .internal
        .as_ref()
        .map(|internal| ("the internal listener", "internal.bind", internal.bind));
    let all = std::iter::once(edge).chain(internal);
    all.flat_map(|(name, key, bind)| {
        let looping = upstreams.values().filter(move |(upstream, _)| {
            let mut endpoints = upstream.config.endpoints.iter();
            endpoints.any(|endpoint| is_at(bind, &endpoint.host, endpoint.port))
        });
        looping.map(move |(_, place)| {
            let said = format!("one of its endpoints is {name} itself, {bind}");
            let help =
                format!("name the address of what answers behind the edge, or another {key}");
            Diagnostic::error(place, said).help(help).needs_all()
        })
    })
    .collect()
}

fn is_at(bind: SocketAddr, host: &str, port: u16) -> bool {
    let here = host
        .parse::<IpAddr>()
        .map_or(host == "localhost", |address| {
            address == bind.ip() || (bind.ip().is_unspecified() && address.is_loopback())
        });
    let local = bind.ip().is_loopback() || bind.ip().is_unspecified();
    port != 0 && port == bind.port() && here && (local || host != "localhost")
}
