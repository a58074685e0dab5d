//! Answers of several parts, with all of them and with less.

use composition::{Declared, Slot};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::Instant;

use super::{FIRST, Gateway, SECOND, assert_marked, grouped, theirs};
use crate::script::{Reply, ms};

#[derive(Clone, Deserialize, Serialize)]
struct Foo {
    foo: u64,
}

const FOO: Slot<Foo> = Slot::named("foo");

/// `KrakenD` answers 200 with what there is, and a field of its own says that it is not all. So do we, with which part
/// and why. Further than it: what waited for something that was lost is not asked for at all, and says why as well.
#[tokio::test(start_paused = true)]
async fn sequential_2_says_which_step_was_lost() {
    let gateway = Gateway::open();
    let steps = || {
        let next = gateway.call("");
        [
            gateway.part(FOO, "/param_forwarding/foobar"),
            Declared::new(SECOND)
                .after(FOO)
                .call(move |_, foo| next.clone().segment(foo.foo)),
        ]
    };
    let answer = gateway
        .answer(steps(), |parts| Some(json!({"foo": parts.get(FOO)?.foo})))
        .await;
    assert_marked(&answer, "second;reason=4xx");
    let mut body = answer.json();
    let meta = body.as_object_mut().unwrap().remove("_meta").unwrap();
    assert_eq!(
        meta["parts"],
        json!({"foo": {"status": "ok"}, "second": {"status": "omitted", "reason": "4xx"}})
    );
    assert_eq!(body, theirs("sequential_2").unwrap_or(json!({"foo": 42})));
    assert_eq!(gateway.targets(), ["/param_forwarding/foobar", "/42"]);

    gateway.script.says("mock", Reply::text(500, ""));
    let answer = gateway.answer(steps(), |_| Some(json!({}))).await;
    assert_marked(&answer, "foo;reason=5xx, second;reason=5xx");
    assert_eq!(
        answer.json()["_meta"]["parts"]["second"],
        json!({"status": "skipped", "reason": "5xx"})
    );
    assert_eq!(gateway.targets().len(), 3, "the second was not asked for");
}

/// `KrakenD` answers 200 with what has come within the time. So do we, with which part is missing, and with the field
/// there all the same, so that a page need not ask whether it is.
#[tokio::test(start_paused = true)]
async fn timeout_leaves_out_what_is_late() {
    let gateway = Gateway::open();
    let parts = ["/param_forwarding/123", "/delayed/"]
        .into_iter()
        .zip([FIRST, SECOND]);
    let parts = parts.map(|(path, slot)| gateway.part(slot, path).timeout(ms(100)));
    let began = Instant::now();
    let answer = gateway.answer(parts, grouped).await;
    let took = began.elapsed();
    assert!((ms(100)..ms(105)).contains(&took), "{took:?}");
    assert_marked(&answer, "second;reason=timeout");
    let body = answer.json();
    assert_eq!(body["second"], json!(null));
    assert_eq!(body["first"]["path"], "/param_forwarding/123");
    if let Some(theirs) = theirs("timeout") {
        for member in ["foo", "path", "query"] {
            assert_eq!(body["first"][member], theirs["first"][member], "{member}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_together_is_composed_whatever_comes_first() {
    for paths in [
        ["/param_forwarding/1", "/delayed/2"],
        ["/delayed/1", "/param_forwarding/2"],
    ] {
        let gateway = Gateway::open();
        let parts = paths.into_iter().zip([FIRST, SECOND]);
        let parts = parts.map(|(path, slot)| gateway.part(slot, path));
        let began = Instant::now();
        let answer = gateway.answer(parts, grouped).await;
        assert!(began.elapsed() < ms(205), "one after the other");
        assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
        assert!(answer.field("etag").is_some());
        let body = answer.json();
        assert_eq!([&body["first"]["path"], &body["second"]["path"]], paths);
    }
}
