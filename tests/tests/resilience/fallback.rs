//! Who answers when nobody else does.

use tests::edge::Edge;
use tests::moody::{Mood, Moody};

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
