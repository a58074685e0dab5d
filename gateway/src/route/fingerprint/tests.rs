use std::collections::BTreeMap;
use std::path::PathBuf;

use chassis::handover::{State, Token};

use super::{matching, state, token};
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
[rate_limit.few]
key = "ip"
rate = "5/s"
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
hosts = ["shop.example", "*.shop.example"]
methods = ["GET", "POST"]
headers = { x-a = "1", x-b = { regex = "^2" } }
query = { a = "1", b = "2" }
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

fn tokens(text: &str) -> BTreeMap<String, Token> {
    let config = config(text);
    let matching = matching(config.routes.values());
    let one = |(name, route): (&String, &_)| {
        let token = token(route, matching, &config.upstreams);
        (name.clone(), token)
    };
    config.routes.iter().map(one).collect()
}

fn whole(tokens: &BTreeMap<String, Token>) -> State {
    let tokens = tokens.iter().map(|(name, token)| (name.as_str(), *token));
    state(tokens)
}

/// The routes whose fingerprint is another when `from` in the file becomes `to`.
fn touched(from: &str, to: &str) -> Vec<String> {
    assert!(FILE.contains(from), "{from}");
    let (before, after) = (tokens(FILE), tokens(&FILE.replacen(from, to, 1)));
    let touched: Vec<String> = before
        .iter()
        .filter(|(name, token)| after.get(*name) != Some(*token))
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
        ("strip_prefix = true", "strip_prefix = false", &["web"]),
        (
            "strip_prefix = true",
            "strip_prefix = true\nfallback.upstream = \"catalog\"",
            &["web"],
        ),
    ] {
        assert_eq!(touched(from, to), routes, "{to}");
    }
}

/// Each process reads it at a moment of its own.
#[test]
fn what_a_file_of_endpoints_holds_is_no_part_of_a_fingerprint() {
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, two] = [7001, 7002].map(|port| format!("endpoints = [\"http://127.0.0.1:{port}\"]"));
    let tokens = |index: usize, name: &str, text: &str| {
        let path = folders[index].path().join(name);
        std::fs::write(&path, text).unwrap();
        let file = format!("endpoints_file = '{}'", path.display());
        tokens(&FILE.replace("endpoints = [\"http://127.0.0.1:7100\"]", &file))
    };
    let first = tokens(0, "bff.toml", &one);
    assert_eq!(tokens(1, "bff.toml", &two), first);
    assert_ne!(tokens(1, "other.toml", &one)["web"], first["web"]);
}

/// What a route no longer takes may have been kept of it, and what it takes now of another one.
#[test]
fn other_requests_of_any_route_are_another_fingerprint_of_all() {
    let path = "path = \"/api/products\"";
    for (from, to) in [
        (path, "path = \"/api/goods\"".to_owned()),
        (path, "path = { exact = \"/api/products\" }".to_owned()),
        (path, format!("{path}\nhosts = [\"shop.example\"]")),
        (path, format!("{path}\nmethods = [\"GET\"]")),
        (path, format!("{path}\nheaders.x-a = \"1\"")),
        (path, format!("{path}\nquery.a = \"1\"")),
        ("\"*.shop", "\"www.shop".to_owned()),
        ("[\"GET\", \"POST\"]", "[\"GET\"]".to_owned()),
        ("x-a = \"1\"", "x-c = \"1\"".to_owned()),
        ("x-a = \"1\"", "x-a = { regex = \"1\" }".to_owned()),
        ("{ regex = \"^2\" }", "{ regex = \"^3\" }".to_owned()),
        ("{ a = \"1\", b", "{ a = \"1\", c".to_owned()),
        ("[\"edge\", \"internal\"]", "[\"internal\"]".to_owned()),
        ("[route.web]", "[route.www]".to_owned()),
    ] {
        assert_eq!(touched(from, &to), ["payments", "products", "web"], "{to}");
    }
}

#[test]
fn a_route_that_takes_part_of_another_ones_requests_is_another_fingerprint_of_all() {
    let one = "[route.one]\npath = { exact = \"/api/products/71\" }\nauth = \"shop\"\nupstream = \"monolith\"";
    let to = format!("{one}\n[route.web]");
    assert_eq!(touched("[route.web]", &to), ["payments", "products", "web"]);
}

#[test]
fn what_takes_no_other_requests_and_leads_nowhere_else_changes_no_fingerprint() {
    for (from, to) in [
        ("version = 1", "version = 1 # a comment"),
        (
            "\"http://127.0.0.1:7000\", \"http://127.0.0.1:7008\"",
            "\"http://127.0.0.1:7008\", \"http://127.0.0.1:7000\"",
        ),
        ("7100\"]", "7100\"]\nconnect_timeout = \"1s\""),
        (
            "7008\"]",
            "7008\"]\nweights = [1, 9]\nbalance = \"random\"\nretry.attempts = 3",
        ),
        (
            "canary.percent = 5",
            "canary.percent = 5\ntimeout = \"3s\"\nowner = \"team\"\nnote = \"soon\"",
        ),
        (
            "canary.percent = 5",
            "canary.percent = 5\nrate_limit = [\"few\"]\nmax_body = \"1MiB\"",
        ),
        (
            "auth = \"shop\"",
            "auth = { issuers = [\"shop\"], optional = true }",
        ),
        ("percent = 25", "percent = 25\nenabled = true"),
        (
            "[internal]",
            "[internal]\ntrusted_callers = [\"10.0.0.0/8\"]",
        ),
        (
            "\"shop.example\", \"*.shop.example\"",
            "\"*.shop.example\", \"SHOP.example\"",
        ),
        ("\"GET\", \"POST\"", "\"POST\", \"GET\""),
        (
            "x-a = \"1\", x-b = { regex = \"^2\" }",
            "x-b = { regex = \"^2\" }, X-A = \"1\"",
        ),
        ("a = \"1\", b = \"2\"", "b = \"2\", a = \"1\""),
        ("\"edge\", \"internal\"", "\"internal\", \"edge\""),
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
        .map(|token| format!("{:016x}", token.0))
        .collect();
    assert_eq!(
        shown,
        ["51d6b6d373d71241", "fb29c63f7978debd", "b7d372d54f32a81a"]
    );
    assert_eq!(format!("{:016x}", whole(&tokens).0), "f48b2f89ba01056d");
}

#[test]
fn a_fingerprint_says_whether_there_are_cohorts() {
    let canaries = |text: &str| {
        let tokens = tokens(text);
        let split = tokens.iter().filter(|(_, token)| token.has_cohorts());
        let split: Vec<String> = split.map(|(name, _)| name.clone()).collect();
        assert_eq!(whole(&tokens).has_cohorts(), !split.is_empty());
        split
    };
    assert_eq!(canaries(FILE), ["payments", "products"]);
    let moved = FILE.replace("phase = \"canary\"\ncanary", "phase = \"migrated\"\ncanary");
    assert_eq!(canaries(&moved), ["payments"]);
    let forced = FILE.replace(
        "canary.percent = 5",
        "canary.percent = 5\nforce = \"legacy\"",
    );
    assert_eq!(canaries(&forced), ["payments", "products"]);
    let none = moved.replace("phase = \"canary\"\nflag = \"new\"", "phase = \"migrated\"");
    assert_eq!(canaries(&none), [""; 0]);
}
