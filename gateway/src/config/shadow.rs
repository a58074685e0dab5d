//! `[route.NAME.shadow]`: what is copied to the other side of a migration, and how the answers are compared.

use std::ops::RangeInclusive;

use http::Method;
use strangler::{Gate, PathPattern, Phase, Rules, Tolerance, Unordered};

use crate::config::matching::{header_name, method};
use crate::config::report::{At, Diagnostic, Place, listed, quoted};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::shadow::config::{Credentials, ShadowConfig, is_safe};

const CREDENTIALS: [(&str, Credentials); 3] = [
    ("identity", Credentials::Identity),
    ("none", Credentials::None),
    ("forward", Credentials::Forward),
];

const MIB: usize = 1024 * 1024;
const REQUESTS: RangeInclusive<usize> = 1..=16 * MIB;

/// What is longer takes too long to look at.
const ANSWERS: RangeInclusive<usize> = 1..=4 * MIB;

/// How a JSON path is written.
const PATHS: &str = "write a path such as \"$.items[*].price\" or \"$..email\"";

/// What the file says of copies, before it is known whether anything may be copied.
pub(super) struct Shadow {
    config: ShadowConfig,
    /// Where the table stands, when the file has it.
    at: Option<Place>,
}

/// Reads the table; its defaults where there is none.
pub(super) fn shadow(route: &Table<'_>) -> Shadow {
    let at = route.at("shadow");
    let table = route.table("shadow");
    let default = ShadowConfig::default();
    let boolean = |key| table.get(key).and_then(|value| value.boolean());
    let percent = |key| table.get(key).and_then(|value| value.percent());
    let body = |key, bounds| table.get(key)?.size_within(bounds);
    let credentials = table.get("credentials");
    let reverse = boolean("reverse").unwrap_or(default.reverse);
    let compare = boolean("compare").unwrap_or(default.compare);
    let (methods, writes) = methods(&table, reverse);
    let config = ShadowConfig {
        percent: percent("percent").unwrap_or(default.percent),
        reverse,
        compare,
        methods: methods.unwrap_or(default.methods),
        writes,
        credentials: credentials
            .and_then(|value| value.choice(&CREDENTIALS))
            .unwrap_or(default.credentials),
        timeout: table
            .get("timeout")
            .and_then(|value| value.wait())
            .unwrap_or(default.timeout),
        queue: number(&table, "queue", 1..=65_536).unwrap_or(default.queue),
        concurrency: number(&table, "concurrency", 1..=1024).unwrap_or(default.concurrency),
        max_body: body("max_body", REQUESTS).unwrap_or(default.max_body),
        max_response: body("max_response", ANSWERS).unwrap_or(default.max_response),
        noise: percent("noise_percent").unwrap_or(default.noise),
        rules: rules(&table, default.rules),
        gate: gate(&table, compare, default.gate),
    };
    Shadow { config, at }
}

impl Shadow {
    /// Whether there is anything to copy to; gives what holds in this phase. In phase shadow that is the defaults where
    /// the file has no table.
    pub(super) fn of_route(
        &self,
        route: &Table<'_>,
        phase: Option<&At<Phase>>,
    ) -> Option<Box<ShadowConfig>> {
        let is_shadow = phase.is_some_and(|phase| phase.value == Phase::Shadow);
        if let Some(at) = &self.at {
            needs_both(route, phase, at, "copied");
        }
        (is_shadow || self.at.is_some()).then(|| Box::new(self.config.clone()))
    }
}

/// A table means nothing where a side is missing, so that nothing can be copied, or judged.
pub(super) fn needs_both(
    route: &Table<'_>,
    phase: Option<&At<Phase>>,
    table: &Place,
    what_is_done: &str,
) {
    let is_needed = |phase| matches!(phase, Phase::Shadow | Phase::Canary | Phase::Migrated);
    // A phase that needs both sides says so itself.
    if phase.is_none_or(|phase| is_needed(phase.value)) {
        return;
    }
    let mut sides = ["legacy", "service"].into_iter();
    if let Some(side) = sides.find(|side| !route.has(side)) {
        let said = format!("nothing can be {what_is_done}: the route has no {side}");
        let help = format!("add {side} = \"NAME\", or take [{}] out", table.path);
        let error = Diagnostic::error(table, said).needs_all();
        route.reading.report(error.help(help));
    }
}

/// Which methods, and whether writes may be among them.
fn methods(table: &Table<'_>, reverse: bool) -> (Option<Vec<Method>>, bool) {
    let given = table.get("methods");
    let listed_methods = given.as_ref().and_then(|value| value.each(method));
    let says = |key| {
        let value = table.get(key);
        value.and_then(|value| value.boolean()).unwrap_or(false)
    };
    let (writes, sandbox) = (says("unsafe_methods"), says("target_is_sandbox"));
    if let (Some(value), Some([])) = (&given, listed_methods.as_deref())
        && value.list().is_some_and(|list| list.is_empty())
    {
        value.wrong(
            "is empty: nothing would be copied",
            "list methods, such as \"GET\" and \"HEAD\"",
        );
    }
    let missing: Vec<&str> = [("unsafe_methods", writes), ("target_is_sandbox", sandbox)]
        .into_iter()
        .filter_map(|(key, said)| (!said).then_some(key))
        .collect();
    for write in listed_methods.iter().flatten() {
        if is_safe(&write.value) {
            continue;
        }
        let name = &write.value;
        if !missing.is_empty() {
            let said = format!("{name} may change something: a copy would do it twice");
            let error = Diagnostic::error(&write.place, said);
            let keys: Vec<String> = missing.iter().map(|key| format!("{key} = true")).collect();
            let help = format!(
                "take it out; or, where the side that gets the copies is a sandbox, add {}",
                listed(&keys, "and")
            );
            table.reading.report(error.help(help));
        } else if reverse {
            let said = format!("{name} would be copied to legacy once the route is migrated");
            let error = Diagnostic::error(&write.place, said);
            let error = match table.at("reverse") {
                Some(reverse) => error.also(&reverse, "the other way round"),
                None => error,
            };
            table.reading.report(
                error.help("legacy is no sandbox: list safe methods only, or take reverse out"),
            );
        }
    }
    let methods = listed_methods.map(|list| list.into_iter().map(|at| at.value).collect());
    (methods, writes && sandbox)
}

