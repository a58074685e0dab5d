//! Which route takes which requests. Of all routes at once: what one takes, the others leave, so a route that is added or
//! takes more changes what another one's answers are still good for.

use std::collections::BTreeSet;

use super::fnv::Fnv;
use crate::route::config::{HostConfig, PathConfig, RouteConfig, ValueConfig};

/// How all routes share the requests among them: a part of the token of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matching(pub(super) u64);

/// `routes` come in the order of their names, which is the last thing that decides between them.
pub fn matching<'a>(routes: impl IntoIterator<Item = &'a RouteConfig>) -> Matching {
    let mut hash = Fnv::default();
    for route in routes {
        hash.text(&route.name);
        hash.list(route.listeners.iter().map(|listener| listener.as_str()));
        let (form, path) = path(&route.path);
        hash.text(form);
        hash.text(path);
        set(route.hosts.iter().map(host), &mut hash);
        set(route.methods.iter().map(|one| [one.as_str()]), &mut hash);
        let headers = route.headers.iter();
        set(
            headers.map(|(name, value)| of(name.as_str(), value)),
            &mut hash,
        );
        let query = route.query.iter();
        set(query.map(|(name, value)| of(name, value)), &mut hash);
    }
    Matching(hash.end())
}

fn path(path: &PathConfig) -> (&'static str, &str) {
    match path {
        PathConfig::Prefix(path) => ("prefix", path),
        PathConfig::Exact(path) => ("exact", path),
        PathConfig::Pattern(path) => ("pattern", path),
        PathConfig::Regex(path) => ("regex", path),
    }
}

fn host(host: &HostConfig) -> [&str; 2] {
    match host {
        HostConfig::Exact(name) => ["exact", name],
        HostConfig::Suffix(name) => ["suffix", name],
    }
}

fn of<'a>(name: &'a str, value: &'a ValueConfig) -> [&'a str; 3] {
    match value {
        ValueConfig::Exact(value) => [name, "exact", value],
        ValueConfig::Regex(value) => [name, "regex", value],
    }
}

/// All of them hold or one of them is enough: either way their order in the file decides nothing.
fn set<'a, const N: usize>(parts: impl Iterator<Item = [&'a str; N]>, hash: &mut Fnv) {
    let parts: BTreeSet<_> = parts.collect();
    hash.number(parts.len() as u64);
    for text in parts.into_iter().flatten() {
        hash.text(text);
    }
}
