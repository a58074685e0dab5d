//! `health`, `ejection`, `breaker` and `bulkhead` of `[upstream.NAME]`.

use std::time::Duration;

use http::StatusCode;
use http::uri::PathAndQuery;
use upstream::health::Statuses;
use upstream::{breaker, bulkhead, ejection, health};

use crate::config::report::{Diagnostic, quoted};
use crate::config::table::Table;
use crate::config::units::show_duration;
use crate::config::value::Value;

const RATE: &str = "more than 0 and at most 1, such as 0.5";
const MOST_IN_A_ROW: u32 = 100;
const MOST_AT_ONCE: u32 = 1_000_000;

/// Shorter ones see next to nothing, and longer ones are no news.
const WINDOWS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_mins(10));

/// How endpoints are checked, when the table is there.
pub(super) fn health(upstream: &Table<'_>) -> Option<health::Settings> {
    let table = upstream.table("health");
    let is_written = table.is_written();
    let default = health::Settings::default();
    let path = if is_written {
        table.required("path", "\"/healthz\", what answers when it is well")
    } else {
        table.get("path")
    };
    let path = path.and_then(|value| checked_path(&value));
    let statuses = table.get("statuses");
    let statuses = statuses.and_then(|value| good(&value));
    let interval = wait(&table, "interval").unwrap_or(default.interval);
    let timeout = table.get("timeout");
    let allowed = timeout.as_ref().and_then(Value::wait);
    if let (Some(value), Some(allowed)) = (&timeout, allowed)
        && allowed > interval
    {
        let interval = show_duration(interval);
        let said = format!("is longer than the interval, {interval}: checks would overlap");
        let error = Diagnostic::error(&value.place, said);
        let error = match table.at("interval") {
            Some(interval) => error.also(&interval, "this one"),
            None => error,
        };
        let help = format!("write {interval} or less, or a longer interval");
        table.reading.report(error.help(help));
    }
    let in_a_row = |key, default| {
        let read = table.get(key);
        let read = read.and_then(|value| value.integer(1..=MOST_IN_A_ROW));
        read.unwrap_or(default)
    };
    let settings = health::Settings {
        path: path.unwrap_or(default.path),
        statuses: statuses.unwrap_or(default.statuses),
        interval,
        timeout: allowed.unwrap_or(default.timeout.min(interval)),
        healthy: in_a_row("healthy", default.healthy),
        unhealthy: in_a_row("unhealthy", default.unhealthy),
    };
    is_written.then_some(settings)
}

/// A path with a query, if it has one.
fn checked_path(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    let help = "write \"/healthz\", or with a query \"/healthz?full=1\"";
    let wrong = |said: &str| {
        value.wrong(format!("{} {said}", quoted(&text)), help);
        None
    };
    if !text.starts_with('/') {
        return wrong("does not start with a slash");
    }
    if text.contains('#') || text.parse::<PathAndQuery>().is_err() {
        return wrong("is no path");
    }
    Some(text)
}

fn good(value: &Value<'_>) -> Option<Vec<Statuses>> {
    let read = value.each(|entry| {
        let text = entry.word()?;
        let read = statuses(&text);
        if read.is_none() {
            let said = format!("{} is no status", quoted(&text));
            entry.wrong(said, "write \"2xx\" for all that begin with 2, or \"200\"");
        }
        read
    })?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty: nothing would ever be well",
            "write [\"2xx\"], or the statuses that are good",
        );
    }
    let read: Vec<Statuses> = read.into_iter().map(|status| status.value).collect();
    (!read.is_empty()).then_some(read)
}

/// `"2xx"` or `"200"`.
pub(super) fn statuses(text: &str) -> Option<Statuses> {
    if let Some(class) = text.strip_suffix("xx") {
        let class = class.parse().ok()?;
        return (2..=5).contains(&class).then_some(Statuses::Class(class));
    }
    let code = text
        .parse()
        .ok()
        .and_then(|code| StatusCode::from_u16(code).ok())?;
    (200..=599)
        .contains(&code.as_u16())
        .then_some(Statuses::One(code))
}

