//! What backends answer: another address, nothing, a list, no content.

use composition::{Declared, Slot};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{FIRST, Gateway, SECOND, assert_marked, grouped, theirs};
use crate::script::Reply;
use crate::shop::{Answer, inbound};

/// Nothing of the answer says where the backend is.
fn assert_tells_no_address(answer: &Answer) {
    let told = format!(
        "{:?} {}",
        answer.fields,
        String::from_utf8_lossy(&answer.body)
    );
    assert!(!told.contains("10.1.2.3"), "{told}");
}

/// `KrakenD` follows a redirect wherever it leads, and answers 200. Here a backend that answers with another address is
/// not as agreed: nobody is led out of the internal network, and the address is told to nobody.
#[tokio::test(start_paused = true)]
async fn backend_301_and_303_are_not_followed() {
    for path in ["/redirect/?status=301", "/redirect/?status=303"] {
        let gateway = Gateway::open();
        let needed = [gateway.part(FIRST, path).required()];
        let answer = gateway.answer(needed, grouped).await;
        assert_eq!(answer.status, 502, "{path}");
        assert_eq!(answer.json()["code"], "backend_failed");
        assert_eq!(answer.field("location"), None);
        assert_tells_no_address(&answer);

        let wanted = [gateway.part(FIRST, path)];
        let answer = gateway.answer(wanted, grouped).await;
        assert_marked(&answer, "first;reason=5xx");
        assert_tells_no_address(&answer);
        assert_eq!(gateway.targets(), [path, path]);
    }
}

/// `KrakenD` answers 500 and names the backend. Here what does not exist is 404 when the screen begins with it, a marker
/// when the screen can do without it, and the backend's fault when something else has led to it.
#[tokio::test(start_paused = true)]
async fn backend_404_is_404() {
    let gateway = Gateway::open();
    let root = [gateway.part(FIRST, "/unknown").required()];
    let answer = gateway.answer(root, grouped).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["code"], "not_found");
    assert_tells_no_address(&answer);

    let wanted = [gateway.part(FIRST, "/unknown")];
    let answer = gateway.answer(wanted, grouped).await;
    assert_marked(&answer, "first;reason=4xx");

    let unknown = gateway.call("/unknown");
    let led_to = [
        gateway.part(FIRST, "/param_forwarding/1").required(),
        Declared::new(SECOND)
            .after(FIRST)
            .call(move |_, _| unknown.clone())
            .required(),
    ];
    let answer = gateway.answer(led_to, grouped).await;
    assert_eq!(answer.json()["code"], "backend_refused");
    assert_tells_no_address(&answer);
}

/// What `KrakenD` does by rules about paths is a view model here: a list, renamed, with what is not wanted left out.
#[tokio::test(start_paused = true)]
async fn flatmap_1_is_a_view_model() {
    #[derive(Deserialize)]
    struct Entry {
        path: String,
    }
    #[derive(Serialize)]
    struct Link {
        url: String,
    }
    #[derive(Serialize)]
    struct Page {
        paths: Vec<Link>,
    }
    const COLLECTION: Slot<Vec<Entry>> = Slot::named("collection");
    let gateway = Gateway::open();
    let parts = [gateway.part(COLLECTION, "/collection/2").required()];
    let link = |entry: &Entry| Link {
        url: entry.path.clone(),
    };
    let view = gateway.view(parts, move |(), parts| {
        let paths = parts.get(COLLECTION)?.iter().map(link).collect();
        Some(Page { paths })
    });
    let answer = Answer::read(view.answer(inbound(&[]), ()).await).await;
    assert_eq!((answer.status, answer.field("x-degraded")), (200, None));
    let paths = answer.json()["paths"].clone();
    assert_eq!(paths, json!(vec![json!({"url": "/collection/2"}); 10]));
    if let Some(theirs) = theirs("flatmap_1") {
        assert_eq!(paths, theirs["paths"]);
    }
}

/// `KrakenD`'s static data is in every answer, and nobody sees whether the backend had any. Here a stand-in is used when
/// its part is lost, and the answer says so.
#[tokio::test(start_paused = true)]
async fn integration_no_body_has_a_stand_in_that_says_so() {
    #[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
    struct Data {
        foo: u64,
        bar: String,
    }
    const DATA: Slot<Data> = Slot::named("data");
    let gateway = Gateway::open();
    let stand_in = |_: &_| Data {
        foo: 42,
        bar: "foobar".into(),
    };
    let part = || gateway.part(DATA, "/__debug").or_else(DATA, stand_in);
    let own = Reply::json(&json!({"foo": 1, "bar": "own", "message": "left out"}));
    for (reply, expected, degraded) in [
        (own, json!({"foo": 1, "bar": "own"}), None),
        (
            Reply::text(200, ""),
            json!({"foo": 42, "bar": "foobar"}),
            Some("data;default;reason=decode"),
        ),
        (
            Reply::text(500, ""),
            json!({"foo": 42, "bar": "foobar"}),
            Some("data;default;reason=5xx"),
        ),
    ] {
        gateway.script.says("mock", reply);
        let answer = gateway
            .answer([part()], |parts| parts.get(DATA).cloned())
            .await;
        let mut body = answer.json();
        let meta = body.as_object_mut().unwrap().remove("_meta").unwrap();
        assert_eq!((answer.status, body), (200, expected));
        assert_eq!(answer.field("x-degraded"), degraded);
        if degraded.is_some() {
            assert_eq!(meta["parts"]["data"]["status"], "default");
        }
    }
}
