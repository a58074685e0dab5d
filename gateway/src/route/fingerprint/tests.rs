use std::collections::BTreeMap;
use std::path::PathBuf;

use chassis::handover::State;

use super::{state, token};
use crate::config::source::Source;
use crate::config::{Config, load};

const FILE: &str = r#"
version = 1
[internal]
[auth.issuer.shop]
issuer = "https://id.shop.example"
audience = ["shop-api"]
algorithms = ["ES256"]
jwks_url = "http://127.0.0.1:9000/jwks"
[upstream.monolith]
endpoints = ["http://127.0.0.1:7000", "http://127.0.0.1:7008"]
[upstream.catalog]
endpoints = ["http://127.0.0.1:7002"]
[upstream.bff]
endpoints = ["http://127.0.0.1:7100"]
[flag.new]
percent = 25
[route.products]
path = "/api/products"
listeners = ["edge", "internal"]
auth = "shop"
legacy = "monolith"
service = "catalog"
phase = "canary"
canary.percent = 5
[route.payments]
path = "/api/payments"
auth = "shop"
legacy = "monolith"
service = { upstream = "catalog", rewrite.path = "/pay" }
phase = "canary"
flag = "new"
[route.web]
path = "/web"
auth = "shop"
upstream = "bff"
strip_prefix = true
"#;

fn config(text: &str) -> Config {
    let source = Source {
        path: PathBuf::from("routes.toml"),
        text: text.to_owned(),
    };
    match load(&source, &|_| None) {
        Ok(loaded) => loaded.config,
        Err(report) => panic!("{}", report.render(false)),
    }
}

fn tokens(text: &str) -> BTreeMap<String, u64> {
    let config = config(text);
    let one = |(name, route): (&String, &_)| (name.clone(), token(route, &config.upstreams));
    config.routes.iter().map(one).collect()
}

fn whole(tokens: &BTreeMap<String, u64>) -> State {
    state(tokens.iter().map(|(name, token)| (name.as_str(), *token)))
}

/// The routes whose fingerprint is another when `from` in the file becomes `to`.
fn touched(from: &str, to: &str) -> Vec<String> {
    assert!(FILE.contains(from), "{from}");
    let (before, after) = (tokens(FILE), tokens(&FILE.replacen(from, to, 1)));
    let touched: Vec<String> = before
        .iter()
        .filter(|(name, token)| after[*name] != **token)
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(whole(&before) == whole(&after), touched.is_empty(), "{to}");
    touched
}

#[test]
fn another_split_is_another_fingerprint_of_that_route_alone() {
    for more in [
        "force = \"legacy\"",
        "epoch = 2",
        "salt = \"p\"",
        "sticky = [\"visitor\"]",
        "canary.methods = [\"GET\"]",
        "canary.allow.groups = [\"a\"]",
        "canary.deny.users = [\"a\"]",
        "override.header = \"x-side\"",
    ] {
        let percent = "canary.percent = 5";
        let said = format!("{percent}\n{more}");
        assert_eq!(touched(percent, &said), ["products"], "{more}");
    }
    for (from, to) in [
        ("canary.percent = 5", "canary.percent = 6"),
        ("phase = \"canary\"\ncanary", "phase = \"migrated\"\ncanary"),
    ] {
        assert_eq!(touched(from, to), ["products"], "{to}");
    }
    for to in ["percent = 26", "percent = 25\nenabled = false"] {
        assert_eq!(touched("percent = 25", to), ["payments"], "{to}");
    }
}

#[test]
fn another_place_is_another_fingerprint_of_the_routes_that_lead_there() {
    for (from, to, routes) in [
        ("\"/pay\"", "\"/pays\"", &["payments"][..]),
        ("7002", "7003", &["payments", "products"]),
        ("127.0.0.1:7100", "127.0.0.1:7100/base", &["web"]),
        ("7100\"]", "7100\"]\nhost = \"endpoint\"", &["web"]),
        ("path = \"/web\"", "path = \"/www\"", &["web"]),
        ("strip_prefix = true", "strip_prefix = false", &["web"]),
    ] {
        assert_eq!(touched(from, to), routes, "{to}");
    }
}

#[test]
fn what_leads_nowhere_else_changes_no_fingerprint() {
    for (from, to) in [
        ("version = 1", "version = 1 # a comment"),
        (
            "\"http://127.0.0.1:7000\", \"http://127.0.0.1:7008\"",
            "\"http://127.0.0.1:7008\", \"http://127.0.0.1:7000\"",
        ),
        ("7100\"]", "7100\"]\nconnect_timeout = \"1s\""),
        (
            "canary.percent = 5",
            "canary.percent = 5\ntimeout = \"3s\"\nowner = \"team\"",
        ),
        ("percent = 25", "percent = 25\nenabled = true"),
        (
            "[internal]",
            "[internal]\ntrusted_callers = [\"10.0.0.0/8\"]",
        ),
        ("path = \"/api/products\"", "path = \"/api/goods\""),
    ] {
        assert_eq!(touched(from, to), Vec::<String>::new(), "{to}");
    }
}

/// Replicas compare them: they must not depend on the process, the machine or the release.
#[test]
fn fingerprints_are_the_same_everywhere() {
    let tokens = tokens(FILE);
    let shown: Vec<String> = tokens
        .values()
        .map(|token| format!("{token:016x}"))
        .collect();
    assert_eq!(
        shown,
        ["84c5f7c021fd1de3", "dd93792bd8ffdb12", "e5ed5b39b6f107f0"]
    );
    assert_eq!(format!("{:016x}", whole(&tokens).0), "6d28a75f315e7313");
}