/// When endpoints are left out; what the table does not say is as in `default`.
pub(super) fn ejection(upstream: &Table<'_>, default: ejection::Settings) -> ejection::Settings {
    let table = upstream.table("ejection");
    let percent = |key| table.get(key)?.integer(0..=100_u8);
    let in_a_row = table.get("consecutive_5xx");
    let in_a_row = in_a_row.and_then(|value| value.integer(0..=MOST_IN_A_ROW));
    ejection::Settings {
        consecutive_5xx: in_a_row.unwrap_or(default.consecutive_5xx),
        interval: wait(&table, "interval").unwrap_or(default.interval),
        base: wait(&table, "base").unwrap_or(default.base),
        max_percent: percent("max_percent").unwrap_or(default.max_percent),
        panic_below: percent("panic_below").unwrap_or(default.panic_below),
    }
}

/// When the upstream is left alone, when the table is there.
pub(super) fn breaker(upstream: &Table<'_>) -> Option<breaker::Settings> {
    let table = upstream.table("breaker");
    let default = breaker::Settings::default();
    let rate = |key| {
        let fits = |rate| rate > 0.0 && rate <= 1.0;
        table.get(key)?.number(fits, RATE)
    };
    let count = |key, most| table.get(key)?.integer(1..=most);
    let count_500 = table.get("count_500");
    let settings = breaker::Settings {
        failure_rate: rate("failure_rate").unwrap_or(default.failure_rate),
        count_500: count_500
            .and_then(|value| value.boolean())
            .unwrap_or(default.count_500),
        slow_rate: rate("slow_rate").unwrap_or(default.slow_rate),
        slower_than: wait(&table, "slower_than").unwrap_or(default.slower_than),
        window: window(&table).unwrap_or(default.window),
        min_calls: count("min_calls", u32::MAX).unwrap_or(default.min_calls),
        open: wait(&table, "open").unwrap_or(default.open),
        open_max: wait(&table, "open_max").unwrap_or(default.open_max),
        probes: count("probes", 1000).unwrap_or(default.probes),
    };
    if settings.open > settings.open_max {
        opens_too_long(&table, &settings);
    }
    upstream.has("breaker").then_some(settings)
}

fn window(table: &Table<'_>) -> Option<Duration> {
    let value = table.get("window")?;
    let read = value.duration()?;
    let (least, most) = WINDOWS;
    if (least..=most).contains(&read) {
        return Some(read);
    }
    let (least, most) = (show_duration(least), show_duration(most));
    value.wrong(
        "is out of bounds",
        format!("write a duration from {least} to {most}"),
    );
    None
}

fn opens_too_long(table: &Table<'_>, settings: &breaker::Settings) {
    let (open, most) = (
        show_duration(settings.open),
        show_duration(settings.open_max),
    );
    let said = format!("open, {open}, is longer than open_max, {most}");
    let written: Vec<_> = ["open", "open_max"]
        .into_iter()
        .filter_map(|key| table.get(key))
        .collect();
    let [first, others @ ..] = written.as_slice() else {
        return;
    };
    let error = Diagnostic::error(&first.place, said);
    let error = others
        .iter()
        .fold(error, |error, other| error.also(&other.place, "open_max"));
    let help = "it is open for open at first and never longer than open_max: write both";
    table.reading.report(error.help(help));
}

/// How many requests at once, when the table is there.
pub(super) fn bulkhead(upstream: &Table<'_>) -> Option<bulkhead::Settings> {
    let table = upstream.table("bulkhead");
    let default = bulkhead::Settings::default();
    let concurrent = table.get("concurrent");
    let concurrent = concurrent.and_then(|value| value.integer(1..=MOST_AT_ONCE));
    let wait = table.get("wait").and_then(|value| value.duration());
    let settings = bulkhead::Settings {
        concurrent: concurrent.unwrap_or(default.concurrent),
        wait: wait.unwrap_or(default.wait),
    };
    upstream.has("bulkhead").then_some(settings)
}

fn wait(table: &Table<'_>, key: &'static str) -> Option<Duration> {
    table.get(key)?.wait()
}
