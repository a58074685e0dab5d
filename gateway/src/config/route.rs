//! `[route.NAME]`, with what `[defaults.route]` and `[defaults.judge]` say for routes that don't.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, Method};

use crate::auth::config::AuthConfig;
use crate::config::access;
use crate::config::backend;
use crate::config::cors;
use crate::config::fallback;
use crate::config::judge::{Judge, judge};
use crate::config::listeners;
use crate::config::matching;
use crate::config::migration;
use crate::config::names::Kind;
use crate::config::report::{At, Place};
use crate::config::retry::{self, Retry};
use crate::config::slashes;
use crate::config::split::Flags;
use crate::config::sticky;
use crate::config::table::Table;
use crate::config::target;
use crate::config::value::Value;
use crate::forward::config::UnderscoreFields;
use crate::listener::config::Listener;
use crate::route::config::{HostConfig, PathConfig, RouteConfig, ValueConfig};
use crate::side::config::Sticky;

const TIMEOUT: Duration = Duration::from_secs(15);

/// What `"0s"` stands for: the longest time that can be written, so that whoever counts with it need not know.
const NO_TIMEOUT: Duration = Duration::from_hours(24 * 365);
const MAX_BODY: u64 = 10 * 1024 * 1024;

const UNDERSCORES: [(&str, UnderscoreFields); 2] = [
    ("drop", UnderscoreFields::Drop),
    ("keep", UnderscoreFields::Keep),
];

/// What a route is given where it says nothing itself.
pub(super) struct Defaults {
    /// The file has an internal listener.
    has_internal: bool,
    listeners: Option<BTreeSet<Listener>>,
    timeout: Option<At<Duration>>,
    client_deadline: bool,
    max_body: u64,
    /// There is no built-in one: public is said, not forgotten.
    auth: Option<At<AuthConfig>>,
    /// It is given, even if wrong.
    has_auth: bool,
    rate_limit: Vec<At<String>>,
    sticky: Option<Vec<At<Sticky>>>,
    judge: Judge,
}

/// A route, and the places that checks across the file speak of.
pub(super) struct Read {
    pub(super) config: RouteConfig,
    pub(super) header: Place,
    pub(super) auth: Place,
    /// Where `sticky` stands, when the route says it.
    pub(super) sticky: Option<Place>,
    pub(super) limits: Vec<At<String>>,
    /// Where its timeout stands, here or among the defaults.
    pub(super) timeout: Option<Place>,
    /// What it says of retries.
    pub(super) tries: Retry,
}

/// Which requests it takes.
struct Takes {
    path: Option<PathConfig>,
    hosts: Vec<HostConfig>,
    methods: Vec<Method>,
    headers: Vec<(HeaderName, ValueConfig)>,
    query: Vec<(String, ValueConfig)>,
}

impl Defaults {
    pub(super) fn read(defaults: &Table<'_>, has_internal: bool) -> Self {
        let table = &defaults.table("route");
        let auth = table.get("auth");
        let rate_limit = table.get("rate_limit").and_then(|value| limits(&value));
        Self {
            has_internal,
            listeners: listed(table, has_internal),
            timeout: timeout(table),
            client_deadline: client_deadline(table).unwrap_or(false),
            max_body: max_body(table).unwrap_or(MAX_BODY),
            has_auth: auth.is_some(),
            auth: auth.and_then(|value| access::read(&value)),
            rate_limit: rate_limit.unwrap_or_default(),
            sticky: table.get("sticky").and_then(|value| sticky::list(&value)),
            judge: judge(defaults, &Judge::default()),
        }
    }
}

