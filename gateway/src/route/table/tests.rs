use http::{HeaderMap, Method};
use proptest::prelude::*;

use super::*;
use crate::auth::config::AuthConfig;
use crate::forward::config::{BackendConfig, PathRewrite, RetryConfig, UnderscoreFields};
use crate::route::config::{EncodedSlash, Slashes, TargetConfig, ValueConfig};

pub(super) fn route(name: &str, path: PathConfig) -> RouteConfig {
    RouteConfig {
        name: name.into(),
        listeners: [Listener::Edge].into(),
        path,
        hosts: vec![],
        methods: vec![],
        headers: vec![],
        query: vec![],
        auth: AuthConfig::Public,
        rate_limit: vec![],
        timeout: std::time::Duration::from_secs(15),
        client_deadline: false,
        max_body: 1 << 20,
        slashes: Slashes {
            encoded: EncodedSlash::Keep,
            observe: false,
            merge: true,
        },
        cors: None,
        underscore_fields: UnderscoreFields::Drop,
        sticky: vec![],
        target: TargetConfig::Upstream(BackendConfig {
            upstream: "monolith".into(),
            path: PathRewrite::Keep,
            host: None,
        }),
        retry: RetryConfig::default(),
        fallback: None,
        owner: None,
        note: None,
    }
}

fn prefix(path: &str) -> RouteConfig {
    route(path, PathConfig::Prefix(path.trim_end_matches('/').into()))
}

fn exact(path: &str) -> RouteConfig {
    route(&format!("={path}"), PathConfig::Exact(path.into()))
}

fn pattern(path: &str) -> RouteConfig {
    route(path, PathConfig::Pattern(path.into()))
}

fn expression(text: &str) -> RouteConfig {
    route(text, PathConfig::Regex(text.into()))
}

fn winner(routes: &[RouteConfig], path: &str) -> String {
    winner_of(routes, "", path, "", &HeaderMap::new(), &Method::GET)
}

fn winner_of(
    routes: &[RouteConfig],
    host: &str,
    path: &str,
    query: &str,
    fields: &HeaderMap,
    method: &Method,
) -> String {
    let table = Table::compile(Listener::Edge, routes).unwrap();
    let found = table.find(&Asked {
        host,
        path,
        query,
        method,
        fields,
    });
    found.map_or_else(|| "-".into(), |index| routes[index].name.clone())
}

#[test]
fn a_prefix_takes_whole_segments() {
    let routes = [prefix("/api/users")];
    for taken in [
        "/api/users",
        "/api/users/",
        "/api/users/7",
        "/api/users/7/x",
    ] {
        assert_eq!(winner(&routes, taken), "/api/users", "{taken}");
    }
    for other in ["/api/usersettings", "/api", "/", "/x/api/users"] {
        assert_eq!(winner(&routes, other), "-", "{other}");
    }
}

#[test]
fn the_more_specific_path_wins() {
    let routes = [
        prefix("/"),
        prefix("/api"),
        prefix("/api/users"),
        exact("/api/users"),
        pattern("/api/users/{id}/orders"),
        expression("^/v[12]/"),
    ];
    for (path, expected) in [
        ("/", "/"),
        ("/x", "/"),
        ("/api", "/api"),
        ("/api/x", "/api"),
        ("/api/users", "=/api/users"),
        ("/api/users/", "/api/users"),
        ("/api/users/7", "/api/users"),
        ("/api/users/7/orders", "/api/users/{id}/orders"),
        ("/api/users//orders", "/api/users"),
        ("/api/users/7/orders/1", "/api/users"),
        ("/v1/x", "^/v[12]/"),
        ("/v3/x", "/"),
    ] {
        assert_eq!(winner(&routes, path), expected, "{path}");
    }
}

#[test]
fn an_exact_host_comes_before_a_wildcard_and_the_longer_wildcard_first() {
    let mut routes = ["any", "exact", "wild", "wilder"]
        .map(|name| route(name, PathConfig::Prefix(String::new())));
    routes[1].hosts = vec![HostConfig::Exact("shop.example".into())];
    routes[2].hosts = vec![HostConfig::Suffix(".example".into())];
    routes[3].hosts = vec![HostConfig::Suffix(".shop.example".into())];
    for (host, expected) in [
        ("shop.example", "exact"),
        ("a.shop.example", "wilder"),
        ("b.example", "wild"),
        ("example", "any"),
        ("", "any"),
    ] {
        let found = winner_of(&routes, host, "/", "", &HeaderMap::new(), &Method::GET);
        assert_eq!(found, expected, "{host}");
    }
}

