//! `retry` of an upstream, of the defaults and of a route: which failed tries are made again.

use std::time::Duration;

use http::Method;
use upstream::retry::{On, Settings};

use crate::config::matching::method;
use crate::config::report::{Diagnostic, Place};
use crate::config::table::Table;
use crate::config::units::show_duration;
use crate::config::value::Value;
use crate::forward::config::RetryConfig;

const BUDGET: &str = "0 to 1, such as 0.2: one retry for five requests";

/// More tries only add load to what is down.
const MOST_ATTEMPTS: u32 = 10;

/// One word of `on`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Connect,
    Refused,
    Reset,
    Timeout,
    Internal,
    BadGateway,
    Unavailable,
    GatewayTimeout,
}

const AFTER: [(&str, After); 8] = [
    ("connect", After::Connect),
    ("refused", After::Refused),
    ("reset_before_head", After::Reset),
    ("timeout", After::Timeout),
    ("500", After::Internal),
    ("502", After::BadGateway),
    ("503", After::Unavailable),
    ("504", After::GatewayTimeout),
];

/// What one table says, and where.
#[derive(Clone, Default)]
pub(super) struct Retry {
    pub(super) config: RetryConfig,
    /// Where `per_try_timeout` stands.
    pub(super) per_try_at: Option<Place>,
    /// Where `on` lists `timeout`.
    pub(super) on_timeout_at: Option<Place>,
    backoff_at: Option<Place>,
}

/// Reads the table `retry` below `parent`.
pub(super) fn read(parent: &Table<'_>) -> Retry {
    let table = parent.table("retry");
    let per_try = table.get("per_try_timeout");
    let wait = |key| table.get(key).and_then(|value| value.wait());
    let backoffs = ["backoff", "backoff_max"];
    let budget = table.get("budget");
    let within = |share: f64| (0.0..=1.0).contains(&share);
    let on = table.get("on");
    let on = on.and_then(|value| after(&value));
    let methods = table.get("methods");
    let (on, on_timeout_at) = on.unzip();
    Retry {
        config: RetryConfig {
            attempts: table
                .get("attempts")
                .and_then(|value| value.integer(1..=MOST_ATTEMPTS)),
            per_try_timeout: per_try.as_ref().and_then(Value::wait),
            backoff: wait("backoff"),
            backoff_max: wait("backoff_max"),
            budget: budget.and_then(|value| value.number(within, BUDGET)),
            on,
            methods: methods.and_then(|value| repeated(&value)),
        },
        per_try_at: per_try.map(|value| value.place),
        on_timeout_at: on_timeout_at.flatten(),
        backoff_at: backoffs
            .into_iter()
            .find_map(|key| Some(table.get(key)?.place)),
    }
}

/// The set, and where it has `timeout`.
fn after(value: &Value<'_>) -> Option<(On, Option<Place>)> {
    let listed = value.each(|entry| entry.choice(&AFTER))?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty: nothing would ever be tried again",
            "write attempts = 1 for that",
        );
        return None;
    }
    let has = |after| listed.iter().any(|listed| listed.value == after);
    let on = On {
        connect: has(After::Connect),
        refused: has(After::Refused),
        reset_before_head: has(After::Reset),
        timeout: has(After::Timeout),
        internal: has(After::Internal),
        bad_gateway: has(After::BadGateway),
        unavailable: has(After::Unavailable),
        gateway_timeout: has(After::GatewayTimeout),
    };
    let mut listed = listed.into_iter();
    let timeout = listed.find(|listed| listed.value == After::Timeout);
    Some((on, timeout.map(|listed| listed.place)))
}

fn repeated(value: &Value<'_>) -> Option<Vec<Method>> {
    let read = value.each(method)?.into_iter();
    Some(read.map(|method| method.value).collect())
}

impl Retry {
    /// What holds over `base`; a contradiction that these keys bring about is reported.
    pub(super) fn over(&self, base: &Settings) -> (Settings, Option<Diagnostic>) {
        let settings = self.config.over(base);
        let at = self.backoff_at.as_ref();
        let at = at.filter(|_| settings.backoff > settings.backoff_max);
        let wrong = at.map(|at| backoffs(at, settings.backoff, settings.backoff_max));
        (settings, wrong)
    }

    /// The same over `base`, with where each of both stands.
    pub(super) fn below(self, base: &Self) -> Self {
        Self {
            per_try_at: self.per_try_at.or_else(|| base.per_try_at.clone()),
            on_timeout_at: match self.config.on {
                Some(_) => self.on_timeout_at,
                None => base.on_timeout_at.clone(),
            },
            ..self
        }
    }
}

fn backoffs(at: &Place, first: Duration, most: Duration) -> Diagnostic {
    let (first, most) = (show_duration(first), show_duration(most));
    let said = format!("backoff, {first}, is longer than backoff_max, {most}");
    Diagnostic::error(at, said).help("it starts at backoff and grows to backoff_max: write both")
}
