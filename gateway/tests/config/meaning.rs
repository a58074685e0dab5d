//! What an accepted file means: values end up where the rest of the gateway looks for them.

use chassis::secret::ExposeSecret as _;
use gateway::auth::config::KeySource;
use gateway::config::Config;
use gateway::config::source::Source;
use gateway::forward::config::{BackendConfig, PathRewrite};
use gateway::listener::config::Listener;
use gateway::rate_limit::config::LimitKey;
use gateway::route::config::{EncodedSlash, HostConfig, PathConfig, TargetConfig, ValueConfig};
use gateway::side::config::{MigrationConfig, OverrideRequire, Sticky};

use super::{check, environment};

const HEAD: &str = r#"
version = 1
[auth.issuer.shop]
issuer = "https://id.shop.example"
audience = ["shop-api"]
algorithms = ["ES256"]
jwks_url = "http://127.0.0.1:9000/jwks"
[upstream.old]
endpoints = ["http://127.0.0.1:7000"]
[upstream.new]
endpoints = ["http://[::1]:7001/base/", "http://New.Example"]
[flag.half]
percent = 50
enabled = false
allow.users = ["ana"]
deny.groups = ["banks"]
"#;

/// The head above, and this.
pub(crate) fn config(rest: &str) -> Config {
    let loaded = check(&format!("{HEAD}{rest}"));
    loaded
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
        .config
}

pub(crate) fn migration(config: &Config, route: &str) -> MigrationConfig {
    match &config.routes[route].target {
        TargetConfig::Migration(migration) => MigrationConfig::clone(migration),
        TargetConfig::Upstream(_) | TargetConfig::Own(_) => panic!("{route} does not move"),
    }
}

fn backend(upstream: &str, path: PathRewrite, host: Option<&'static str>) -> BackendConfig {
    BackendConfig {
        upstream: upstream.to_owned(),
        path,
        host: host.map(http::HeaderValue::from_static),
    }
}

#[test]
fn what_a_side_says_of_paths_and_hosts_wins_over_the_route() {
    let config = config(
        r#"
[route.a]
path = "/a"
auth = "none"
strip_prefix = true
rewrite.host = "route.example"
legacy = "old"
service = { upstream = "new", rewrite.path = "/v2/", rewrite.host = "side.example:81" }
phase = "migrated"
[route.b]
path = "/b"
auth = "none"
strip_prefix = true
legacy = { upstream = "old", strip_prefix = false }
service = { upstream = "new", rewrite.full_path = "/all" }
phase = "migrated"
"#,
    );
    let a = migration(&config, "a");
    let stripped = PathRewrite::Prefix(String::new());
    assert_eq!(
        a.legacy,
        Some(backend("old", stripped, Some("route.example")))
    );
    let v2 = PathRewrite::Prefix("/v2".to_owned());
    assert_eq!(a.service, Some(backend("new", v2, Some("side.example:81"))));
    let b = migration(&config, "b");
    assert_eq!(b.legacy, Some(backend("old", PathRewrite::Keep, None)));
    let all = PathRewrite::Full("/all".to_owned());
    assert_eq!(b.service, Some(backend("new", all, None)));
}