#[test]
fn a_host_without_a_fitting_path_leaves_the_request_to_the_next() {
    let mut routes = [prefix("/"), prefix("/api")];
    routes[1].hosts = vec![HostConfig::Exact("shop.example".into())];
    let found = winner_of(
        &routes,
        "shop.example",
        "/x",
        "",
        &HeaderMap::new(),
        &Method::GET,
    );
    assert_eq!(found, "/");
}

#[test]
fn method_fields_and_query_decide_between_equal_paths() {
    let mut routes: Vec<_> = ["plain", "post", "beta", "beta-7", "debug"]
        .map(|name| route(name, PathConfig::Prefix("/a".into())))
        .into();
    routes[1].methods = vec![Method::POST];
    routes[2].headers = vec![("x-beta".parse().unwrap(), ValueConfig::Exact("1".into()))];
    routes[3].headers = routes[2].headers.clone();
    routes[3].headers.push((
        "x-build".parse().unwrap(),
        ValueConfig::Regex("^v[0-9]+$".into()),
    ));
    routes[4].query = vec![("debug".into(), ValueConfig::Exact("a b".into()))];
    let mut beta = HeaderMap::new();
    beta.insert("x-beta", "1".parse().unwrap());
    let mut build = beta.clone();
    build.insert("x-build", "v7".parse().unwrap());
    let none = HeaderMap::new();
    for (fields, query, method, expected) in [
        (&none, "", Method::GET, "plain"),
        (&none, "", Method::POST, "post"),
        (&beta, "debug=a+b", Method::POST, "post"),
        (&beta, "debug=a%20b", Method::GET, "beta"),
        (&build, "", Method::GET, "beta-7"),
        (&none, "x=1&debug=a+b", Method::GET, "debug"),
        (&none, "debug=x&debug=a+b", Method::GET, "plain"),
    ] {
        assert_eq!(
            winner_of(&routes, "", "/a", query, fields, &method),
            expected,
            "{query} {method}"
        );
    }
}

#[test]
fn losers_say_why() {
    let mut routes = [
        prefix("/"),
        prefix("/api"),
        prefix("/api/x"),
        prefix("/api"),
    ];
    routes[3].name = "write".into();
    routes[3].methods = vec![Method::POST];
    let table = Table::compile(Listener::Edge, &routes).unwrap();
    let fields = HeaderMap::new();
    let asked = Asked {
        host: "",
        path: "/api/7",
        query: "",
        method: &Method::GET,
        fields: &fields,
    };
    let losers = table.losers(&asked);
    assert_eq!(
        losers,
        [
            (2, Lost::Path),
            (3, Lost::Unmet(Unmet::Method)),
            (0, Lost::LessSpecific)
        ]
    );
}

proptest! {
    /// The compiled look-up finds what asking every entry in order finds.
    #[test]
    fn the_look_up_is_the_first_entry_that_matches(
        declared in proptest::collection::vec(("(/[ab]{1,2}){0,3}", 0..4_u8), 1..12),
        path in "(/[ab]{1,2}){1,4}/?",
    ) {
        let routes: Vec<RouteConfig> = declared.iter().enumerate().map(|(n, (path, kind))| {
            let mut made = match kind {
                0 => prefix(path),
                1 => exact(if path.is_empty() { "/" } else { path }),
                2 => pattern(&format!("{path}/{{id}}")),
                _ => expression(&format!("^{path}/a")),
            };
            made.name = format!("r{n}");
            made
        }).collect();
        let table = Table::compile(Listener::Edge, &routes).unwrap();
        let fields = HeaderMap::new();
        let asked = Asked { host: "", path: &path, query: "", method: &Method::GET, fields: &fields };
        let first = table.entries.iter().find(|entry| entry.path.takes(&path)).map(|entry| entry.route);
        prop_assert_eq!(table.find(&asked), first);
    }
}
