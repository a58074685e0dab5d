//! `HTTPRoute` resources of the Gateway API in the words of routes.toml. It renames and nothing else: which route wins and
//! whether values make sense is the gateway's to say.

use serde_json::Value;
use tests::origin::Origin;
use toml::{Table, Value as Toml};

/// What the Gateway API says where a redirect names no status.
const REDIRECT: i64 = 302;

/// routes.toml for these routes, which hang on these gateways' listeners, and these backends.
pub(crate) fn routes_file(resources: &Value, backends: &[(String, Origin)]) -> String {
    let mut upstreams = Table::new();
    for (name, backend) in backends {
        upstreams.insert(name.clone(), one("endpoints", vec![backend.url()]));
    }
    let mut routes = Table::new();
    for route in list(&resources["routes"]) {
        let hosts = hosts(route, list(&resources["gateways"]));
        for (rule, wanted) in list(&route["spec"]["rules"]).iter().enumerate() {
            // No match is one that takes everything.
            let every = [Value::Null];
            let matches = match list(&wanted["matches"]) {
                [] => &every[..],
                matches => matches,
            };
            for (index, wanted_of) in matches.iter().enumerate() {
                // Between equals the first rule wins: in routes.toml that is the name's alphabet.
                let name = format!("{}-{rule:02}-{index:02}", text(&route["name"]));
                routes.insert(name, translated(wanted, wanted_of, &hosts).into());
            }
        }
    }
    let mut file = Table::new();
    put(&mut file, "version", 1);
    file.insert("upstream".to_owned(), upstreams.into());
    file.insert("route".to_owned(), routes.into());
    toml::to_string(&file).unwrap()
}

