//! What the policies of an upstream, the retries of a route and its fallback mean.

use std::path::Path;
use std::time::Duration;

use gateway::config::read_endpoints_file;
use gateway::forward::config::{
    BackendConfig, FallbackAnswer, FallbackConfig, FallbackOn, Lookup, PathRewrite, RespondConfig,
    UpstreamConfig,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use upstream::balance::{Balance, HashBy};
use upstream::health::Statuses;
use upstream::{breaker, bulkhead, ejection, health, retry};

use super::meaning::config;

const ROUTE: &str = "[route.a]\npath = \"/a\"\nauth = \"none\"\nupstream = \"x\"\n";

/// An upstream of these lines, used by a route.
fn read(lines: &str) -> UpstreamConfig {
    config(&format!("{ROUTE}[upstream.x]\n{lines}")).upstreams["x"].clone()
}

fn plain(lines: &str) -> UpstreamConfig {
    read(&format!("endpoints = [\"http://a\"]\n{lines}"))
}

#[test]
fn an_upstream_that_says_nothing_retries_and_ejects_and_does_no_more() {
    let upstream = plain("");
    assert_eq!(upstream.balance, Balance::PowerOfTwo);
    assert_eq!(upstream.slow_start, Duration::from_secs(10));
    assert_eq!(upstream.retry, retry::Settings::default());
    assert_eq!(upstream.ejection, ejection::Settings::default());
    assert_eq!(
        (upstream.health, upstream.breaker, upstream.bulkhead),
        (None, None, None)
    );
}

#[test]
fn a_table_that_is_written_has_the_defaults_for_what_it_does_not_say() {
    let upstream = plain("breaker = {}\nbulkhead = {}\nhealth.path = \"/up\"");
    assert_eq!(upstream.breaker, Some(breaker::Settings::default()));
    assert_eq!(upstream.bulkhead, Some(bulkhead::Settings::default()));
    let health = health::Settings {
        path: "/up".to_owned(),
        ..health::Settings::default()
    };
    assert_eq!(upstream.health, Some(health));
}

/// Every key of a policy, none at its default.
const POLICIES: &str = r#"
slow_start = "0s"
[upstream.x.health]
path = "/healthz?full=1"
statuses = ["2xx", "404"]
interval = "500ms"
timeout = "100ms"
healthy = 1
unhealthy = 7
[upstream.x.ejection]
consecutive_5xx = 0
interval = "1s"
base = "2s"
max_percent = 100
panic_below = 0
[upstream.x.breaker]
failure_rate = 0.25
count_500 = true
slow_rate = 0.75
slower_than = "1s"
window = "30s"
min_calls = 3
open = "2s"
open_max = "4s"
probes = 1
[upstream.x.bulkhead]
concurrent = 9
wait = "20ms"
"#;

#[test]
fn every_key_of_a_policy_is_read() {
    let upstream = plain(POLICIES);
    assert_eq!(upstream.slow_start, Duration::ZERO);
    let health = health::Settings {
        path: "/healthz?full=1".to_owned(),
        statuses: vec![Statuses::Class(2), Statuses::One(StatusCode::NOT_FOUND)],
        interval: Duration::from_millis(500),
        timeout: Duration::from_millis(100),
        healthy: 1,
        unhealthy: 7,
    };
    assert_eq!(upstream.health, Some(health));
    let ejection = ejection::Settings {
        consecutive_5xx: 0,
        interval: Duration::from_secs(1),
        base: Duration::from_secs(2),
        max_percent: 100,
        panic_below: 0,
    };
    assert_eq!(upstream.ejection, ejection);
    let breaker = breaker::Settings {
        failure_rate: 0.25,
        count_500: true,
        slow_rate: 0.75,
        slower_than: Duration::from_secs(1),
        window: Duration::from_secs(30),
        min_calls: 3,
        open: Duration::from_secs(2),
        open_max: Duration::from_secs(4),
        probes: 1,
    };
    assert_eq!(upstream.breaker, Some(breaker));
    let bulkhead = bulkhead::Settings {
        concurrent: 9,
        wait: Duration::from_millis(20),
    };
    assert_eq!(upstream.bulkhead, Some(bulkhead));
}

#[test]
fn a_check_never_takes_longer_than_the_time_between_two() {
    let upstream = plain("health = { path = \"/\", interval = \"300ms\" }");
    let timeout = upstream.health.map(|health| health.timeout);
    assert_eq!(timeout, Some(Duration::from_millis(300)));
}

#[test]
fn balance_is_a_word_or_what_tells_callers_apart() {
    let header = HashBy::Header(HeaderName::from_static("x-device"));
    for (text, balance) in [
        ("p2c", Balance::PowerOfTwo),
        ("round_robin", Balance::RoundRobin),
        ("random", Balance::Random),
        ("least_request", Balance::LeastRequest),
        ("hash:user", Balance::Hash(HashBy::User)),
        ("hash:ip", Balance::Hash(HashBy::Ip)),
        ("hash:header:X-Device", Balance::Hash(header)),
        (
            "hash:cookie:sid",
            Balance::Hash(HashBy::Cookie("sid".to_owned())),
        ),
    ] {
        assert_eq!(plain(&format!("balance = \"{text}\"")).balance, balance);
    }
}

#[test]
fn retries_are_the_upstreams_over_the_defaults_and_a_routes_over_both() {
    let config = config(
        r#"
[defaults.upstream]
ejection.base = "5s"
retry = { attempts = 3, budget = 0.1 }
[upstream.x]
endpoints = ["http://a"]
ejection.max_percent = 10
retry = { attempts = 4, per_try_timeout = "1s", on = ["timeout", "504"] }
[route.a]
path = "/a"
auth = "none"
upstream = "x"
retry = { backoff = "2s", backoff_max = "3s", methods = ["GET", "POST"] }
"#,
    );
    let upstream = &config.upstreams["x"];
    let retries = retry::Settings {
        attempts: 4,
        per_try_timeout: Some(Duration::from_secs(1)),
        budget: 0.1,
        on: retry::On {
            connect: false,
            refused: false,
            reset_before_head: false,
            timeout: true,
            internal: false,
            bad_gateway: false,
            unavailable: false,
            gateway_timeout: true,
        },
        ..retry::Settings::default()
    };
    assert_eq!(upstream.retry, retries);
    let ejection = (upstream.ejection.base, upstream.ejection.max_percent);
    assert_eq!(ejection, (Duration::from_secs(5), 10));
    let of_route = retry::Settings {
        backoff: Duration::from_secs(2),
        backoff_max: Duration::from_secs(3),
        methods: vec![Method::GET, Method::POST],
        ..retries
    };
    assert_eq!(config.routes["a"].retry.over(&upstream.retry), of_route);
}

#[test]
fn a_route_may_wait_for_as_long_as_it_takes() {
    let config = config(&format!(
        "{ROUTE}timeout = \"0s\"\n[upstream.x]\nendpoints = [\"http://a\"]\n"
    ));
    assert!(config.routes["a"].timeout > Duration::from_hours(24 * 364));
}

#[test]
fn endpoints_have_weights_and_may_be_records() {
    let upstream = read("endpoints = [\"http://a\", \"http://b\"]\nweights = [1, 1000]");
    let weights: Vec<u32> = upstream.endpoints.iter().map(|one| one.weight).collect();
    assert_eq!(weights, [1, 1000]);
    let upstream = read("endpoints = [\"srv+http://_Web._tcp.shop/base/\", \"http://b\"]");
    let [records, plain] = upstream.endpoints.as_slice() else {
        panic!("{:?}", upstream.endpoints);
    };
    assert_eq!(
        (records.lookup, plain.lookup),
        (Lookup::Srv, Lookup::Address)
    );
    assert_eq!(records.to_string(), "srv+http://_web._tcp.shop/base");
    assert_eq!(plain.to_string(), "http://b:80");
}

#[test]
fn a_file_lists_endpoints_in_their_place() {
    let upstream = read("endpoints_file = \"lists/two.toml\"");
    let file = upstream.endpoints_file.unwrap();
    assert!(file.ends_with("tests/config/lists/two.toml"));
    let text = std::fs::read_to_string(Path::new(&file)).unwrap();
    let listed = read_endpoints_file(&text).unwrap();
    assert_eq!(upstream.endpoints, listed);
    let shown: Vec<_> = listed.iter().map(|one| (one.port, one.weight)).collect();
    assert_eq!(shown, [(7002, 1), (7003, 3)]);
}

#[test]
fn a_list_that_cannot_be_used_says_where() {
    for (text, error) in [
        ("", "line 1, column 1: endpoints: is missing"),
        ("endpoints = []", "line 1, column 13: endpoints: is empty"),
        (
            "endpoints = 1",
            "line 1, column 13: endpoints: must be a list, found a whole number",
        ),
        (
            "endpoints = [\"http://a\"]\nweights = [0]",
            "line 2, column 12: weights: must be a whole number from 1 to 1000, found 0",
        ),
        (
            "endpoints = [\"http://a\"]\nweight = [1]",
            "line 2, column 1: weight: there is no such key",
        ),
    ] {
        assert_eq!(read_endpoints_file(text), Err(error.to_owned()), "{text}");
    }
}

fn fallback(lines: &str) -> FallbackConfig {
    let head = "[upstream.x]\nendpoints = [\"http://a\"]\n";
    let config = config(&format!("{head}{ROUTE}[route.a.fallback]\n{lines}"));
    config.routes["a"].fallback.clone().unwrap()
}

#[test]
fn a_fallback_is_another_upstream_or_one_answer() {
    let said = fallback("upstream = { upstream = \"old\", rewrite.path = \"/b\" }");
    let backend = BackendConfig {
        upstream: "old".to_owned(),
        path: PathRewrite::Prefix("/b".to_owned()),
        host: None,
    };
    assert_eq!(said.answer, FallbackAnswer::Upstream(backend));
    assert_eq!(said.on, FallbackOn::default());
    assert_eq!(said.methods, [Method::GET, Method::HEAD]);

    let said = fallback(
        "on = [\"breaker\", \"5xx\"]\nmethods = [\"GET\", \"POST\"]\n\
         respond = { status = 203, body = \"[]\", content_type = \"application/json\" }",
    );
    let respond = RespondConfig {
        status: StatusCode::NON_AUTHORITATIVE_INFORMATION,
        body: "[]".to_owned(),
        content_type: HeaderValue::from_static("application/json"),
    };
    assert_eq!(said.answer, FallbackAnswer::Respond(respond));
    let on = FallbackOn {
        connect: false,
        reset: false,
        timeout: false,
        breaker: true,
        bulkhead: false,
        statuses: vec![Statuses::Class(5)],
    };
    assert_eq!(said.on, on);
    assert_eq!(said.methods, [Method::GET, Method::POST]);
}
