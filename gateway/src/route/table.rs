//! Which route wins: the Gateway API's precedence, compiled so that a look-up costs the same with ten routes or ten
//! thousand.
//!
//! Host (exact, then the longer wildcard, then none), then path (exact, then the longer literal part; on a tie prefix,
//! pattern, regex), then method, then more fields, then more query parameters, then the name's alphabet.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use regex_automata::meta::Regex;

use super::conditions::{Asked, BadRegex, Conditions, Unmet, regex};
use super::config::{HostConfig, PathConfig, RouteConfig};
use crate::listener::config::Listener;

type Lookup = HashMap<Box<str>, Vec<usize>, ahash::RandomState>;

/// The compiled table. Routes are known by their place in the list that it was made from.
#[derive(Debug)]
pub struct Table {
    entries: Vec<Entry>,
    exact_hosts: HashMap<Box<str>, Group, ahash::RandomState>,
    /// Longest first.
    suffix_hosts: Vec<(String, Group)>,
    any_host: Group,
}

/// One host of one route; the list is in order of precedence.
#[derive(Debug)]
struct Entry {
    route: usize,
    host: Option<HostConfig>,
    path: PathMatch,
    conditions: Conditions,
}

#[derive(Debug)]
enum PathMatch {
    Exact(String),
    Prefix(String),
    Pattern(String),
    Regex(Box<Regex>, usize),
}

/// The entries of one host, found by path.
#[derive(Debug, Default)]
struct Group {
    exact: Lookup,
    prefix: Lookup,
    /// Patterns and expressions, in order of precedence.
    dynamic: Vec<usize>,
}

/// Why a route did not win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It takes other hosts.
    Host,
    /// It takes other paths.
    Path,
    /// Another condition does not hold.
    Unmet(Unmet),
    /// It matches too, but the winner comes first.
    LessSpecific,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => f.write_str("the host is not among its hosts"),
            Self::Path => f.write_str("the path does not match"),
            Self::Unmet(unmet) => unmet.fmt(f),
            Self::LessSpecific => f.write_str("it matches too, but is less specific"),
        }
    }
}

impl Table {
    /// From the file's routes, in the file's order: those of one listener, each under its place among all.
    pub fn compile<'a>(
        listener: Listener,
        routes: impl IntoIterator<Item = &'a RouteConfig>,
    ) -> Result<Self, BadRegex> {
        let mut ranked = Vec::new();
        let routes = routes.into_iter().enumerate();
        for (index, route) in routes.filter(|(_, route)| route.listeners.contains(&listener)) {
            let mut hosts: Vec<_> = route.hosts.iter().cloned().map(Some).collect();
            if hosts.is_empty() {
                hosts.push(None);
            }
            for host in hosts {
                let path = PathMatch::compile(&route.path)?;
                let conditions = Conditions::compile(route)?;
                let rank = (
                    host_rank(host.as_ref()),
                    path.rank(),
                    Reverse(conditions.rank()),
                    route.name.clone(),
                );
                ranked.push((
                    rank,
                    Entry {
                        route: index,
                        host,
                        path,
                        conditions,
                    },
                ));
            }
        }
        ranked.sort_by(|(a, _), (b, _)| a.cmp(b));
        let entries = ranked.into_iter().map(|(_, entry)| entry).collect();
        Ok(Self::grouped(entries))
    }

    fn grouped(entries: Vec<Entry>) -> Self {
        let mut table = Self {
            entries: Vec::new(),
            exact_hosts: HashMap::default(),
            suffix_hosts: Vec::new(),
            any_host: Group::default(),
        };
        for (index, entry) in entries.iter().enumerate() {
            let group = match &entry.host {
                None => &mut table.any_host,
                Some(HostConfig::Exact(host)) => {
                    table.exact_hosts.entry(host.as_str().into()).or_default()
                }
                Some(HostConfig::Suffix(suffix)) => suffix_group(&mut table.suffix_hosts, suffix),
            };
            group.add(index, &entry.path);
        }
        table.entries = entries;
        table
    }

    /// The winner's place in the list of routes.
    pub fn find(&self, asked: &Asked<'_>) -> Option<usize> {
        let exact = self.exact_hosts.get(asked.host).into_iter();
        let suffix = self
            .suffix_hosts
            .iter()
            .filter(|(suffix, _)| is_below(asked.host, suffix))
            .map(|(_, g)| g);
        let mut groups = exact.chain(suffix).chain(std::iter::once(&self.any_host));
        groups
            .find_map(|group| group.find(&self.entries, asked))
            .map(|entry| self.entries[entry].route)
    }

    /// Whether any route asks for a host, so that the caller need not bring one into normal form.
    pub fn asks_for_hosts(&self) -> bool {
        !self.exact_hosts.is_empty() || !self.suffix_hosts.is_empty()
    }

    /// Every route that did not win, in order of precedence, and why.
    pub fn losers(&self, asked: &Asked<'_>) -> Vec<(usize, Lost)> {
        let winner = self.find(asked);
        let mut told = Vec::new();
        for entry in &self.entries {
            if Some(entry.route) != winner && told.iter().all(|(route, _)| *route != entry.route) {
                told.push((entry.route, entry.lost(asked)));
            }
        }
        told
    }

    /// The routes in the order in which they are asked.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        let mut seen = std::collections::HashSet::new();
        self.entries
            .iter()
            .map(|entry| entry.route)
            .filter(move |route| seen.insert(*route))
    }
}