/// Every backend that is named anywhere.
pub(crate) fn backends(resources: &Value) -> Vec<String> {
    let mut names = Vec::new();
    for route in list(&resources["routes"]) {
        for rule in list(&route["spec"]["rules"]) {
            let mirrors = list(&rule["filters"]).iter();
            let mirrors = mirrors.map(|filter| &filter["requestMirror"]["backendRef"]);
            let named = list(&rule["backendRefs"]).iter().chain(mirrors);
            names.extend(named.filter_map(|backend| Some(backend["name"].as_str()?.to_owned())));
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The hosts of a route: its own, or those of the listeners that it hangs on.
fn hosts(route: &Value, gateways: &[Value]) -> Vec<Toml> {
    let own = list(&route["spec"]["hostnames"]);
    if !own.is_empty() {
        return own.iter().map(renamed).collect();
    }
    let parents = list(&route["spec"]["parentRefs"]).iter();
    let listeners = parents.flat_map(|parent| {
        let gateway = gateways.iter().find(|one| one["name"] == parent["name"]);
        let listeners = gateway.map_or(&[][..], |gateway| list(&gateway["spec"]["listeners"]));
        let section = &parent["sectionName"];
        listeners
            .iter()
            .filter(move |listener| section.is_null() || listener["name"] == *section)
    });
    let named = listeners.filter(|listener| !listener["hostname"].is_null());
    named
        .map(|listener| renamed(&listener["hostname"]))
        .collect()
}

fn translated(rule: &Value, matched: &Value, hosts: &[Toml]) -> Table {
    let mut route = Table::new();
    put(&mut route, "auth", "none");
    put(&mut route, "path", path(&matched["path"]));
    if !hosts.is_empty() {
        put(&mut route, "hosts", hosts.to_vec());
    }
    if let Some(method) = matched["method"].as_str() {
        put(&mut route, "methods", vec![method]);
    }
    for (ours, theirs) in [("headers", "headers"), ("query", "queryParams")] {
        let listed = list(&matched[theirs]).iter();
        let wanted: Table = listed
            .map(|wanted| (text(&wanted["name"]), value(wanted)))
            .collect();
        if !wanted.is_empty() {
            put(&mut route, ours, wanted);
        }
    }
    for filter in list(&rule["filters"]) {
        filtered(&mut route, filter);
    }
    if let Some(timeout) = rule["timeouts"]["request"].as_str() {
        put(&mut route, "timeout", timeout);
    }
    retry(&mut route, &rule["retry"]);
    led_to(&mut route, list(&rule["backendRefs"]));
    route
}

fn path(wanted: &Value) -> Toml {
    let path = wanted["value"].as_str().unwrap_or("/");
    match wanted["type"].as_str() {
        Some("Exact") => one("exact", path),
        Some("RegularExpression") => one("regex", path),
        _ => path.into(),
    }
}

fn value(wanted: &Value) -> Toml {
    let value = text(&wanted["value"]);
    match wanted["type"].as_str() {
        Some("RegularExpression") => one("regex", value),
        _ => value.into(),
    }
}

fn filtered(route: &mut Table, filter: &Value) {
    match filter["type"].as_str().unwrap() {
        "RequestRedirect" => {
            let wanted = &filter["requestRedirect"];
            let mut redirect = named(
                wanted,
                &[("scheme", "scheme"), ("hostname", "host"), ("port", "port")],
            );
            redirect.extend(replaced(&wanted["path"]));
            put(
                &mut redirect,
                "status",
                wanted["statusCode"].as_i64().unwrap_or(REDIRECT),
            );
            put(route, "redirect", redirect);
        }
        "URLRewrite" => {
            let wanted = &filter["urlRewrite"];
            let mut rewrite = named(wanted, &[("hostname", "host")]);
            rewrite.extend(replaced(&wanted["path"]));
            put(route, "rewrite", rewrite);
        }
        "RequestHeaderModifier" => {
            put(
                route,
                "request_headers",
                modified(&filter["requestHeaderModifier"]),
            );
        }
        "ResponseHeaderModifier" => {
            put(
                route,
                "response_headers",
                modified(&filter["responseHeaderModifier"]),
            );
        }
        "RequestMirror" => {
            put(
                route,
                "service",
                text(&filter["requestMirror"]["backendRef"]["name"]),
            );
        }
        "CORS" => put(route, "cors", cors(&filter["cors"])),
        other => panic!("a filter that nobody translates: {other}"),
    }
}

fn replaced(path: &Value) -> Table {
    named(
        path,
        &[
            ("replacePrefixMatch", "path"),
            ("replaceFullPath", "full_path"),
        ],
    )
}

fn modified(wanted: &Value) -> Table {
    let mut policy = Table::new();
    for key in ["set", "add"] {
        let listed = list(&wanted[key]).iter();
        let fields: Table = listed
            .map(|field| (text(&field["name"]), renamed(&field["value"])))
            .collect();
        if !fields.is_empty() {
            put(&mut policy, key, fields);
        }
    }
    policy.extend(named(wanted, &[("remove", "remove")]));
    policy
}

fn cors(wanted: &Value) -> Table {
    let mut cors = named(
        wanted,
        &[
            ("allowOrigins", "allow_origins"),
            ("allowMethods", "allow_methods"),
            ("allowHeaders", "allow_headers"),
            ("exposeHeaders", "expose_headers"),
            ("allowCredentials", "allow_credentials"),
        ],
    );
    if let Some(seconds) = wanted["maxAge"].as_i64() {
        put(&mut cors, "max_age", format!("{seconds}s"));
    }
    cors
}

/// The Gateway API counts what follows the first try, routes.toml counts all.
fn retry(route: &mut Table, wanted: &Value) {
    let Some(attempts) = wanted["attempts"].as_i64() else {
        return;
    };
    let mut retry = Table::new();
    put(&mut retry, "attempts", attempts + 1);
    let codes = list(&wanted["codes"]).iter().map(Value::to_string);
    put(&mut retry, "on", codes.collect::<Vec<_>>());
    put(route, "retry", retry);
}

fn led_to(route: &mut Table, backends: &[Value]) {
    let to: Toml = match backends {
        [] => return,
        [only] => text(&only["name"]).into(),
        several => {
            let weighted = several.iter().map(|backend| {
                let mut entry = named(backend, &[("name", "name"), ("weight", "weight")]);
                for filter in list(&backend["filters"]) {
                    filtered(&mut entry, filter);
                }
                Toml::from(entry)
            });
            Toml::Array(weighted.collect())
        }
    };
    if !route.contains_key("service") {
        put(route, "upstream", to);
        return;
    }
    // A mirror: legacy answers, and what the service says to its copy is forgotten.
    put(route, "legacy", to);
    put(route, "phase", "shadow");
    let mut shadow = Table::new();
    put(&mut shadow, "percent", 100);
    put(&mut shadow, "compare", false);
    put(route, "shadow", shadow);
}

/// What is there of these, under the other name.
fn named(from: &Value, names: &[(&str, &str)]) -> Table {
    let there = names.iter().filter(|(theirs, _)| !from[*theirs].is_null());
    there
        .map(|(theirs, ours)| ((*ours).to_owned(), renamed(&from[*theirs])))
        .collect()
}

fn renamed(value: &Value) -> Toml {
    Toml::try_from(value).unwrap()
}

fn one(key: &str, value: impl Into<Toml>) -> Toml {
    Toml::Table([(key.to_owned(), value.into())].into_iter().collect())
}

fn put(table: &mut Table, key: &str, value: impl Into<Toml>) {
    table.insert(key.to_owned(), value.into());
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
