//! Who answers, and what the path and host become on the way: a route's `upstream`, `legacy`, `service`,
//! `strip_prefix` and `rewrite`.

use http::HeaderValue;

use crate::config::matching::take_path;
use crate::config::names::Kind;
use crate::config::report::{At, Diagnostic, Place};
use crate::config::table::Table;
use crate::config::upstream::host_name;
use crate::config::value::Value;
use crate::forward::config::{BackendConfig, PathRewrite};
use crate::route::config::PathConfig;

/// What a route or one of its sides changes; nothing said is not the same as "stays".
#[derive(Clone, Default)]
pub(super) struct Changes {
    path: Option<PathRewrite>,
    host: Option<HeaderValue>,
}

/// Reads `strip_prefix` and `rewrite` of a route or side. `path` is the route's, when it could be read.
pub(super) fn changes(table: &Table<'_>, path: Option<&PathConfig>) -> Changes {
    let strip = table.get("strip_prefix");
    let rewrite = table.table("rewrite");
    let host = rewrite.get("host");
    Changes {
        path: changed_path(&rewrite, strip.as_ref(), path),
        host: host.and_then(|value| host_name(&value, &value.word()?)),
    }
}

/// `path` and `full_path` of a table, beside a `strip_prefix`.
pub(super) fn changed_path(
    table: &Table<'_>,
    strip: Option<&Value<'_>>,
    path: Option<&PathConfig>,
) -> Option<PathRewrite> {
    let strip_says = strip.and_then(Value::boolean);
    let prefix = table.get("path");
    let full = table.get("full_path");
    let strips = strip.filter(|_| strip_says == Some(true));
    only_one(table, &[strips, prefix.as_ref(), full.as_ref()]);
    for value in [strips, prefix.as_ref()].into_iter().flatten() {
        needs_a_prefix(value, path);
    }
    let prefix = prefix.map(|value| {
        let new = rewritten(&value).unwrap_or_default();
        PathRewrite::Prefix(new.trim_end_matches('/').to_owned())
    });
    let full = full.map(|value| PathRewrite::Full(rewritten(&value).unwrap_or_default()));
    let stripped = strip_says.map(|strips| {
        if strips {
            PathRewrite::Prefix(String::new())
        } else {
            PathRewrite::Keep
        }
    });
    prefix.or(full).or(stripped)
}

fn only_one(table: &Table<'_>, given: &[Option<&Value<'_>>]) {
    let given: Vec<&Value<'_>> = given.iter().flatten().copied().collect();
    if let [first, second, ..] = given.as_slice() {
        let error = Diagnostic::error(&second.key, "the path would change in two ways");
        let error = error.also(&first.key, "here already");
        table.reading.report(error.help("keep one of the two"));
    }
}

fn needs_a_prefix(value: &Value<'_>, path: Option<&PathConfig>) {
    let kind = match path {
        None | Some(PathConfig::Prefix(_)) => return,
        Some(PathConfig::Exact(_)) => "an exact path",
        Some(PathConfig::Pattern(_)) => "a pattern",
        Some(PathConfig::Regex(_)) => "a regular expression",
    };
    let error = Diagnostic::error(
        &value.key,
        format!("there is no prefix: the route takes {kind}"),
    );
    value
        .reading
        .report(error.help("use full_path instead, or make the route's path a prefix"));
}

fn rewritten(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    take_path(value, &text)
}

/// A name, or a table when this side speaks another path or host. What it does not say itself, the route says.
pub(super) fn backend(
    value: &Value<'_>,
    route: &Changes,
    path: Option<&PathConfig>,
) -> Option<BackendConfig> {
    if value.is_list() {
        value.wrong(
            "must be a name or a table, found a list",
            "this release sends a route to one upstream; name it",
        );
        return None;
    }
    if !value.is_table() {
        let upstream = named(value)?;
        return Some(BackendConfig {
            upstream: upstream.value,
            path: route.path.clone().unwrap_or_default(),
            host: route.host.clone(),
        });
    }
    let table = value.table()?;
    let own = changes(&table, path);
    let upstream = table.required("upstream", "\"NAME\", the name of an [upstream.NAME]");
    let upstream = named(&upstream?)?;
    Some(BackendConfig {
        upstream: upstream.value,
        path: own.path.or_else(|| route.path.clone()).unwrap_or_default(),
        host: own.host.or_else(|| route.host.clone()),
    })
}

fn named(value: &Value<'_>) -> Option<At<String>> {
    let name = value.at(value.word()?);
    let mut names = value.reading.names.borrow_mut();
    names.uses(Kind::Upstream, &name);
    Some(name)
}

/// The place of a key that a table does not have.
pub(super) fn nowhere(table: &Table<'_>, key: &str) -> Place {
    Place {
        path: format!("{}.{key}", table.place.path),
        span: table.place.span.clone(),
    }
}
