//! Who answers a route: one upstream, one of the two sides of a migration, or the file itself.

use crate::config::backend::{Changes, backend};
use crate::config::migration::{self, KEYS, Route, Written};
use crate::config::own;
use crate::config::report::Diagnostic;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::forward::config::OwnConfig;
use crate::route::config::{PathConfig, TargetConfig};

pub(super) fn read(
    table: &Table<'_>,
    route: &Route<'_>,
    changes: &Changes,
    path: Option<&PathConfig>,
) -> Option<TargetConfig> {
    let [upstream, legacy, service] = ["upstream", "legacy", "service"].map(|key| table.get(key));
    let written = migration::written(table, route.default_judge);
    let own = own(table, path);
    if table.has("redirect") || table.has("respond") {
        // Their own mistakes are worth saying as well.
        for value in [upstream, legacy, service].into_iter().flatten() {
            backend(&value, changes, path);
        }
        return own.map(|own| TargetConfig::Own(Box::new(own)));
    }
    let side = legacy.as_ref().or(service.as_ref());
    match (&upstream, side) {
        (None, None) => nobody_answers(table, &written),
        (Some(upstream), Some(side)) => two_answers(table, upstream, side),
        (Some(upstream), None) => no_migration(table, upstream),
        (None, Some(_)) => {}
    }
    if upstream.is_none() && side.is_none() {
        return None;
    }
    let read = |value: Option<Value<'_>>| value.and_then(|value| backend(&value, changes, path));
    if let Some(upstream) = upstream {
        read(legacy);
        read(service);
        return read(Some(upstream)).map(TargetConfig::Upstream);
    }
    let (legacy, service) = (read(legacy), read(service));
    let migration = migration::read(table, written, route, legacy, service)?;
    Some(TargetConfig::Migration(Box::new(migration)))
}

/// The keys that say what becomes of a request on its way, or when nobody answers.
const ON_THE_WAY: [&str; 5] = ["strip_prefix", "rewrite", "retry", "fallback", "sticky"];

/// `redirect` or `respond`, when the route has one.
fn own(table: &Table<'_>, path: Option<&PathConfig>) -> Option<OwnConfig> {
    let [redirect_at, respond_at] = ["redirect", "respond"].map(|key| table.at(key));
    let redirect = own::redirect(&table.table("redirect"), redirect_at.is_some(), path);
    let respond = own::respond(&table.table("respond"), respond_at.is_some());
    let place = redirect_at.as_ref().or(respond_at.as_ref())?;
    if let (Some(redirect), Some(respond)) = (&redirect_at, &respond_at) {
        let error = Diagnostic::error(respond, "the route is a redirect as well");
        let error = error.also(redirect, "here");
        table.reading.report(error.help("keep one of the two"));
    }
    let others = ["upstream", "legacy", "service"].into_iter();
    for key in others.chain(KEYS).chain(ON_THE_WAY) {
        if let Some(other) = table.at(key) {
            let said = "does nothing: the route answers itself and asks nobody";
            let error = Diagnostic::error(&other, said).also(place, "here");
            let help = format!("take out {key}, or {}", place.path);
            table.reading.report(error.help(help));
        }
    }
    let redirect = redirect.map(OwnConfig::Redirect);
    redirect.or(respond.map(OwnConfig::Respond))
}

fn nobody_answers(table: &Table<'_>, written: &Written) {
    let name = &table.place.path;
    let place = written.phase.as_ref().map(|phase| &phase.place);
    let error = match place {
        Some(place) => Diagnostic::error(place, "there is a phase, but no legacy and no service"),
        None => Diagnostic::error(&table.place, "does not say who answers"),
    };
    let help = format!(
        "add upstream = \"NAME\", or for a route that moves legacy, service and phase, to [{name}]; redirect and respond answer without asking anybody"
    );
    table.reading.report(error.help(help).needs_all());
}

fn two_answers(table: &Table<'_>, upstream: &Value<'_>, side: &Value<'_>) {
    let error = Diagnostic::error(&upstream.key, "the route has two sides as well");
    let error = error.also(&side.key, "a side of a migration");
    let help =
        "use upstream for a route outside the migration, legacy and service for one that moves";
    table.reading.report(error.help(help));
}

fn no_migration(table: &Table<'_>, upstream: &Value<'_>) {
    for key in KEYS.into_iter().filter(|key| table.has(key)) {
        let Some(place) = table.get(key).map(|value| value.key) else {
            continue;
        };
        let error = Diagnostic::error(&place, "belongs to a route with two sides");
        let error = error.also(&upstream.key, "but this one has upstream");
        let help = "write legacy = \"…\" and service = \"…\" instead of upstream, or take it out";
        table.reading.report(error.help(help));
    }
}
