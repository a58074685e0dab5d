//! `[upstream.NAME]`: where requests go.

use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;
use upstream::balance::{Balance, HashBy};
use upstream::{ejection, retry};

use crate::config::endpoint;
use crate::config::matching::header_name;
use crate::config::nearest::nearest;
use crate::config::policy;
use crate::config::report::quoted;
use crate::config::retry::{self as tries, Retry};
use crate::config::sticky::is_cookie;
use crate::config::table::Table;
use crate::config::value::{Value, unknown_word};
use crate::forward::config::{HostPolicy, UpstreamConfig};

const BALANCES: [&str; 8] = [
    "p2c",
    "round_robin",
    "random",
    "least_request",
    "hash:user",
    "hash:header:NAME",
    "hash:cookie:NAME",
    "hash:ip",
];

const SLOW_START: Duration = Duration::from_secs(10);

/// What `[defaults.upstream]` says, for upstreams that don't.
pub(super) struct Defaults {
    connect_timeout: Duration,
    pool_idle: usize,
    pool_idle_timeout: Duration,
    ejection: ejection::Settings,
    retry: retry::Settings,
    /// Where it says what of retries.
    tries: Retry,
}

/// An upstream, and the places that checks across the file speak of.
pub(super) struct Read {
    pub(super) config: UpstreamConfig,
    pub(super) tries: Retry,
}

impl Defaults {
    fn built_in() -> Self {
        Self {
            connect_timeout: Duration::from_secs(2),
            pool_idle: 128,
            pool_idle_timeout: Duration::from_mins(1),
            ejection: ejection::Settings::default(),
            retry: retry::Settings::default(),
            tries: Retry::default(),
        }
    }

    pub(super) fn read(table: &Table<'_>) -> Self {
        Self::built_in().or_written(table)
    }

    fn or_written(&self, table: &Table<'_>) -> Self {
        let wait = |key, default| {
            let read = table.get(key).and_then(|value| value.wait());
            read.unwrap_or(default)
        };
        let pool_idle = table.get("pool_idle");
        let pool_idle = pool_idle.and_then(|value| value.integer(0..=100_000));
        let written = tries::read(table);
        let (retry, wrong) = written.over(&self.retry);
        if let Some(wrong) = wrong {
            table.reading.report(wrong);
        }
        Self {
            connect_timeout: wait("connect_timeout", self.connect_timeout),
            pool_idle: pool_idle.unwrap_or(self.pool_idle),
            pool_idle_timeout: wait("pool_idle_timeout", self.pool_idle_timeout),
            ejection: policy::ejection(table, self.ejection),
            retry,
            tries: written.below(&self.tries),
        }
    }
}

pub(super) fn read(name: &str, table: &Table<'_>, defaults: &Defaults) -> Option<Read> {
    let endpoints = endpoint::listed(table);
    let balance = table.get("balance").and_then(|value| balance(&value));
    let slow_start = table.get("slow_start");
    let slow_start = slow_start.and_then(|value| value.duration());
    let host = table.get("host").and_then(|value| host_policy(&value));
    let health = policy::health(table);
    let breaker = policy::breaker(table);
    let bulkhead = policy::bulkhead(table);
    let own = defaults.or_written(table);
    let (endpoints, endpoints_file) = endpoints?;
    let config = UpstreamConfig {
        name: name.to_owned(),
        endpoints,
        endpoints_file,
        balance: balance.unwrap_or_default(),
        slow_start: slow_start.unwrap_or(SLOW_START),
        host: host.unwrap_or_default(),
        connect_timeout: own.connect_timeout,
        pool_idle: own.pool_idle,
        pool_idle_timeout: own.pool_idle_timeout,
        health,
        ejection: own.ejection,
        breaker,
        bulkhead,
        retry: own.retry,
    };
    Some(Read {
        config,
        tries: own.tries,
    })
}

/// A word, or `hash:` and what tells callers apart.
fn balance(value: &Value<'_>) -> Option<Balance> {
    let text = value.text()?;
    let by = match text.as_str() {
        "p2c" => return Some(Balance::PowerOfTwo),
        "round_robin" => return Some(Balance::RoundRobin),
        "random" => return Some(Balance::Random),
        "least_request" => return Some(Balance::LeastRequest),
        "hash:user" => HashBy::User,
        "hash:ip" => HashBy::Ip,
        _ => match text.strip_prefix("hash:").and_then(|by| by.split_once(':')) {
            Some(("header", name)) => {
                HashBy::Header(header_name(value, name, "hash:header:x-device-id")?)
            }
            Some(("cookie", name)) if is_cookie(name) => HashBy::Cookie(name.to_owned()),
            Some(("cookie", _)) => {
                value.wrong("names no cookie", "write \"hash:cookie:sessionid\"");
                return None;
            }
            _ => {
                let error = unknown_word(&value.place, &text, &BALANCES);
                value.reading.report(error);
                return None;
            }
        },
    };
    Some(Balance::Hash(by))
}

/// `preserve`, `endpoint` or a name; a slip in one of the words must not become a name.
fn host_policy(value: &Value<'_>) -> Option<HostPolicy> {
    let text = value.word()?;
    match text.as_str() {
        "preserve" => return Some(HostPolicy::Preserve),
        "endpoint" => return Some(HostPolicy::Endpoint),
        _ => {}
    }
    if let Some(meant) = nearest(&text, ["preserve", "endpoint"])
        && !text.contains('.')
    {
        value.wrong(
            format!(
                "{} is neither a policy nor a name with a dot",
                quoted(&text)
            ),
            format!("did you mean {}?", quoted(meant)),
        );
        return None;
    }
    host_name(value, &text).map(HostPolicy::Name)
}

/// What a Host field may hold.
pub(super) fn host_name(value: &Value<'_>, text: &str) -> Option<HeaderValue> {
    let authority = text.parse::<Authority>().ok();
    let authority = authority.filter(|authority| {
        let host = authority.host();
        !host.is_empty() && !authority.as_str().contains('@')
    });
    let read = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if read.is_none() {
        value.wrong(
            format!("{} is no host", quoted(text)),
            "write a name such as \"shop.internal\", with a port if it needs one",
        );
    }
    read
}
