//! `[route.NAME.fallback]`: who answers when the backend does not.

use http::Method;
use upstream::health::Statuses;

use crate::config::backend::{Changes, backend};
use crate::config::matching::method;
use crate::config::own::respond;
use crate::config::policy::statuses;
use crate::config::report::{Diagnostic, listed};
use crate::config::table::Table;
use crate::config::value::{Value, unknown_word};
use crate::forward::config::{BackendConfig, FallbackAnswer, FallbackConfig, FallbackOn};
use crate::route::config::{PathConfig, TargetConfig};

const WHO: &str = "add upstream = \"NAME\", or respond = { status = 200, body = \"…\" }";

/// The words of `on`; the statuses stand for all that begin with 5.
const CAUSES: [&str; 9] = [
    "connect", "reset", "timeout", "breaker", "bulkhead", "5xx", "502", "503", "504",
];

/// One word of `on`.
#[derive(PartialEq, Eq)]
enum Cause {
    Connect,
    Reset,
    Timeout,
    Breaker,
    Bulkhead,
    Answered(Statuses),
}

/// What the table needs to know of its route.
pub(super) struct Route<'a> {
    pub(super) methods: &'a [Method],
    pub(super) changes: &'a Changes,
    pub(super) path: Option<&'a PathConfig>,
    pub(super) target: Option<&'a TargetConfig>,
}

impl Route<'_> {
    /// Reads the table; `None` where the route has none.
    pub(super) fn read(&self, table: &Table<'_>) -> Option<FallbackConfig> {
        let is_written = table.has("fallback");
        let fallback = table.table("fallback");
        let answer = answer(&fallback, self, is_written);
        let on = fallback.get("on").and_then(|value| on(&value));
        let methods = methods(&fallback, self, is_written);
        Some(FallbackConfig {
            answer: answer?,
            on: on.unwrap_or_default(),
            methods,
        })
    }
}

fn answer(table: &Table<'_>, route: &Route<'_>, is_written: bool) -> Option<FallbackAnswer> {
    let upstream = table.get("upstream");
    let respond_at = table.at("respond");
    let respond = respond(&table.table("respond"), respond_at.is_some());
    match (&upstream, &respond_at) {
        (None, None) if is_written => {
            let error = Diagnostic::error(&table.place, "does not say who answers");
            table.reading.report(error.help(WHO).needs_all());
        }
        (Some(upstream), Some(respond)) => {
            let error = Diagnostic::error(respond, "an upstream is named as well");
            let error = error.also(&upstream.key, "here");
            table.reading.report(error.help("keep one of the two"));
        }
        _ => {}
    }
    let Some(upstream) = upstream else {
        return respond.map(FallbackAnswer::Respond);
    };
    let backend = backend(&upstream, route.changes, route.path)?;
    if route
        .target
        .is_some_and(|target| asks_only(target, &backend))
    {
        upstream.wrong(
            "is who did not answer",
            "name another upstream, or write respond = { status = 200, body = \"…\" }",
        );
    }
    Some(FallbackAnswer::Upstream(backend))
}

/// Whether the route has nobody else to ask.
fn asks_only(target: &TargetConfig, fallback: &BackendConfig) -> bool {
    let same = |backend: &BackendConfig| backend.upstream == fallback.upstream;
    match target {
        TargetConfig::Upstream(backend) => same(backend),
        TargetConfig::Migration(migration) => {
            let mut sides = [&migration.legacy, &migration.service]
                .into_iter()
                .flatten();
            sides.all(same)
        }
        TargetConfig::Own(_) => false,
    }
}

fn on(value: &Value<'_>) -> Option<FallbackOn> {
    let listed = value.each(cause)?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty: the fallback would never answer",
            "list some of \"connect\", \"timeout\", \"breaker\" and \"5xx\"",
        );
        return None;
    }
    let has = |cause: &Cause| listed.iter().any(|listed| listed.value == *cause);
    Some(FallbackOn {
        connect: has(&Cause::Connect),
        reset: has(&Cause::Reset),
        timeout: has(&Cause::Timeout),
        breaker: has(&Cause::Breaker),
        bulkhead: has(&Cause::Bulkhead),
        statuses: listed
            .iter()
            .filter_map(|listed| match listed.value {
                Cause::Answered(statuses) => Some(statuses),
                _ => None,
            })
            .collect(),
    })
}

fn cause(value: &Value<'_>) -> Option<Cause> {
    let text = value.text()?;
    Some(match text.as_str() {
        "connect" => Cause::Connect,
        "reset" => Cause::Reset,
        "timeout" => Cause::Timeout,
        "breaker" => Cause::Breaker,
        "bulkhead" => Cause::Bulkhead,
        _ => match statuses(&text) {
            Some(statuses) if is_failure(statuses) => Cause::Answered(statuses),
            Some(_) => {
                value.wrong(
                    "is what the backend says to this caller, not that it fails",
                    "write \"5xx\", or some of \"500\" to \"599\"",
                );
                return None;
            }
            None => {
                let error = unknown_word(&value.place, &text, &CAUSES);
                value.reading.report(error);
                return None;
            }
        },
    })
}

fn is_failure(statuses: Statuses) -> bool {
    match statuses {
        Statuses::One(status) => status.is_server_error(),
        Statuses::Class(class) => class == 5,
    }
}

/// GET and HEAD unless it says others. Those that the route does not take would never come.
fn methods(table: &Table<'_>, route: &Route<'_>, is_written: bool) -> Vec<Method> {
    let value = table.get("methods");
    let read = value.as_ref().and_then(|value| value.each(method));
    let read = read.map(|read| read.into_iter().map(|at| at.value).collect());
    let methods: Vec<Method> = read.unwrap_or_else(|| vec![Method::GET, Method::HEAD]);
    let taken = route.methods.is_empty() || methods.iter().any(|one| route.methods.contains(one));
    if is_written && !taken {
        let said = format!(
            "the route takes {} only: it would never answer",
            listed(route.methods, "and")
        );
        let place = value.map_or_else(|| table.place.clone(), |value| value.place);
        let error = Diagnostic::error(&place, said).needs_all();
        let help =
            "write methods, those for which the fallback may answer; GET and HEAD are the default";
        table.reading.report(error.help(help));
    }
    methods
}
