//! The Gateway API's own conformance cases: each group's routes in a gateway of its own, each case a request through it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::echo::{SET, echo};
use tests::edge::Edge;
use tests::origin::Origin;
use tests::vectors::published;
use tests::wire::Wire;

use crate::translate::{backends, list, routes_file, text};

/// What a client that was told nothing else sends as Host: gateways of the suite listen on HTTP's own port.
const HOST: &str = "gateway.example";

/// How many cases of the groups hold at least, and of how many.
const HOLD: [(&str, usize, usize); 21] = [
    ("HTTPRoute303Redirect", 1, 1),
    ("HTTPRoute307Redirect", 1, 1),
    ("HTTPRoute308Redirect", 1, 1),
    ("HTTPRouteCORS", 17, 17),
    ("HTTPRouteCrossNamespace", 1, 1),
    ("HTTPRouteExactPathMatching", 6, 6),
    ("HTTPRouteHeaderMatching", 11, 11),
    ("HTTPRouteListenerHostnameMatching", 8, 8),
    ("HTTPRouteMatching", 9, 9),
    ("HTTPRouteMethodMatching", 12, 12),
    ("HTTPRouteNamedRule", 2, 2),
    ("HTTPRouteQueryParamMatching", 19, 19),
    ("HTTPRouteRedirectPath", 6, 6),
    ("HTTPRouteRedirectScheme", 4, 4),
    ("HTTPRouteRequestHeaderModifier", 0, 7),
    ("HTTPRouteRequestMirror", 0, 2),
    ("HTTPRouteResponseHeaderModifier", 0, 8),
    ("HTTPRouteRetry", 12, 12),
    ("HTTPRouteRewritePath", 0, 6),
    ("HTTPRouteSimpleSameNamespace", 1, 1),
    ("HTTPRouteTimeoutRequest", 3, 3),
];

#[tokio::test]
async fn the_gateway_apis_cases_hold() {
    let Some(file) = published("gateway-api/httproute-cases.json") else {
        return;
    };
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let groups = join_all(list(&document["tests"]).iter().map(run)).await;
    let (mut held, mut all, mut report) = (0, 0, String::new());
    let mut found = BTreeMap::new();
    for (group, outcome) in &groups {
        let mut wrong: Vec<_> = outcome.iter().filter_map(Option::as_ref).collect();
        let hold = outcome.len() - wrong.len();
        wrong.dedup();
        writeln!(report, "{group}: {hold} of {}", outcome.len()).unwrap();
        for wrong in wrong {
            writeln!(report, "    {wrong}").unwrap();
        }
        found.insert(group.as_str(), (hold, outcome.len()));
        (held, all) = (held + hold, all + outcome.len());
    }
    println!("{report}gateway-api: {held} of {all} cases hold");
    for (group, least, cases) in HOLD {
        let (hold, all) = found[group];
        assert!(hold >= least && all == cases, "{group}: {report}");
    }
    assert_eq!(found.len(), HOLD.len(), "{report}");
}

/// What is wrong with each case of a group.
async fn run(group: &Value) -> (String, Vec<Option<String>>) {
    let (id, cases) = (text(&group["id"]), list(&group["cases"]));
    let resources = &group["resources"];
    let mut started = Vec::new();
    for name in backends(resources) {
        let backend = echo(&name).await;
        started.push((name, backend));
    }
    let plan = Edge::with_routes(&routes_file(resources, &started));
    let check = plan.run(&["check", "routes.toml"]).await;
    if check.code != Some(0) {
        let said = check.stderr + &check.stdout;
        let said = said.lines().find(|line| line.starts_with("error"));
        let said = said.unwrap_or("banyan check fails").to_owned();
        return (id, vec![Some(said); cases.len()]);
    }
    let edge = plan.start().await;
    let mut outcome = Vec::new();
    for (index, case) in cases.iter().enumerate() {
        outcome.push(if case["args"].is_object() {
            let wrong = wrong(&edge, &started, &retried(case, index, cases)).await;
            wrong.map(|wrong| format!("{}: {wrong}", case["name"]))
        } else if case["Request"]["Path"].is_object() {
            // How the cases of retries are asked, which they were.
            None
        } else {
            let wrong = wrong(&edge, &started, case).await;
            wrong.map(|wrong| format!("{} {}: {wrong}", case["TestCaseName"], case["Request"]))
        });
    }
    edge.stop().await;
    (id, outcome)
}

/// A case of retries, asked as the last one of its group says, under a query of its own.
fn retried(case: &Value, index: usize, cases: &[Value]) -> Value {
    let asked = cases.last().unwrap();
    let simulated = &case["args"]["retrySimulationConfig"];
    let mut path = format!("{}?case={index}", text(&case["args"]["path"]));
    for (name, value) in simulated.as_object().unwrap() {
        write!(path, "&{name}={}", text(&value[0])).unwrap();
    }
    json!({
        "Request": { "Path": path },
        "Response": case["want"],
        "Backend": asked["Backend"],
        "Namespace": asked["Namespace"],
    })
}

