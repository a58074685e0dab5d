//! Who answers when nobody else does.

use tests::edge::Edge;
use tests::moody::{Mood, Moody};
use tests::origin::{Origin, Reply};

fn file(main: &Moody, other: &Moody) -> String {
    format!(
        r#"
        [defaults.route]
        auth = "none"
        [upstream.m]
        endpoints = ["{}"]
        retry.attempts = 1
        ejection.consecutive_5xx = 0
        breaker.open = "60s"
        [upstream.other]
        endpoints = ["{}"]
        [route.static]
        path = "/static"
        upstream = "m"
        fallback.respond = {{ status = 200, body = "later" }}
        [route.other]
        path = "/other"
        upstream = "m"
        fallback.upstream = "other"
        "#,
        main.url(),
        other.url()
    )
}

#[tokio::test]
async fn a_fallback_answers_and_says_so() {
    let (main, other) = (Moody::new().await, Moody::new().await);
    let edge = Edge::with_routes(&file(&main, &other)).start().await;
    let answer = edge.get("/static").send().await;
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(answer.field("x-fallback"), None);

    main.is(Mood::all(503));
    let answer = edge.get("/static").send().await;
    assert_eq!((answer.status, answer.text()), (200, "later"));
    assert_eq!(answer.field("x-fallback"), Some("static"));
    let answer = edge.get("/other").send().await;
    assert_eq!((answer.status, answer.text()), (200, "ok"));
    assert_eq!(answer.field("x-fallback"), Some("upstream"));
    assert_eq!(other.asked(), 1);
    // A POST that may have been done is nobody else's.
    assert_eq!(edge.post("/other").body("x").send().await.status, 503);
    assert_eq!(other.asked(), 1);
    for (route, by) in [("static", "static"), ("other", "upstream")] {
        let line = edge
            .access_line("who answered instead", |line| line["fallback"] == by)
            .await;
        assert_eq!(line["route"], route);
    }

    // It answers for a breaker, too: nobody is asked any more.
    for _ in 0..20 {
        edge.get("/static").send().await;
    }
    let asked = main.asked();
    let answer = edge.get("/static").send().await;
    assert_eq!(answer.field("x-fallback"), Some("static"));
    assert_eq!(main.asked(), asked);
    edge.stop().await;
}

#[tokio::test]
async fn a_fallback_gets_the_body_that_several_tries_have_read() {
    let unavailable =
        || Reply::Bytes(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n".to_vec());
    let main = Origin::scripted([unavailable(), unavailable(), unavailable(), unavailable()]).await;
    let other = Origin::scripted([Reply::ok("done"), Reply::ok("done")]).await;
    let file = format!(
        r#"
        [defaults.route]
        auth = "none"
        [upstream.m]
        endpoints = ["{}"]
        ejection.consecutive_5xx = 0
        [upstream.m.retry]
        attempts = 3
        methods = ["GET", "POST"]
        [upstream.other]
        endpoints = ["{}"]
        [route.orders]
        path = "/orders"
        upstream = "m"
        fallback = {{ upstream = "other", methods = ["POST"] }}
        "#,
        main.url(),
        other.url()
    );
    let edge = Edge::with_routes(&file).start().await;
    let request = edge.post("/orders").header("idempotency-key", "7");
    let answer = request.body("order").send().await;
    assert_eq!((answer.status, answer.text()), (200, "done"));
    assert_eq!(main.seen().len(), 3);
    assert_eq!(other.seen()[0].body, b"order");
    // One that is sent once to each of them is kept for it as well.
    let answer = edge.post("/orders").body("order").send().await;
    assert_eq!((answer.status, answer.text()), (200, "done"));
    assert_eq!((main.seen().len(), other.seen().len()), (4, 2));
    assert_eq!(other.seen()[1].body, b"order");
    edge.stop().await;
}
