//! A number for which requests a route takes and where they lead, by which whoever keeps answers knows which of them are
//! of the past.
//!
//! It is the same in every process with the same file, and another one as soon as they lead elsewhere or are split
//! otherwise, or any route takes other requests.

mod fnv;
mod matching;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use chassis::handover::{State, Token};
use strangler::{People, Split};

use self::fnv::Fnv;
pub use self::matching::{Matching, matching};
use super::config::{PathConfig, RouteConfig, TargetConfig};
use crate::forward::config::{
    BackendConfig, EndpointConfig, FallbackAnswer, HostPolicy, Lookup, OwnConfig, PathRewrite,
    UpstreamConfig,
};
use crate::side::config::{MigrationConfig, OverrideConfig, OverrideRequire, Sticky};

/// One route's fingerprint.
pub fn token(
    route: &RouteConfig,
    matching: Matching,
    upstreams: &BTreeMap<String, UpstreamConfig>,
) -> Token {
    let mut hash = Fnv::default();
    hash.number(matching.0);
    let place = Place { route, upstreams };
    if let Some(fallback) = &route.fallback
        && let FallbackAnswer::Upstream(backend) = &fallback.answer
    {
        hash.text("fallback");
        place.backend(backend, &mut hash);
    }
    match &route.target {
        TargetConfig::Upstream(backend) => {
            hash.text("upstream");
            place.backend(backend, &mut hash);
        }
        TargetConfig::Migration(migration) => {
            hash.text("migration");
            for side in [&migration.legacy, &migration.service] {
                hash.number(side.is_some().into());
                if let Some(backend) = side {
                    place.backend(backend, &mut hash);
                }
            }
            rules(migration, &mut hash);
            hash.list(route.sticky.iter().map(source));
        }
        TargetConfig::Own(own) => {
            hash.text("own");
            hash.text(&own.to_string());
            if let OwnConfig::Respond(respond) = &**own {
                hash.text(&respond.body);
                hash.bytes(respond.content_type.as_bytes());
            }
        }
    }
    Token::new(hash.end(), route.target.canary().is_some())
}

/// The fingerprint of all routes, by their names and their own.
pub fn state<'a>(tokens: impl IntoIterator<Item = (&'a str, Token)>) -> State {
    let mut hash = Fnv::default();
    let mut has_cohorts = false;
    for (name, token) in tokens {
        hash.text(name);
        hash.number(token.0);
        has_cohorts |= token.has_cohorts();
    }
    State::new(hash.end(), has_cohorts)
}

struct Place<'a> {
    route: &'a RouteConfig,
    upstreams: &'a BTreeMap<String, UpstreamConfig>,
}

impl Place<'_> {
    fn backend(&self, backend: &BackendConfig, hash: &mut Fnv) {
        hash.text(&backend.upstream);
        let upstream = self.upstreams.get(&backend.upstream);
        // Among equals, their order leads nowhere else.
        let endpoints = upstream.into_iter().flat_map(|one| &one.endpoints);
        let endpoints: BTreeSet<String> = endpoints.map(endpoint).collect();
        match upstream.and_then(|one| one.endpoints_file.as_ref()) {
            // What it holds changes at another moment in each process, and its folder may be another one.
            Some(file) => {
                hash.text("file");
                hash.list(file.file_name().map(OsStr::to_string_lossy));
            }
            None => hash.list(endpoints),
        }
        match (&backend.host, upstream.map(|one| &one.host)) {
            (Some(name), _) | (None, Some(HostPolicy::Name(name))) => {
                hash.text("name");
                hash.bytes(name.as_bytes());
            }
            (None, Some(HostPolicy::Endpoint)) => hash.text("endpoint"),
            (None, Some(HostPolicy::Preserve) | None) => hash.text("preserve"),
        }
        match (&backend.path, &self.route.path) {
            (PathRewrite::Keep, _) => hash.text("keep"),
            (PathRewrite::Full(path), _) => {
                hash.text("full");
                hash.text(path);
            }
            // What is replaced decides as much as what replaces it.
            (PathRewrite::Prefix(new), old) => {
                hash.text("prefix");
                hash.text(match old {
                    PathConfig::Prefix(old) => old,
                    PathConfig::Exact(_) | PathConfig::Pattern(_) | PathConfig::Regex(_) => "",
                });
                hash.text(new);
            }
        }
    }
}

fn endpoint(endpoint: &EndpointConfig) -> String {
    let EndpointConfig {
        lookup,
        host,
        port,
        base_path,
        weight: _,
    } = endpoint;
    match lookup {
        Lookup::Address => format!("[{host}]:{port}{base_path}"),
        Lookup::Srv => format!("srv {host}{base_path}"),
    }
}

/// The flag's name is no part of it: what it decides is.
fn rules(migration: &MigrationConfig, hash: &mut Fnv) {
    hash.text(migration.phase_in_force().as_str());
    hash.number((migration.forced_legacy || migration.over.killed).into());
    if migration.over.rolled_back {
        hash.text("rolled back");
    }
    hash.text(&migration.salt);
    hash.number(migration.epoch_in_force().into());
    let Split {
        enabled,
        percent: _,
        methods,
        allow,
        deny,
    } = &migration.split;
    hash.number((*enabled).into());
    hash.number(migration.share_in_force().hundredths().into());
    hash.list(methods);
    for People { users, groups } in [allow, deny] {
        hash.list(users);
        hash.list(groups);
    }
    let chooser = migration.chooser.as_ref();
    hash.list(chooser.into_iter().map(override_of));
}

fn override_of(chooser: &OverrideConfig) -> String {
    let OverrideConfig { header, require } = chooser;
    match require {
        OverrideRequire::Scope(scope) => format!("{header} scope:{scope}"),
        OverrideRequire::Cidr(network) => format!("{header} cidr:{network}"),
    }
}

fn source(source: &Sticky) -> String {
    match source {
        Sticky::User => "user".to_owned(),
        Sticky::Cookie(name) => format!("cookie:{name}"),
        Sticky::Header(name) => format!("header:{name}"),
        Sticky::Visitor => "visitor".to_owned(),
    }
}

#[cfg(test)]
mod tests;