fn rules(table: &Table<'_>, default: Rules) -> Rules {
    let headers = table.get("compare_headers");
    let headers = headers.and_then(|value| {
        let name = |value: &Value<'_>| header_name(value, &value.text()?, "content-type");
        let names = value.each(name)?.into_iter();
        Some(names.map(|at| at.value.to_string()).collect())
    });
    Rules {
        ignore: paths(table, "ignore"),
        unordered: unordered(table),
        tolerance: tolerance(table),
        redact: paths(table, "redact"),
        headers: headers.unwrap_or(default.headers),
    }
}

fn number(table: &Table<'_>, key: &'static str, bounds: RangeInclusive<u32>) -> Option<usize> {
    let read = table.get(key)?.integer(bounds)?;
    usize::try_from(read).ok()
}

fn paths(table: &Table<'_>, key: &'static str) -> Vec<PathPattern> {
    let read = table.get(key).and_then(|value| value.each(path_of));
    let read = read.unwrap_or_default().into_iter();
    read.map(|at| at.value).collect()
}

/// A JSON path. What is wrong with it is underlined inside the text.
fn path_of(value: &Value<'_>) -> Option<PathPattern> {
    let text = value.word()?;
    match text.parse::<PathPattern>() {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            let place = inside(value, &text, error.at).unwrap_or_else(|| value.place.clone());
            let said = format!("{} is no JSON path: {error}", quoted(&text));
            let error = Diagnostic::error(&place, said).help(PATHS);
            value.reading.report(error);
            None
        }
    }
}

/// The place of a byte of a text, where the text stands in the file as it is.
fn inside(value: &Value<'_>, text: &str, at: usize) -> Option<Place> {
    let span = &value.place.span;
    let written = value.reading.source.text.get(span.clone())?;
    let quotes = written.len().checked_sub(text.len())? / 2;
    if written.get(quotes..quotes + text.len()) != Some(text) {
        return None;
    }
    let start = span.start + quotes + at.min(text.len());
    let width = text.get(at..).and_then(|rest| rest.chars().next());
    Some(Place {
        path: value.place.path.clone(),
        span: start..start + width.map_or(1, char::len_utf8),
    })
}

/// The tables of a list, each with a path of its own.
fn each<T>(
    table: &Table<'_>,
    key: &'static str,
    example: &str,
    read: impl Fn(&Table<'_>) -> Option<T>,
) -> Vec<(PathPattern, T)> {
    let mut seen: Vec<At<PathPattern>> = Vec::new();
    let mut all = Vec::new();
    let entries = table.get(key).and_then(|value| value.list());
    for entry in entries.unwrap_or_default() {
        if !entry.is_table() {
            let error = entry.wrong_type("a table");
            entry.reading.report(error.help(format!("write {example}")));
            continue;
        }
        let Some(entry) = entry.table() else {
            continue;
        };
        let path = entry.required("path", "\"$.items\"");
        let path = path.and_then(|value| Some(value.at(path_of(&value)?)));
        let rest = read(&entry);
        let Some(path) = path else {
            continue;
        };
        if let Some(first) = seen.iter().find(|other| other.value == path.value) {
            let error = Diagnostic::error(&path.place, "is listed twice");
            let error = error.also(&first.place, "here first");
            table.reading.report(error.help("keep one of the two"));
            continue;
        }
        all.extend(rest.map(|rest| (path.value.clone(), rest)));
        seen.push(path);
    }
    all
}

fn unordered(table: &Table<'_>) -> Vec<Unordered> {
    let example = "{ path = \"$.items\", key = \"id\" }";
    let read = each(table, "unordered", example, |entry| {
        Some(entry.get("key").and_then(|value| value.word()))
    });
    read.into_iter()
        .map(|(path, key)| Unordered { path, key })
        .collect()
}

fn tolerance(table: &Table<'_>) -> Vec<Tolerance> {
    let example = "{ path = \"$.total\", abs = 0.005 }";
    let read = each(table, "tolerance", example, |entry| {
        let abs = entry.required("abs", "0.005, how far apart the numbers may be")?;
        abs.number(|abs| abs >= 0.0, "0 or more, such as 0.005")
    });
    read.into_iter()
        .map(|(path, abs)| Tolerance { path, abs })
        .collect()
}

fn gate(table: &Table<'_>, compare: bool, default: Gate) -> Gate {
    let at = table.at("gate");
    let table = table.table("gate");
    let rate = table.get("max_mismatch_rate").and_then(|value| {
        let bounds = "from 0 to 1, such as 0.001 for one pair in a thousand";
        value.number(|rate| (0.0..=1.0).contains(&rate), bounds)
    });
    let least = table.get("min_compared");
    let least = least.and_then(|value| value.integer(1..=u32::MAX));
    if let Some(at) = at.filter(|_| !compare) {
        let error = Diagnostic::error(&at, "with compare = false no pair is ever compared");
        let help = "take out the gate, or compare = false";
        table.reading.report(error.help(help));
    }
    Gate {
        min_compared: least.map_or(default.min_compared, u64::from),
        max_mismatch_rate: rate.unwrap_or(default.max_mismatch_rate),
    }
}
