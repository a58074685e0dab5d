//! `[upstream.NAME]`: where requests go.

use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;
use upstream::balance::Balance;
use upstream::{ejection, retry};
use url::{Host, Url};

use crate::config::nearest::nearest;
use crate::config::report::quoted;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::forward::config::{EndpointConfig, HostPolicy, Lookup, UpstreamConfig};
use crate::route::path::normalise;

const ENDPOINT: &str =
    "write \"http://127.0.0.1:7000\", or with a base path \"http://shop.internal:7000/base\"";

const SLOW_START: Duration = Duration::from_secs(10);

/// What `[defaults.upstream]` says, for upstreams that don't.
#[derive(Clone, Copy)]
pub(super) struct Defaults {
    connect_timeout: Duration,
    pool_idle: usize,
    pool_idle_timeout: Duration,
}

impl Defaults {
    const BUILT_IN: Self = Self {
        connect_timeout: Duration::from_secs(2),
        pool_idle: 128,
        pool_idle_timeout: Duration::from_mins(1),
    };

    pub(super) fn read(table: &Table<'_>) -> Self {
        Self::BUILT_IN.or_written(table)
    }

    fn or_written(self, table: &Table<'_>) -> Self {
        let wait = |key, default| {
            let read = table.get(key).and_then(|value| value.wait());
            read.unwrap_or(default)
        };
        let pool_idle = table.get("pool_idle");
        let pool_idle = pool_idle.and_then(|value| value.integer(0..=100_000));
        Self {
            connect_timeout: wait("connect_timeout", self.connect_timeout),
            pool_idle: pool_idle.unwrap_or(self.pool_idle),
            pool_idle_timeout: wait("pool_idle_timeout", self.pool_idle_timeout),
        }
    }
}

pub(super) fn read(name: &str, table: &Table<'_>, defaults: Defaults) -> Option<UpstreamConfig> {
    let endpoints = table.required("endpoints", "[\"http://127.0.0.1:7000\"]");
    let endpoints = endpoints.and_then(|value| endpoints_of(&value));
    let host = table.get("host").and_then(|value| host_policy(&value));
    let Defaults {
        connect_timeout,
        pool_idle,
        pool_idle_timeout,
    } = defaults.or_written(table);
    Some(UpstreamConfig {
        name: name.to_owned(),
        endpoints: endpoints?,
        endpoints_file: None,
        balance: Balance::default(),
        slow_start: SLOW_START,
        host: host.unwrap_or_default(),
        connect_timeout,
        pool_idle,
        pool_idle_timeout,
        health: None,
        ejection: ejection::Settings::default(),
        breaker: None,
        bulkhead: None,
        retry: retry::Settings::default(),
    })
}

fn endpoints_of(value: &Value<'_>) -> Option<Vec<EndpointConfig>> {
    let read = value.each(endpoint)?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty",
            format!("an upstream has at least one endpoint; {ENDPOINT}"),
        );
    }
    let read: Vec<_> = read.into_iter().map(|endpoint| endpoint.value).collect();
    (!read.is_empty()).then_some(read)
}

fn endpoint(value: &Value<'_>) -> Option<EndpointConfig> {
    let text = value.word()?;
    let wrong = |said: &str, help: &str| {
        // A user and password could stand in it.
        let shown = if text.contains('@') {
            String::new()
        } else {
            format!("{} ", quoted(&text))
        };
        value.wrong(format!("{shown}{said}"), help);
        None
    };
    let Some((scheme, _)) = text.split_once("://") else {
        let whole = format!("write \"http://{text}\"");
        let help = if text.contains('@') { ENDPOINT } else { &whole };
        return wrong("does not say http://", help);
    };
    if scheme != "http" {
        return wrong(
            &format!("is {scheme}, which this release does not speak to upstreams"),
            "write http://; put a TLS proxy of your own between, where the way needs protection",
        );
    }
    let url = match Url::parse(&text) {
        Ok(url) => url,
        Err(error) => return wrong(&format!("is no endpoint: {error}"), ENDPOINT),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user or password in it", "endpoints take none");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(
            "has a query or fragment",
            "only a base path may follow the port",
        );
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return wrong("names no host", ENDPOINT),
    };
    let port = url.port_or_known_default().unwrap_or(80);
    if port == 0 {
        return wrong("has port 0, on which nobody listens", ENDPOINT);
    }
    match normalise(url.path()) {
        Ok(path) => Some(EndpointConfig {
            lookup: Lookup::Address,
            host,
            port,
            base_path: path.trim_end_matches('/').to_owned(),
            weight: 1,
        }),
        Err(error) => wrong(&format!("has a wrong base path: {error}"), ENDPOINT),
    }
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
