//! `KrakenD`'s cases of aggregation, as screens of ours: the same backends, the same requests, and what of the outcome is
//! the same. Where ours differs, the test says how and why.
//!
//! The cases themselves are read where the folder with them is at hand: whether each is here, and whether what is alike
//! is alike.

mod answers;
mod requests;
mod partial;

use std::sync::Arc;
use std::time::Duration;

use chassis::tasks::Tasks;
use composition::{Backend, Call, Declared, Engine, Part, Parts, Plan, Raw, Slot, View};
use http::HeaderValue;
use http::header::LOCATION;
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::script::{Reply, Script, Seen, ms};
use crate::shop::{Answer, inbound};
use crate::vectors;

/// The cases that are tests here, and what each asks for.
const HERE: [(&str, &str); 11] = [
    ("backend_301", "/redirect/301"),
    ("backend_303", "/redirect/303"),
    ("backend_404", "/crash"),
    ("flatmap_1", "/flatmap/2"),
    ("integration_no_body", "/static"),
    (
        "param_forwarding_1",
        "/param_forwarding/some/foo/bar?a=1&b=2",
    ),
    (
        "param_forwarding_3",
        "/param_forwarding/some/foo/bar?a=1&b=2",
    ),
    ("query_forwarding_1", "/query_forwarding/all/foo?a=1&b=2"),
    (
        "query_forwarding_3",
        "/query_forwarding/some/foo?a=1&b=2&b=3",
    ),
    ("sequential_2", "/sequential/incomplete/foobar"),
    ("timeout", "/timeout"),
];

/// The cases that are about something else than composing, and whose it is.
const ELSEWHERE: [(&str, &str); 11] = [
    ("botdetector_2", "who may ask is the edge's to decide"),
    ("botdetector_4", "who may ask is the edge's to decide"),
    ("cors_1", "other origins are the edge's to answer"),
    ("cors_3", "other origins are the edge's to answer"),
    (
        "cors_5",
        "other origins are the edge's; what is asked for is as in param_forwarding_1",
    ),
    ("jsonschema_1", "screens take no content"),
    ("jwt_2", "the gateway checks tokens, on each part's route"),
    ("jwt_4", "nobody here signs tokens but the issuer"),
    ("no-op_1", "what is not composed goes through the gateway"),
    ("router_404", "the front door's: the BFFs' own tests ask it"),
    (
        "router_redirect",
        "an address in other letters is another address, and 404: it is never guessed at",
    ),
];

/// What the cases are read from, and one case's answer as `KrakenD` gives it.
fn published() -> Option<Value> {
    let file = vectors::published("krakend/aggregation-cases.json")?;
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn theirs(id: &str) -> Option<Value> {
    let document = published()?;
    let mut cases = document["cases"].as_array().unwrap().iter();
    let case = cases.find(|case| case["id"] == id).unwrap();
    Some(case["out"]["body_json"].clone())
}

#[test]
fn every_case_is_here_or_somebody_elses() {
    let mut known: Vec<&str> = HERE.iter().chain(&ELSEWHERE).map(|(id, _)| *id).collect();
    known.sort_unstable();
    let mut once = known.clone();
    once.dedup();
    assert_eq!(known, once);
    let Some(document) = published() else { return };
    let cases = document["cases"].as_array().unwrap();
    let id = |case: &Value| case["id"].as_str().unwrap().to_owned();
    let mut all: Vec<String> = cases.iter().map(id).collect();
    all.sort_unstable();
    assert_eq!(known, all);
    for (id, asked) in HERE {
        let case = cases.iter().find(|case| case["id"] == id).unwrap();
        assert_eq!(case["in"]["url"], asked, "{id}");
        assert_eq!(case["in"]["method"], "GET", "{id}");
    }
}

/// A process over the one backend that the cases have.
struct Gateway {
    script: Arc<Script>,
    engine: Arc<Engine>,
    backend: Arc<Backend>,
}

impl Gateway {
    fn open() -> Self {
        let script = Script::new();
        script.answers("mock", mock);
        Self {
            engine: Engine::new(Arc::clone(&script) as _, "test", 1024 * 1024, &Tasks::new()),
            backend: Backend::new("mock", "10.1.2.3", 8081, "", 64).unwrap(),
            script,
        }
    }

    /// What asks the backend for a path.
    fn call<T: serde::de::DeserializeOwned>(&self, path: &'static str) -> Call<T> {
        Call::get(&self.backend, path)
    }

    /// A part that asks for a path and waits for nothing.
    fn part<T>(&self, slot: Slot<T>, path: &'static str) -> Part<()>
    where
        T: serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        let call = self.call(path);
        Declared::new(slot).call(move |_, ()| call.clone())
    }

    /// The answer of a screen without parameters.
    async fn answer<B: Serialize + 'static>(
        &self,
        parts: impl IntoIterator<Item = Part<()>>,
        compose: fn(&Parts<'_>) -> Option<B>,
    ) -> Answer {
        let view = self.view(parts, move |(), parts| compose(parts));
        Answer::read(view.answer(inbound(&[]), ()).await).await
    }

    fn view<P: Send + Sync + 'static, B: Serialize>(
        &self,
        parts: impl IntoIterator<Item = Part<P>>,
        compose: impl Fn(&P, &Parts<'_>) -> Option<B> + Send + Sync + 'static,
    ) -> View<P> {
        let plan = Plan::new("case", Duration::from_secs(3), parts).unwrap();
        View::new(&self.engine, plan, compose)
    }

    fn targets(&self) -> Vec<String> {
        let seen = self.script.seen("mock").into_iter();
        seen.map(|seen| seen.target).collect()
    }
}

/// The backend as the cases describe it.
fn mock(seen: &Seen) -> Reply {
    let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
    let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let mut echo = json!({"foo": 42, "path": path, "query": {}});
    for (name, value) in &parameters {
        echo["query"][name] = json!([value]);
    }
    match path.split('/').nth(1) {
        Some("param_forwarding") => Reply::json(&echo),
        Some("delayed") => Reply::json(&echo).after(ms(200)),
        Some("collection") => {
            let item = |i| json!({"path": path, "i": i});
            Reply::json(&(0..10).map(item).collect())
        }
        Some("redirect") => {
            let to = HeaderValue::from_static("http://10.1.2.3:8081/param_forwarding/");
            let status = parameters[0].1.parse().unwrap();
            Reply::text(status, "").field(LOCATION, to)
        }
        _ => Reply::text(404, "404 page not found at 10.1.2.3:8081"),
    }
}

/// What marks an answer with something missing: never for keeping, no tag.
fn assert_marked(answer: &Answer, degraded: &str) {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.field("x-degraded"), Some(degraded));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("etag"), None);
    assert_eq!(answer.json()["_meta"]["complete"], false);
}

#[derive(Serialize)]
struct Grouped {
    first: Option<Raw>,
    second: Option<Raw>,
}

const FIRST: Slot<Raw> = Slot::named("first");
const SECOND: Slot<Raw> = Slot::named("second");

#[expect(
    clippy::unnecessary_wraps,
    reason = "composing may find that something is missing"
)]
fn grouped(parts: &Parts<'_>) -> Option<Grouped> {
    Some(Grouped {
        first: parts.get(FIRST).cloned(),
        second: parts.get(SECOND).cloned(),
    })
}
