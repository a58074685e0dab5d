use std::path::PathBuf;

use super::between;
use crate::config::source::Source;
use crate::config::{Config, load};

const FILE: &str = r#"
version = 1
[upstream.monolith]
endpoints = ["http://127.0.0.1:7000"]
[upstream.catalog]
endpoints = ["http://127.0.0.1:7002"]
[rate_limit.per_ip]
key = "ip"
rate = "100/s"
[flag.new]
percent = 5
[route.products]
path = "/api/products"
auth = "none"
rate_limit = ["per_ip"]
legacy = "monolith"
service = "catalog"
phase = "canary"
sticky = ["visitor"]
canary.percent = 5
[route.orders]
path = "/api/orders"
auth = "none"
legacy = "monolith"
service = "catalog"
phase = "canary"
sticky = ["visitor"]
flag = "new"
[route.rest]
path = "/"
auth = "none"
upstream = "monolith"
"#;

fn config(text: &str) -> Config {
    let source = Source {
        path: PathBuf::from("routes.toml"),
        text: text.to_owned(),
    };
    match load(&source, &|_| Some("hunter2".to_owned())) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// What is said when each `from` in the file becomes its `to`.
fn said(edits: &[(&str, &str)]) -> String {
    let mut text = FILE.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    between(&config(FILE), &config(&text)).to_string()
}

#[test]
fn a_change_is_said_in_the_words_of_the_file() {
    let phase = ("phase = \"canary\"", "phase = \"migrated\"");
    for (edit, expected) in [
        (
            ("canary.percent = 5", "canary.percent = 25"),
            "products canary 5 % -> 25 %",
        ),
        (phase, "products phase canary -> migrated"),
        (
            ("100/s\"", "200/s\"\nburst = 100"),
            "limit per_ip 100/s -> 200/s",
        ),
        (
            ("percent = 5\n", "percent = 7.5\n"),
            "flag new 5 % -> 7.5 %",
        ),
        (
            ("7002", "7009"),
            "upstream catalog endpoints http://127.0.0.1:7002 -> http://127.0.0.1:7009",
        ),
        (
            ("version = 1", "version = 1 # a comment"),
            "changes nothing",
        ),
        (
            (
                "[route.rest]",
                "[route.new]\npath = \"/x\"\nauth = \"none\"\nupstream = \"monolith\"\n[route.rest]",
            ),
            "route new added",
        ),
        (
            ("upstream = \"monolith\"", "upstream = \"catalog\""),
            "rest upstream monolith -> catalog",
        ),
        (
            (
                "rate_limit = [\"per_ip\"]",
                "rate_limit = [\"per_ip\"]\ntimeout = \"3s\"",
            ),
            "products timeout 15s -> 3s",
        ),
        (
            ("[route.rest]", "[route.remains]"),
            "route rest removed, route remains added",
        ),
    ] {
        assert_eq!(said(&[edit]), expected);
    }
}

#[test]
fn what_an_upstream_does_otherwise_is_said_key_by_key() {
    let catalog = "[\"http://127.0.0.1:7002\"]\n";
    for (added, expected) in [
        (
            "balance = \"hash:header:x-a\"\nslow_start = \"0s\"",
            "balance p2c -> hash:header:x-a, upstream catalog slow_start 10s -> 0s",
        ),
        ("breaker.probes = 1", "breaker off -> on"),
        ("health.path = \"/\"", "health off -> on"),
        (
            "ejection = { consecutive_5xx = 0 }",
            "ejection consecutive_5xx 5 -> 0",
        ),
        (
            "retry = { attempts = 1, on = [\"503\"], methods = [] }",
            "retry attempts 2 -> 1, \
             upstream catalog retry on connect refused reset_before_head 503 -> 503, \
             upstream catalog retry methods GET HEAD OPTIONS -> none",
        ),
        (
            "weights = [5]",
            "endpoints http://127.0.0.1:7002 -> http://127.0.0.1:7002 (weight 5)",
        ),
    ] {
        let with = format!("{catalog}{added}\n");
        let said = said(&[(catalog, &with)]);
        assert_eq!(said, format!("upstream catalog {expected}"));
    }
    let breaker = |keys: &str| config(&FILE.replace(catalog, &format!("{catalog}{keys}\n")));
    let changed = between(&breaker("breaker = {}"), &breaker("breaker.open = \"1s\""));
    assert_eq!(
        changed.to_string(),
        "upstream catalog breaker open 5s -> 1s"
    );
}

#[test]
fn what_a_route_says_of_retries_and_its_fallback_is_said() {
    let rest = "path = \"/\"\n";
    let with = |keys: &str| config(&FILE.replace(rest, &format!("{rest}{keys}\n")));
    let plain = config(FILE);
    let said = |old: &Config, new: &Config| between(old, new).to_string();
    assert_eq!(
        said(&plain, &with("retry.attempts = 1")),
        "rest retry attempts none -> 1"
    );
    let upstream = with("fallback.upstream = \"catalog\"");
    assert_eq!(
        said(&plain, &upstream),
        "rest fallback none -> upstream catalog"
    );
    let respond = with("fallback.respond = { status = 200, body = \"a\" }");
    assert_eq!(
        said(&upstream, &respond),
        "rest fallback upstream catalog -> respond 200"
    );
    let other = with("fallback.respond = { status = 200, body = \"b\" }");
    assert_eq!(said(&respond, &other), "rest fallback changed");
    let on = with("fallback = { upstream = \"catalog\", on = [\"5xx\"], methods = [\"GET\"] }");
    assert_eq!(
        said(&upstream, &on),
        "rest fallback methods GET HEAD -> GET, rest fallback on changed"
    );
}

#[test]
fn what_needs_a_restart_is_said_as_such() {
    let edit = (
        "version = 1",
        "version = 1\nedge.bind = \"127.0.0.1:9000\"\nedge.drain = \"1s\"",
    );
    assert_eq!(
        said(&[edit]),
        "edge.bind 127.0.0.1:8080 -> 127.0.0.1:9000, edge.drain 30s -> 1s; \
         after a restart only: edge.bind 127.0.0.1:8080 -> 127.0.0.1:9000"
    );
}

#[test]
fn the_internal_listener_comes_and_goes_with_a_restart_and_its_callers_with_a_reload() {
    let with = |more: &str| {
        let internal = format!("version = 1\n[internal]\n{more}");
        config(&FILE.replacen("version = 1", &internal, 1))
    };
    let (none, plain) = (config(FILE), with(""));
    assert_eq!(
        between(&none, &plain).to_string(),
        "internal added; after a restart only: internal added"
    );
    assert_eq!(
        between(&plain, &none).to_string(),
        "internal removed; after a restart only: internal removed"
    );
    let moved = with("bind = \"127.0.0.1:9\"\ntrusted_callers = [\"10.0.0.7\"]");
    let bind = "internal.bind 127.0.0.1:8081 -> 127.0.0.1:9";
    assert_eq!(
        between(&plain, &moved).to_string(),
        format!(
            "{bind}, internal.trusted_callers 127.0.0.0/8 ::1/128 -> 10.0.0.7/32; \
             after a restart only: {bind}"
        )
    );
    let listed = FILE
        .replacen("version = 1", "version = 1\n[internal]", 1)
        .replacen(
            "path = \"/\"",
            "path = \"/\"\nlisteners = [\"edge\", \"internal\"]\nclient_deadline = true",
            1,
        );
    assert_eq!(
        between(&plain, &config(&listed)).to_string(),
        "rest listeners edge -> edge internal, rest client_deadline false -> true"
    );
}

#[test]
fn admin_and_log_stay_as_they_were_until_a_restart_and_no_token_is_shown() {
    let said = said(&[(
        "version = 1",
        "version = 1\nadmin.token = \"${TOKEN}\"\nadmin.metrics = \"token\"\nlog.level = \"debug\"",
    )]);
    let expected = "admin.metrics open -> token, admin.token changed, log.level info -> debug";
    assert_eq!(
        said,
        format!("{expected}; after a restart only: {expected}")
    );
}

#[test]
fn every_difference_is_said_somehow() {
    for (from, to) in [
        ("version = 1", "version = 1\nadmin.trusted = [\"::1\"]"),
        (
            "version = 1",
            "version = 1\nadmin.metrics = \"open\"\nlog.level = \"debug\"",
        ),
        ("version = 1", "version = 1\nlog.access = \"off\""),
        ("rate = \"100/s\"", "rate = \"100/s\"\nheaders = \"off\""),
        (
            "rate = \"100/s\"",
            "rate = \"100/s\"\non_missing_key = \"deny\"",
        ),
        ("rate = \"100/s\"", "rate = \"100/s\"\nplans.gold = \"1/s\""),
        ("path = \"/\"", "path = \"/\"\nheaders.a = \"1\""),
        ("path = \"/\"", "path = \"/\"\nnote = \"why\""),
        ("path = \"/\"", "path = \"/\"\nencoded_slash = \"reject\""),
        (
            "path = \"/\"",
            "path = \"/\"\nencoded_slash_mode = \"observe\"",
        ),
        ("path = \"/\"", "path = \"/\"\nmerge_slashes = false"),
        ("path = \"/\"", "path = \"/\"\ncors.allow_origins = [\"*\"]"),
        ("path = \"/\"", "path = \"/\"\nrewrite.host = \"a.example\""),
        (
            "canary.percent = 5",
            "canary.percent = 5\noverride.header = \"x-side\"\noverride.require = \"cidr:::1\"",
        ),
        ("canary.percent = 5", "canary.percent = 5\nepoch = 2"),
        ("sticky = [\"visitor\"]", "sticky = [\"cookie:a\"]"),
        (
            "endpoints = [\"http://127.0.0.1:7002\"]",
            "endpoints = [\"http://127.0.0.1:7002\"]\npool_idle = 1",
        ),
    ] {
        assert_ne!(said(&[(from, to)]), "changes nothing", "{to}");
    }
}

#[test]
fn what_is_copied_is_said_key_by_key() {
    let products = "canary.percent = 5";
    let with = |shadow: &str| format!("{products}\n{shadow}");
    assert_eq!(
        said(&[(products, &with("shadow.percent = 10"))]),
        "products shadow none -> 10 %"
    );
    let text = FILE.replacen(products, &with("shadow.percent = 10"), 1);
    let more = "shadow.percent = 10\nshadow.timeout = \"1s\"\nshadow.ignore = [\"$.at\"]\n\
                shadow.tolerance = [{ path = \"$.total\", abs = 1 }]";
    let changed = between(
        &config(&text),
        &config(&FILE.replacen(products, &with(more), 1)),
    );
    assert_eq!(
        changed.to_string(),
        "products shadow timeout 2s -> 1s, products shadow ignore none -> $.at, products shadow tolerance changed"
    );
}

#[test]
fn how_a_canary_is_led_is_said_key_by_key() {
    let percent = "canary.percent = 5";
    let steps = "canary.steps = [1, 5, 12.5]";
    assert_eq!(
        said(&[(percent, steps)]),
        "products canary 5 % -> steps 1 5 12.5"
    );
    let more = "canary.percent = 5\ncanary.step_min = \"1m\"\ncanary.auto_rollback = false\n\
                canary.failover = \"idempotent\"\njudge.alpha = 0.1\njudge.latency = false\n\
                judge.failures = [\"5xx\"]\njudge.on_inconclusive = \"rollback\"";
    assert_eq!(
        said(&[(percent, more)]),
        "products canary auto_rollback true -> false, products canary failover off -> idempotent, \
         products canary step_min 10m -> 1m, products judge alpha 0.05 -> 0.1, \
         products judge latency true -> false, products judge p99_tolerance 1.2 -> none, \
         products judge failures 5xx timeout connect -> 5xx, \
         products judge on_inconclusive hold -> rollback"
    );
    for key in [
        "canary.step_max = \"3h\"",
        "canary.auto_advance = false",
        "canary.max_rollbacks = 3",
        "canary.max_concurrent = 3",
        "judge.interval = \"1s\"",
        "judge.max_error_rate_delta = 0.1",
        "judge.p99_tolerance = 2",
        "judge.min_samples = 300",
        "judge.min_errors = 3",
        "judge.hard_error_rate = 0.1",
    ] {
        let changed = said(&[(percent, &format!("{percent}\n{key}"))]);
        let name = key.replace('.', " ");
        let name = name.split(" =").next().unwrap_or_default();
        assert!(
            changed.starts_with(&format!("products {name} ")),
            "{changed}"
        );
        assert!(!changed.contains(','), "{changed}");
    }
}

#[test]
fn another_redis_comes_with_a_restart_and_shows_no_password() {
    let with = |url: &str| format!("version = 1\n[state]\nredis = \"{url}\"");
    for url in ["redis://127.0.0.1", "redis://:${REDIS_PASSWORD}@127.0.0.1"] {
        assert_eq!(
            said(&[("version = 1", &with(url))]),
            "state.redis changed; after a restart only: state.redis changed"
        );
    }
    let text = FILE.replacen("version = 1", &with("redis://:${PASSWORD}@127.0.0.1"), 1);
    assert!(!format!("{:?}", config(&text)).contains("hunter2"));
}