async fn wrong(edge: &Edge, backends: &[(String, Origin)], case: &Value) -> Option<String> {
    let asked = &case["Request"];
    let mirrors = list(&case["MirroredTo"]).iter();
    let mut mirrors: Vec<_> = mirrors
        .map(|mirror| {
            let name = text(&mirror["BackendRef"]["Name"]);
            &backends.iter().find(|(found, _)| *found == name).unwrap().1
        })
        .map(|mirror| (mirror, mirror.seen().len()))
        .collect();
    let answer = send(edge, asked, &case["BackendSetResponseHeaders"]).await;
    let wrong = wrong_status(&answer, &case["Response"])
        .or_else(|| wrong_fields(&answer, &case["Response"]))
        .or_else(|| wrong_redirect(&answer, asked, &case["RedirectRequest"]))
        // A preflight ends at the gateway; a redirect does, too.
        .or_else(|| {
            let forwarded = answer.status == 200 && !text(&case["Namespace"]).is_empty();
            forwarded.then(|| wrong_request(&answer, case)).flatten()
        });
    if wrong.is_none() {
        for (mirror, before) in mirrors.drain(..) {
            mirror.saw(before + 1).await;
        }
    }
    wrong
}

async fn send(edge: &Edge, asked: &Value, set: &Value) -> Answer {
    let method = asked["Method"].as_str().unwrap_or("GET");
    let host = asked["Host"].as_str().unwrap_or(HOST);
    let path = text(&asked["Path"]);
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in asked["Headers"].as_object().into_iter().flatten() {
        write!(request, "{name}: {}\r\n", text(value)).unwrap();
    }
    for (name, value) in set.as_object().into_iter().flatten() {
        write!(request, "{SET}: {name}: {}\r\n", text(value)).unwrap();
    }
    request.push_str("\r\n");
    let mut wire = Wire::connect(edge.address).await;
    wire.send(request).await;
    if method == "HEAD" {
        wire.answer_to_head().await
    } else {
        wire.answer().await
    }
}

fn wrong_status(answer: &Answer, wanted: &Value) -> Option<String> {
    let one = wanted["StatusCode"].as_u64();
    let mut several: Vec<_> = list(&wanted["StatusCodes"])
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    if several.is_empty() {
        several.push(one.unwrap_or(200));
    }
    let got = answer.status;
    (!several.contains(&got.into())).then(|| format!("status {got} instead of {several:?}"))
}

fn wrong_fields(answer: &Answer, wanted: &Value) -> Option<String> {
    let lenient = wanted["IgnoreWhitespace"] == true;
    let plain = |text: &str| {
        let text = text.to_owned();
        if lenient { text.replace(' ', "") } else { text }
    };
    let exact = wanted["Headers"].as_object().into_iter().flatten();
    let exact = exact.map(|(name, value)| (name, vec![text(value)]));
    let valid = wanted["ValidHeaderValues"]
        .as_object()
        .into_iter()
        .flatten();
    let valid = valid.map(|(name, values)| (name, list(values).iter().map(text).collect()));
    for (name, values) in exact.chain(valid) {
        let got = answer.all(name).join(",");
        if !values.iter().any(|value| plain(value) == plain(&got)) {
            return Some(format!("{name} is {got:?} instead of one of {values:?}"));
        }
    }
    let mut absent = list(&wanted["AbsentHeaders"]).iter().map(text);
    let found = absent.find(|name| !answer.all(name).is_empty())?;
    Some(format!("{found} is there"))
}

fn wrong_redirect(answer: &Answer, asked: &Value, wanted: &Value) -> Option<String> {
    if wanted.is_null() {
        return None;
    }
    let got = answer.all("location").join(",");
    let (scheme, rest) = got.split_once("://").unwrap_or(("", &got));
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let path = &rest[authority.len()..];
    // HTTP's own ports may be named.
    let own = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    let host = authority.strip_suffix(own).unwrap_or(authority);
    let asked_path = text(&asked["Path"]);
    let expected = (
        wanted["Scheme"].as_str().unwrap_or("http"),
        wanted["Host"].as_str().unwrap_or(HOST),
        wanted["Path"].as_str().unwrap_or(&asked_path),
    );
    let found = (scheme, host, path);
    (found != expected).then(|| format!("redirected to {got:?} instead of {expected:?}"))
}

/// What the backend was asked, which its answer tells.
fn wrong_request(answer: &Answer, case: &Value) -> Option<String> {
    let (asked, expected) = (&case["Request"], &case["ExpectedRequest"]);
    if asked["Method"] == "HEAD" {
        return None;
    }
    let told = answer.json();
    let wanted = |key: &str, default: &str| {
        let wanted = expected["Request"][key]
            .as_str()
            .filter(|text| !text.is_empty());
        wanted.or(asked[key].as_str()).unwrap_or(default).to_owned()
    };
    let mut compared = vec![
        ("path", text(&told["path"]), wanted("Path", "/")),
        ("method", text(&told["method"]), wanted("Method", "GET")),
        ("host", text(&told["host"]), wanted("Host", HOST)),
    ];
    if let Some(backend) = case["Backend"].as_str() {
        compared.push(("backend", text(&told["backend"]), backend.to_owned()));
    }
    let fields = &told["headers"];
    let headers = expected["Request"]["Headers"]
        .as_object()
        .into_iter()
        .flatten();
    for (name, value) in headers {
        let got = text(&fields[name.to_lowercase()]);
        compared.push((name, got, text(value)));
    }
    for (what, got, wanted) in compared {
        if got != wanted {
            return Some(format!(
                "the backend's {what} is {got:?} instead of {wanted:?}"
            ));
        }
    }
    let mut absent = list(&expected["AbsentHeaders"]).iter().map(text);
    let found = absent.find(|name| !fields[name.to_lowercase()].is_null())?;
    Some(format!("the backend sees {found}"))
}
