//! What of a request becomes what of a call.

use std::sync::Arc;

use axum::extract::FromRequestParts as _;
use chassis::identity::Trust;
use composition::{Ask, Declared, Inbound, Params};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::Instant;

use super::{FIRST, Gateway, HERE, theirs};
use crate::shop::{Answer, inbound};

struct Named {
    foo: String,
    bar: String,
}

/// `KrakenD` hands on the fields that an endpoint lists. Here each backend gets who asks and how long they wait, and
/// nothing else of what a client sent: neither an unlisted field nor a parameter.
#[tokio::test(start_paused = true)]
async fn param_forwarding_1_and_3_hand_on_who_asks_and_nothing_else() {
    for spelled in [
        ["Authorization", "X-Y-Z", "A-B-C"],
        ["autHoriZatiOn", "x-y-Z", "a-b-c"],
    ] {
        let gateway = Gateway::open();
        let call = gateway.call("/param_forwarding");
        let part = Declared::new(FIRST).call(move |ask: &Ask<Named>, ()| {
            call.clone().segment(&ask.bar).query("foo", &ask.foo)
        });
        let view = gateway.view([part.required()], |_, parts| parts.get(FIRST).cloned());
        let values = ["bearer 123456", "true", "ignore"].map(HeaderValue::from_static);
        let names = spelled.map(|name| HeaderName::from_bytes(name.as_bytes()).unwrap());
        let fields: HeaderMap = names.into_iter().zip(values).collect();
        let (inbound, _) = Inbound::read(&fields, Trust::Trusted, None, Instant::now());
        let named = Named {
            foo: "foo".into(),
            bar: "bar".into(),
        };
        let answer = Answer::read(view.answer(Arc::new(inbound), named).await).await;
        assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
        let seen = gateway.script.seen("mock").remove(0);
        assert_eq!(seen.target, "/param_forwarding/bar?foo=foo");
        assert_eq!(seen.fields["authorization"], "bearer 123456");
        assert!(!seen.fields.contains_key("x-y-z") && !seen.fields.contains_key("a-b-c"));
        if let Some(theirs) = theirs("param_forwarding_1") {
            for member in ["foo", "path", "query"] {
                assert_eq!(answer.json()[member], theirs[member], "{member}");
            }
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    a: u64,
    b: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnlyA {
    a: u64,
}

async fn parameters<P: DeserializeOwned>(target: &str) -> Result<P, String> {
    let uri: Uri = target.parse().unwrap();
    let (mut parts, ()) = Request::builder().uri(uri).body(()).unwrap().into_parts();
    let read = Params::<P>::from_request_parts(&mut parts, &()).await;
    read.map(|Params(read)| read)
        .map_err(|problem| String::from_utf8(problem.to_json().to_vec()).unwrap())
}

/// `KrakenD` hands on all parameters, or those that an endpoint lists, and drops the others unsaid. Here a screen has
/// parameters of a type, what each becomes for a backend is written down, and one that is unknown or said twice is 400.
#[tokio::test(start_paused = true)]
async fn query_forwarding_1_and_3_take_what_is_declared() {
    let (_, all) = HERE[7];
    let (_, some) = HERE[8];
    let gateway = Gateway::open();
    let call = gateway.call("/param_forwarding/foo");
    let part = Declared::new(FIRST)
        .call(move |ask: &Ask<All>, ()| call.clone().query("a", ask.a).query("b", ask.b));
    let view = gateway.view([part.required()], |_, parts| parts.get(FIRST).cloned());
    let asked = parameters(all).await.unwrap();
    let answer = Answer::read(view.answer(inbound(&[]), asked).await).await;
    assert_eq!(answer.json()["query"], json!({"a": ["1"], "b": ["2"]}));
    if let Some(theirs) = theirs("query_forwarding_1") {
        assert_eq!(answer.json()["query"], theirs["query"]);
        assert_eq!(answer.json()["path"], theirs["path"]);
    }
    let refused = parameters::<All>(some).await.unwrap_err();
    assert!(refused.contains("duplicate field `b`"), "{refused}");

    let call = gateway.call("/param_forwarding/foo");
    let part =
        Declared::new(FIRST).call(move |ask: &Ask<OnlyA>, ()| call.clone().query("a", ask.a));
    let view = gateway.view([part.required()], |_, parts| parts.get(FIRST).cloned());
    let refused = parameters::<OnlyA>(some).await.unwrap_err();
    assert!(refused.contains("expected `a`"), "{refused}");
    let (declared, _) = some.split_once('&').unwrap();
    let asked = parameters(declared).await.unwrap();
    let answer = Answer::read(view.answer(inbound(&[]), asked).await).await;
    assert_eq!(answer.json()["query"], json!({"a": ["1"]}));
    if let Some(theirs) = theirs("query_forwarding_3") {
        assert_eq!(answer.json()["query"], theirs["query"]);
    }
}