/// A route with all that can be said about it; only one that could be read whole is given back.
pub(super) fn read(
    name: &str,
    table: &Table<'_>,
    defaults: &Defaults,
    flags: &Flags,
) -> Option<Read> {
    let (listeners, takes) = (found_on(table, defaults), takes(table));
    let auth = auth(table, defaults);
    let limits = limits_of(table).unwrap_or_else(|| defaults.rate_limit.clone());
    let timeout = timeout(table).or_else(|| defaults.timeout.clone());
    let client_deadline = client_deadline(table);
    let max_body = max_body(table).unwrap_or(defaults.max_body);
    let (slashes, cors, tries) = (slashes::read(table), cors::read(table), retry::read(table));
    let underscores = choice(table, "underscore_fields", &UNDERSCORES);
    let sticky = sticky(table, defaults, auth.as_ref());
    let changes = backend::changes(table, takes.path.as_ref());
    let known = migration::Route {
        name,
        auth: auth.as_ref(),
        methods: &takes.methods,
        flags,
        default_sticky: defaults.sticky.as_deref(),
        default_judge: &defaults.judge,
    };
    let target = target::read(table, &known, &changes, takes.path.as_ref());
    let fallback = fallback::Route {
        methods: &takes.methods,
        changes: &changes,
        path: takes.path.as_ref(),
        target: target.as_ref(),
    }
    .read(table);
    let [owner, note] = ["owner", "note"].map(|key| table.get(key).and_then(|value| value.text()));
    let auth = auth?;
    let config = RouteConfig {
        name: name.to_owned(),
        listeners,
        path: takes.path?,
        hosts: takes.hosts,
        methods: takes.methods,
        headers: takes.headers,
        query: takes.query,
        rate_limit: limits.iter().map(|limit| limit.value.clone()).collect(),
        timeout: timeout.as_ref().map_or(TIMEOUT, |at| at.value),
        client_deadline: client_deadline.unwrap_or(defaults.client_deadline),
        max_body,
        slashes: slashes.of(&auth.value),
        cors,
        underscore_fields: underscores.unwrap_or_default(),
        sticky,
        target: target?,
        retry: tries.config.clone(),
        fallback,
        auth: auth.value,
        owner,
        note,
    };
    Some(Read {
        config,
        header: table.place.clone(),
        auth: auth.place,
        sticky: table.get("sticky").map(|value| value.key),
        limits,
        timeout: timeout.map(|at| at.place),
        tries,
    })
}

fn takes(table: &Table<'_>) -> Takes {
    let path = table.required("path", "\"/prefix\", or { exact = \"/x\" }");
    Takes {
        path: path.and_then(|value| matching::path(&value)),
        hosts: each(table, "hosts", matching::host),
        methods: each(table, "methods", matching::method),
        headers: matching::headers(table),
        query: matching::query(table),
    }
}

fn auth(table: &Table<'_>, defaults: &Defaults) -> Option<At<AuthConfig>> {
    if let Some(own) = table.get("auth") {
        return access::read(&own);
    }
    if !defaults.has_auth {
        let error = table.missing("auth");
        table.reading.report(error.help(access::AUTH));
    }
    defaults.auth.clone()
}

fn choice<T: Copy>(table: &Table<'_>, key: &'static str, words: &[(&str, T)]) -> Option<T> {
    table.get(key)?.choice(words)
}

fn each<T: PartialEq>(
    table: &Table<'_>,
    key: &'static str,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Vec<T> {
    let read = table.get(key).and_then(|value| value.each(read));
    let read = read.unwrap_or_default().into_iter();
    read.map(|entry| entry.value).collect()
}

fn listed(table: &Table<'_>, has_internal: bool) -> Option<BTreeSet<Listener>> {
    listeners::of_route(&table.get("listeners")?, has_internal)
}

fn found_on(table: &Table<'_>, defaults: &Defaults) -> BTreeSet<Listener> {
    listed(table, defaults.has_internal)
        .or_else(|| defaults.listeners.clone())
        .unwrap_or_else(|| BTreeSet::from([Listener::Edge]))
}

fn sticky(table: &Table<'_>, defaults: &Defaults, auth: Option<&At<AuthConfig>>) -> Vec<Sticky> {
    let own = table.get("sticky").and_then(|value| sticky::list(&value));
    if let (Some(own), Some(auth)) = (&own, auth) {
        sticky::fits(table, own, auth);
    }
    match own.as_ref().or(defaults.sticky.as_ref()) {
        Some(list) => list.iter().map(|source| source.value.clone()).collect(),
        None => vec![Sticky::User],
    }
}

fn client_deadline(table: &Table<'_>) -> Option<bool> {
    table.get("client_deadline")?.boolean()
}

fn timeout(table: &Table<'_>) -> Option<At<Duration>> {
    let value = table.get("timeout")?;
    let read = value.duration()?;
    Some(value.at(if read.is_zero() { NO_TIMEOUT } else { read }))
}

fn max_body(table: &Table<'_>) -> Option<u64> {
    table.get("max_body")?.size()
}

/// An empty list of its own is one, too.
fn limits_of(table: &Table<'_>) -> Option<Vec<At<String>>> {
    let own = table.get("rate_limit")?;
    Some(limits(&own).unwrap_or_default())
}

fn limits(value: &Value<'_>) -> Option<Vec<At<String>>> {
    let read = value.words()?;
    for name in &read {
        let mut names = value.reading.names.borrow_mut();
        names.uses(Kind::Limit, name);
    }
    Some(read)
}
