//! The file as a whole: its tables in the order in which they need each other.

use std::collections::BTreeMap;

use crate::auth::config::IssuerConfig;
use crate::config::Config;
use crate::config::listeners::Listeners;
use crate::config::names::Kind;
use crate::config::report::{Diagnostic, Place};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::config::{
    check, dns, issuer, limit, listeners, log, patience, route, split, state, upstream, webhook,
};
use crate::notify::config::WebhookConfig;

/// The version of the file's language that this gateway speaks.
const VERSION: i64 = 1;

/// Reads everything; what is wrong is in the table's reading, and left out of what comes back.
pub(super) fn read(root: &Table<'_>) -> Config {
    version(root);
    let listeners = listeners::read(root);
    let log = log::read(&root.table("log"));
    let state = state::read(&root.table("state"));
    let dns = dns::read(&root.table("dns"));
    let defaults = root.table("defaults");
    let for_upstreams = upstream::Defaults::read(&defaults.table("upstream"));

    let issuers = issuers(&root.table("auth"));
    let limits = all(root, "rate_limit", Kind::Limit, limit::read);
    let upstreams = all(root, "upstream", Kind::Upstream, |name, table| {
        upstream::read(name, table, &for_upstreams)
    });
    let flags = all(root, "flag", Kind::Flag, |name, table| {
        Some(split::flag(name, table))
    });
    let flags = configs(flags);
    let webhooks = webhooks(root);
    let has_internal = listeners.internal.is_some();
    let for_routes = route::Defaults::read(&defaults, has_internal);
    let routes = routes(root, &for_routes, &flags);

    let limits = configs(limits);
    let names = root.reading.names.take();
    let found = names.check().into_iter();
    let found = found
        .chain(check::hidden(&routes))
        .chain(check::limits(&routes, &limits))
        .chain(check::unread_keys(&routes, has_internal))
        .chain(check::lost_tokens(&routes, &issuers, has_internal))
        .chain(patience::tries(&routes, &upstreams))
        .chain(check::loops(&listeners, &upstreams));
    for diagnostic in found {
        root.reading.report(diagnostic);
    }
    let Listeners {
        edge,
        internal,
        admin,
    } = listeners;
    Config {
        edge,
        internal,
        admin,
        log,
        state,
        dns,
        issuers: configs(issuers),
        rate_limits: limits,
        upstreams: configs(upstreams)
            .into_iter()
            .map(|(name, upstream)| (name, upstream.config))
            .collect(),
        flags,
        webhooks,
        routes: routes
            .into_iter()
            .map(|route| (route.config.name.clone(), route.config))
            .collect(),
    }
}

fn version(root: &Table<'_>) {
    let help = "write version = 1 at the top of the file";
    let Some(value) = root.get("version") else {
        root.reading.report(root.missing("version").help(help));
        return;
    };
    if let Some(version) = value.integer(0..=i64::MAX)
        && version != VERSION
    {
        let said = format!("{version} is not known: this gateway reads version {VERSION}");
        value.wrong(said, help);
    }
}

fn issuers(auth: &Table<'_>) -> BTreeMap<String, (IssuerConfig, Place)> {
    all(auth, "issuer", Kind::Issuer, |name, table| {
        not_none(name, table);
        issuer::read(name, table)
    })
}

/// All of them are told of everything, so nobody names them.
fn webhooks(root: &Table<'_>) -> BTreeMap<String, WebhookConfig> {
    let named = root.named("webhook").into_iter();
    named
        .filter_map(|(name, value)| explained(&value, |table| webhook::read(&name.value, table)))
        .map(|webhook| (webhook.name.clone(), webhook))
        .collect()
}

fn routes(root: &Table<'_>, defaults: &route::Defaults, flags: &split::Flags) -> Vec<route::Read> {
    let named = root.named("route");
    if named.is_empty() && !root.has("route") {
        let place = Place {
            path: "route".to_owned(),
            ..root.reading.beginning()
        };
        let error = Diagnostic::error(&place, "there is no route").needs_all();
        root.reading.report(error.help(
            "add one: [route.everything] with path = \"/\", auth = \"none\" and upstream = \"NAME\"",
        ));
    }
    named
        .into_iter()
        .filter_map(|(name, value)| {
            explained(&value, |table| {
                route::read(&name.value, table, defaults, flags)
            })
        })
        .collect()
}

/// All `[key.NAME]` tables, each known by its name from then on, even where it could not be read.
fn all<T>(
    parent: &Table<'_>,
    key: &'static str,
    kind: Kind,
    read: impl Fn(&str, &Table<'_>) -> Option<T>,
) -> BTreeMap<String, (T, Place)> {
    let mut all = BTreeMap::new();
    for (name, value) in parent.named(key) {
        let mut names = parent.reading.names.borrow_mut();
        names.define(kind, &name.value, &value.place);
        drop(names);
        if let Some(config) = explained(&value, |table| read(&name.value, table)) {
            all.insert(name.value, (config, value.place));
        }
    }
    all
}

/// Nothing is ever left out in silence, not even by a fault of a reader's.
fn explained<T>(value: &Value<'_>, read: impl FnOnce(&Table<'_>) -> Option<T>) -> Option<T> {
    let before = value.reading.mistakes();
    let config = value.table().and_then(|table| read(&table));
    if config.is_none() && value.reading.mistakes() == before {
        let help = "this is a fault of the gateway: please report it, with the file";
        value.wrong("cannot be read, though nothing seems wrong with it", help);
    }
    config
}

fn configs<T>(all: BTreeMap<String, (T, Place)>) -> BTreeMap<String, T> {
    let without_places = all.into_iter().map(|(name, (config, _))| (name, config));
    without_places.collect()
}

/// `auth = "none"` would mean two things.
fn not_none(name: &str, table: &Table<'_>) {
    if name == "none" {
        let error = Diagnostic::error(&table.place, "an issuer cannot be called none");
        let help = "auth = \"none\" means that everybody may come in";
        table.reading.report(error.help(help));
    }
}