#[test]
fn a_split_is_the_routes_own_or_its_flags() {
    let config = config(
        r#"
[route.own]
path = "/own"
auth = "shop"
legacy = "old"
service = "new"
phase = "canary"
force = "legacy"
epoch = 3
canary.percent = 0.07
canary.allow.groups = ["testers"]
canary.deny.users = ["bob"]
canary.methods = ["GET", "POST"]
override.require = "cidr:10.0.0.0/8"
[route.flagged]
path = "/flagged"
auth = "shop"
legacy = "old"
service = "new"
phase = "canary"
flag = "half"
sticky = ["cookie:sid", "header:X-Device", "visitor"]
"#,
    );
    let own = migration(&config, "own");
    assert!(own.forced_legacy && own.split.enabled);
    assert_eq!((own.salt.as_str(), own.epoch), ("own", 3));
    assert_eq!(own.split.percent.hundredths(), 7);
    assert!(own.split.allow.groups.contains("testers") && own.split.deny.users.contains("bob"));
    assert!(own.split.allow.users.is_empty() && own.split.deny.groups.is_empty());
    assert_eq!(
        own.split.methods.iter().collect::<Vec<_>>(),
        ["GET", "POST"]
    );
    assert_eq!(config.routes["own"].sticky, [Sticky::User]);
    let net = OverrideRequire::Cidr("10.0.0.0/8".parse().unwrap());
    assert_eq!(own.chooser.unwrap().require, net);

    let flagged = migration(&config, "flagged");
    assert_eq!(
        (flagged.salt.as_str(), flagged.flag.as_deref()),
        ("half", Some("half"))
    );
    assert!(!flagged.split.enabled && flagged.split.allow.users.contains("ana"));
    assert!(flagged.split.deny.groups.contains("banks"));
    assert_eq!(flagged.split.percent.hundredths(), 5000);
    assert_eq!(
        flagged.split.methods.iter().collect::<Vec<_>>(),
        ["GET", "HEAD"]
    );
    let device = Sticky::Header(http::HeaderName::from_static("x-device"));
    assert_eq!(
        config.routes["flagged"].sticky,
        [Sticky::Cookie("sid".to_owned()), device, Sticky::Visitor]
    );
    let scope = OverrideRequire::Scope("gateway.override".to_owned());
    assert_eq!(flagged.chooser.unwrap().require, scope);
}

#[test]
fn nobody_may_choose_a_side_by_scope_where_nobody_is_known() {
    let config =
        config("[route.a]\npath = \"/a\"\nauth = \"none\"\nlegacy = \"old\"\nphase = \"legacy\"\n");
    assert_eq!(migration(&config, "a").chooser, None);
}

#[test]
fn conditions_are_read_in_normal_form() {
    let config = config(
        r#"
[route.a]
path = { pattern = "/users/{id}" }
hosts = ["Shop.Example.", "*.Shop.Example"]
headers = { X-Beta = "1", x-build = { regex = "^v" } }
query = { q = "x" }
auth = "shop"
upstream = "old"
[route.b]
path = "/b//c/../d"
auth = "none"
upstream = "old"
[route.c]
path = "/"
auth = "none"
upstream = "old"
encoded_slash = "reject"
"#,
    );
    let a = &config.routes["a"];
    assert_eq!(a.path, PathConfig::Pattern("/users/{id}".to_owned()));
    let exact = HostConfig::Exact("shop.example".to_owned());
    let suffix = HostConfig::Suffix(".shop.example".to_owned());
    assert_eq!(a.hosts, [exact, suffix]);
    let beta = http::HeaderName::from_static("x-beta");
    assert!(
        a.headers
            .contains(&(beta, ValueConfig::Exact("1".to_owned())))
    );
    let build = http::HeaderName::from_static("x-build");
    assert!(
        a.headers
            .contains(&(build, ValueConfig::Regex("^v".to_owned())))
    );
    assert_eq!(
        a.query,
        [("q".to_owned(), ValueConfig::Exact("x".to_owned()))]
    );
    assert_eq!(a.slashes.encoded, EncodedSlash::Reject);
    assert_eq!(
        config.routes["b"].path,
        PathConfig::Prefix("/b/d".to_owned())
    );
    assert_eq!(config.routes["b"].slashes.encoded, EncodedSlash::Keep);
    assert_eq!(config.routes["c"].path, PathConfig::Prefix(String::new()));
    assert_eq!(config.routes["c"].slashes.encoded, EncodedSlash::Reject);
}

#[test]
fn endpoints_limits_and_defaults_are_read() {
    let config = config(
        r#"
[defaults.upstream]
pool_idle = 7
[defaults.route]
auth = "none"
rate_limit = ["device"]
max_body = "1KiB"
[rate_limit.device]
key = "header:X-Device"
rate = "600/m"
plans.gold = "10/h"
[route.a]
path = "/a"
upstream = "new"
[route.b]
path = "/b"
rate_limit = []
max_body = "2KB"
upstream = "old"
"#,
    );
    let endpoints = &config.upstreams["new"].endpoints;
    assert_eq!(
        (endpoints[0].host.as_str(), endpoints[0].port),
        ("::1", 7001)
    );
    assert_eq!(endpoints[0].base_path, "/base");
    assert_eq!(
        (endpoints[1].host.as_str(), endpoints[1].port),
        ("new.example", 80)
    );
    assert_eq!(config.upstreams["old"].pool_idle, 7);
    let limit = &config.rate_limits["device"];
    let device = http::HeaderName::from_static("x-device");
    assert_eq!(limit.key, LimitKey::Header(device));
    assert_eq!((limit.burst.get(), limit.rate.per.as_secs()), (600, 60));
    assert_eq!(limit.plans["gold"].per.as_secs(), 3600);
    let (a, b) = (&config.routes["a"], &config.routes["b"]);
    assert_eq!((a.rate_limit.len(), a.max_body), (1, 1024));
    assert_eq!((b.rate_limit.len(), b.max_body), (0, 2000));
}

