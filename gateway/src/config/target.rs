//! Who answers a route: one upstream, or one of the two sides of a migration.

use crate::config::backend::{Changes, backend};
use crate::config::migration::{self, KEYS, Route, Written};
use crate::config::report::Diagnostic;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::route::config::{PathConfig, TargetConfig};

pub(super) fn read(
    table: &Table<'_>,
    route: &Route<'_>,
    changes: &Changes,
    path: Option<&PathConfig>,
) -> Option<TargetConfig> {
    let [upstream, legacy, service] = ["upstream", "legacy", "service"].map(|key| table.get(key));
    let written = migration::written(table, route.default_judge);
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

fn nobody_answers(table: &Table<'_>, written: &Written) {
    let name = &table.place.path;
    let place = written.phase.as_ref().map(|phase| &phase.place);
    let error = match place {
        Some(place) => Diagnostic::error(place, "there is a phase, but no legacy and no service"),
        None => Diagnostic::error(&table.place, "does not say who answers"),
    };
    let help = format!(
        "add upstream = \"NAME\", or for a route that moves legacy, service and phase, to [{name}]"
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
