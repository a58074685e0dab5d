//! The Gateway API's own conformance cases of matching, where the folder with them is at hand.

use crate::listener::config::Listener;
use std::path::PathBuf;

use http::{HeaderMap, Method};
use serde_json::Value;

use super::Table;
use super::tests::route;
use crate::route::conditions::Asked;
use crate::route::config::{PathConfig, RouteConfig, ValueConfig};

const MATCHING: [&str; 5] = [
    "HTTPRouteExactPathMatching",
    "HTTPRouteHeaderMatching",
    "HTTPRouteMatching",
    "HTTPRouteMethodMatching",
    "HTTPRouteQueryParamMatching",
];

#[expect(
    clippy::disallowed_methods,
    reason = "the folder of published cases may be elsewhere"
)]
fn folder() -> PathBuf {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    std::env::var("BANYAN_VECTORS").map_or(beside, PathBuf::from)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn value(given: &Value) -> ValueConfig {
    match given["type"].as_str() {
        Some("RegularExpression") => ValueConfig::Regex(format!("^(?:{})$", text(&given["value"]))),
        _ => ValueConfig::Exact(text(&given["value"])),
    }
}

/// A route for each match of each rule; names keep the rules' order, which decides between equals.
fn routes(rules: &[Value]) -> Vec<(RouteConfig, String)> {
    let mut routes = Vec::new();
    for rule in rules {
        let backend = text(&rule["backendRefs"][0]["name"]);
        let every = [Value::Null];
        let matches = if list(&rule["matches"]).is_empty() {
            &every[..]
        } else {
            list(&rule["matches"])
        };
        for given in matches {
            let path = text(&given["path"]["value"]);
            let path = match given["path"]["type"].as_str() {
                Some("Exact") => PathConfig::Exact(path),
                Some("RegularExpression") => PathConfig::Regex(path),
                _ => PathConfig::Prefix(path.trim_end_matches('/').to_owned()),
            };
            let mut made = route(&format!("{:04}", routes.len()), path);
            made.methods = given["method"]
                .as_str()
                .map(|method| method.parse().unwrap())
                .into_iter()
                .collect();
            let fields = list(&given["headers"]).iter();
            made.headers = fields
                .map(|field| (text(&field["name"]).parse().unwrap(), value(field)))
                .collect();
            let query = list(&given["queryParams"]).iter();
            made.query = query
                .map(|parameter| (text(&parameter["name"]), value(parameter)))
                .collect();
            routes.push((made, backend.clone()));
        }
    }
    routes
}

fn answered_by(routes: &[(RouteConfig, String)], request: &Value) -> Option<String> {
    let table = Table::compile(Listener::Edge, routes.iter().map(|(route, _)| route)).unwrap();
    let target = text(&request["Path"]);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let method: Method = request["Method"].as_str().unwrap_or("GET").parse().unwrap();
    let fields = request["Headers"].as_object().into_iter().flatten();
    let fields: HeaderMap = fields
        .map(|(name, value)| (name.parse().unwrap(), text(value).parse().unwrap()))
        .collect();
    let found = table.find(&Asked {
        host: "",
        path,
        query,
        method: &method,
        fields: &fields,
    });
    found.map(|index| routes[index].1.clone())
}

#[test]
fn the_gateway_apis_cases_of_matching_hold() {
    let file = folder().join("gateway-api/httproute-cases.json");
    let Ok(document) = std::fs::read(&file) else {
        println!("skipped: {} is not there", file.display());
        return;
    };
    let document: Value = serde_json::from_slice(&document).unwrap();
    let mut wrong = Vec::new();
    let mut checked = 0;
    for test in list(&document["tests"])
        .iter()
        .filter(|test| MATCHING.contains(&text(&test["id"]).as_str()))
    {
        let rules: Vec<Value> = list(&test["resources"]["routes"])
            .iter()
            .flat_map(|route| list(&route["spec"]["rules"]))
            .cloned()
            .collect();
        let routes = routes(&rules);
        for case in list(&test["cases"]) {
            let expected = case["Backend"].as_str().map(str::to_owned);
            let found = answered_by(&routes, &case["Request"]);
            checked += 1;
            if found != expected {
                wrong.push(format!(
                    "{} {}: {expected:?}, found {found:?}",
                    test["id"], case["Request"]
                ));
            }
        }
    }
    assert!(checked > 50, "{checked}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