impl Entry {
    fn lost(&self, asked: &Asked<'_>) -> Lost {
        if !self.takes_host(asked.host) {
            Lost::Host
        } else if !self.path.takes(asked.path) {
            Lost::Path
        } else {
            self.conditions
                .unmet(asked)
                .map_or(Lost::LessSpecific, Lost::Unmet)
        }
    }

    fn takes_host(&self, host: &str) -> bool {
        match &self.host {
            None => true,
            Some(HostConfig::Exact(exact)) => exact == host,
            Some(HostConfig::Suffix(suffix)) => is_below(host, suffix),
        }
    }
}

impl Group {
    fn add(&mut self, entry: usize, path: &PathMatch) {
        match path {
            PathMatch::Exact(exact) => self
                .exact
                .entry(exact.as_str().into())
                .or_default()
                .push(entry),
            PathMatch::Prefix(prefix) => self
                .prefix
                .entry(prefix.as_str().into())
                .or_default()
                .push(entry),
            PathMatch::Pattern(_) | PathMatch::Regex(..) => self.dynamic.push(entry),
        }
    }

    fn find(&self, entries: &[Entry], asked: &Asked<'_>) -> Option<usize> {
        let holds = |entry: &&usize| entries[**entry].conditions.hold(asked);
        if let Some(found) = self
            .exact
            .get(asked.path)
            .and_then(|list| list.iter().find(holds))
        {
            return Some(*found);
        }
        let mut dynamic = self.dynamic.iter().peekable();
        let mut length = asked.path.trim_end_matches('/').len();
        loop {
            // Whatever has a longer literal part than this prefix comes before it.
            while let Some(entry) =
                dynamic.next_if(|entry| entries[**entry].path.literal() > length)
            {
                if entries[*entry].path.takes(asked.path) && holds(&entry) {
                    return Some(*entry);
                }
            }
            let list = self.prefix.get(&asked.path[..length]);
            if let Some(found) = list.and_then(|list| list.iter().find(holds)) {
                return Some(*found);
            }
            let Some(shorter) = asked.path[..length].rfind('/') else {
                break;
            };
            length = shorter;
        }
        dynamic
            .find(|entry| entries[**entry].path.takes(asked.path) && holds(entry))
            .copied()
    }
}

impl PathMatch {
    fn compile(path: &PathConfig) -> Result<Self, BadRegex> {
        Ok(match path {
            PathConfig::Exact(path) => Self::Exact(path.clone()),
            PathConfig::Prefix(path) => Self::Prefix(path.clone()),
            PathConfig::Pattern(path) => Self::Pattern(path.clone()),
            PathConfig::Regex(expression) => {
                Self::Regex(Box::new(regex(expression)?), literal_beginning(expression))
            }
        })
    }

    fn rank(&self) -> (bool, Reverse<usize>, u8) {
        let kind = match self {
            Self::Exact(_) | Self::Prefix(_) => 0,
            Self::Pattern(_) => 1,
            Self::Regex(..) => 2,
        };
        (
            !matches!(self, Self::Exact(_)),
            Reverse(self.literal()),
            kind,
        )
    }

    /// How many characters of the path are given literally, from its start.
    fn literal(&self) -> usize {
        match self {
            Self::Exact(path) | Self::Prefix(path) => path.len(),
            Self::Pattern(path) => path.find('{').unwrap_or(path.len()),
            Self::Regex(_, literal) => *literal,
        }
    }

    fn takes(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Self::Pattern(pattern) => takes_pattern(pattern, path),
            Self::Regex(regex, _) => regex.is_match(path),
        }
    }
}

fn takes_pattern(pattern: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let segments_fit = pattern.split('/').all(|segment| {
        let variable = segment.starts_with('{') && segment.ends_with('}');
        given.next().is_some_and(|given| {
            if variable {
                !given.is_empty()
            } else {
                segment == given
            }
        })
    });
    segments_fit && given.next().is_none()
}

/// `^/v[12]/` begins with `/v` for certain.
fn literal_beginning(expression: &str) -> usize {
    let Some(anchored) = expression.strip_prefix('^') else {
        return 0;
    };
    let literal = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
    let length = anchored.chars().take_while(literal).count();
    // `/ab?` and `/ab*` need no b; `/a|/b` needs no a.
    match anchored[length..].chars().next() {
        Some('?' | '*' | '{') => length.saturating_sub(1),
        _ if expression.contains('|') => 0,
        _ => length,
    }
}

fn host_rank(host: Option<&HostConfig>) -> (u8, Reverse<usize>) {
    match host {
        Some(HostConfig::Exact(_)) => (0, Reverse(0)),
        Some(HostConfig::Suffix(suffix)) => (1, Reverse(suffix.len())),
        None => (2, Reverse(0)),
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.len() > suffix.len() && host.ends_with(suffix)
}

fn suffix_group<'a>(groups: &'a mut Vec<(String, Group)>, suffix: &str) -> &'a mut Group {
    // Entries come in order of precedence, so a new suffix is never longer than those before it.
    let at = groups
        .iter()
        .position(|(known, _)| known == suffix)
        .unwrap_or_else(|| {
            groups.push((suffix.to_owned(), Group::default()));
            groups.len() - 1
        });
    &mut groups[at].1
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod conformance;