#[test]
fn a_route_is_on_the_edge_unless_it_or_the_defaults_say_otherwise() {
    let config = config(
        r#"
[internal]
[defaults.route]
auth = "none"
listeners = ["internal"]
sticky = ["visitor"]
client_deadline = true
[route.a]
path = "/a"
upstream = "old"
[route.b]
path = "/b"
listeners = ["internal", "edge"]
sticky = ["cookie:sid", "visitor"]
client_deadline = false
upstream = "old"
"#,
    );
    let internal = config.internal.as_ref().unwrap();
    assert_eq!(internal.bind.to_string(), "127.0.0.1:8081");
    let callers: Vec<String> = internal
        .trusted_callers
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(callers, ["127.0.0.0/8", "::1/128"]);
    let (a, b) = (&config.routes["a"], &config.routes["b"]);
    assert_eq!(a.listeners, [Listener::Internal].into());
    assert_eq!(
        (&a.sticky[..], a.client_deadline),
        (&[Sticky::Visitor][..], true)
    );
    assert_eq!(b.listeners, Listener::ALL.into());
    assert_eq!((b.sticky.len(), b.client_deadline), (2, false));

    let without = self::config("[route.a]\npath = \"/\"\nauth = \"none\"\nupstream = \"old\"\n");
    assert_eq!(without.internal, None);
    assert_eq!(without.routes["a"].listeners, [Listener::Edge].into());
}

#[test]
fn files_start_at_the_files_folder_and_secrets_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "0123456789abcdef0123456789abcdef";
    std::fs::write(folder.path().join("secret"), format!("{secret}\n")).unwrap();
    std::fs::write(folder.path().join("keys.json"), "{\"keys\":[]}").unwrap();
    let top = "version = 1\nadmin.token = \"${BANYAN_ADMIN_TOKEN}\"\nlog.access = \"./access.log\"";
    let text = HEAD.replace("version = 1", top)
        + r#"
[auth.issuer.shared]
issuer = "https://a.example"
required = ["exp"]
algorithms = ["HS256"]
secret_file = "secret"
[auth.issuer.file]
issuer = "https://b.example"
audience = ["b"]
algorithms = ["EdDSA"]
jwks_file = "keys.json"
[route.a]
path = "/a"
auth = { issuers = ["shared", "file"] }
upstream = "old"
"#;
    let path = folder.path().join("routes.toml");
    let config = gateway::config::load(&Source { path, text }, &environment)
        .unwrap()
        .config;
    let KeySource::Secret(read) = &config.issuers["shared"].keys else {
        panic!("no secret");
    };
    assert_eq!(read.expose_secret(), secret);
    let keys = KeySource::File(folder.path().join("keys.json"));
    assert_eq!(config.issuers["file"].keys, keys);
    let log = chassis::telemetry::lines::Target::File(folder.path().join("./access.log"));
    assert_eq!(config.log.access, log);
    let shown = format!("{config:?}");
    assert!(!shown.contains(secret), "{shown}");
    assert!(config.admin.token.is_some());
}

#[test]
fn a_token_may_end_at_the_edge_where_nobody_comes_back_with_it() {
    let head = HEAD.replace("jwks_url", "forward_token = false\njwks_url");
    let route = "[route.a]\npath = \"/\"\nauth = \"shop\"\nupstream = \"old\"";
    let warned = |rest: &str| {
        let loaded = check(&format!("{head}{rest}{route}")).unwrap();
        let mut found = loaded.warnings.diagnostics.iter();
        found.any(|warning| warning.path == "route.a")
    };
    assert!(!warned(""));
    assert!(warned("[internal]\n"));
}
