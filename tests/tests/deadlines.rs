//! How long the caller still waits: believed from whoever is trusted, kept, and handed on.

use std::time::Duration;

use tests::edge::Edge;
use tests::origin::{Origin, Reply};

fn routes(origin: &Origin) -> String {
    format!(
        r#"
        [internal]
        bind = "127.0.0.1:0"
        [defaults.route]
        auth = "none"
        [upstream.old]
        endpoints = ["{}"]
        [route.all]
        path = "/"
        legacy = "old"
        phase = "legacy"
        [route.believing]
        path = "/believing"
        client_deadline = true
        timeout = "2s"
        legacy = "old"
        phase = "legacy"
        [route.inside]
        path = "/inside"
        listeners = ["internal"]
        upstream = "old"
        "#,
        origin.url()
    )
}

#[tokio::test]
async fn a_callers_deadline_ends_the_wait_and_what_is_left_goes_on() {
    let hanging = Origin::scripted([Reply::ok("quick"), Reply::ok("quick"), Reply::Silence]).await;
    let edge = Edge::with_routes(&routes(&hanging)).start().await;
    let within = |deadline: &'static str| {
        let request = edge.internal("/inside");
        request.header("x-request-deadline-ms", deadline).send()
    };
    assert_eq!(within("400").await.status, 200);
    let left = |seen: usize| -> Vec<u64> {
        let head = &hanging.seen()[seen].head;
        let all = head.all("x-request-deadline-ms").into_iter();
        all.map(|text| text.parse().unwrap()).collect()
    };
    assert!((1..=400).contains(&left(0)[0]), "{:?}", left(0));
    // What cannot be read is as good as not there.
    assert_eq!(within("soon").await.status, 200);
    assert_eq!(left(1), Vec::<u64>::new());
    let metrics = edge.admin("/metrics").send().await;
    assert!(
        metrics
            .text()
            .contains("banyan_deadlines_ignored_total{} 1"),
        "{}",
        metrics.text()
    );

    let late = tokio::time::timeout(Duration::from_secs(5), within("150")).await;
    let late = late.expect("the route's own fifteen seconds do not count");
    assert_eq!(
        (late.status, late.problem()),
        (504, "upstream_timeout".into())
    );
    assert!(late.field("x-banyan-state").unwrap().contains(";inside;"));
    let asked = hanging.seen().len();
    let gone = within("0").await;
    assert_eq!(
        (gone.status, gone.problem()),
        (504, "deadline_passed".into())
    );
    assert_eq!(hanging.seen().len(), asked);
    edge.stop().await;
}

#[tokio::test]
async fn at_the_edge_a_deadline_is_believed_where_the_route_says_so() {
    let origin = Origin::saying("ok").await;
    let edge = Edge::with_routes(&routes(&origin)).start().await;
    for (path, deadline) in [
        ("/", "100"),
        ("/believing", "9000"),
        ("/believing", "1000"),
        ("/believing", "x"),
    ] {
        let request = edge.get(path).header("x-request-deadline-ms", deadline);
        assert_eq!(request.send().await.status, 200);
    }
    let seen = origin.seen();
    let left = |at: usize| -> Option<u64> {
        let all = seen[at].head.all("x-request-deadline-ms");
        all.first().map(|text| text.parse().unwrap())
    };
    assert_eq!((left(0), left(3)), (None, None));
    // The route's own time is the longest.
    assert!(
        left(1).is_some_and(|left| (1000..=2000).contains(&left)),
        "{:?}",
        left(1)
    );
    assert!(left(2).is_some_and(|left| left <= 1000), "{:?}", left(2));
    edge.stop().await;
}

#[tokio::test]
async fn what_is_left_of_the_time_shrinks_from_try_to_try() {
    let busy =
        Reply::Bytes(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nretry-after: 1\r\n\r\n".to_vec());
    let origin = Origin::scripted([busy, Reply::ok("done")]).await;
    let edge = Edge::with_routes(&routes(&origin)).start().await;
    let request = edge.internal("/inside");
    let answer = request.header("x-request-deadline-ms", "5000").send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = |at: usize| -> u64 {
        let seen = &origin.seen()[at];
        seen.head.all("x-request-deadline-ms")[0].parse().unwrap()
    };
    let (first, second) = (told(0), told(1));
    assert!((4001..=5000).contains(&first), "{first}");
    assert!(
        (1..=first - 1000).contains(&second),
        "{first}, then {second}"
    );
    edge.stop().await;
}

#[tokio::test]
async fn a_grpc_callers_time_holds_at_the_edge_too() {
    let origin = Origin::scripted([Reply::Silence]).await;
    let edge = Edge::with_routes(&routes(&origin)).start().await;
    let request = edge.post("/shop.Orders/Get").body("x");
    let request = request.header("content-type", "application/grpc");
    let asked = request.header("grpc-timeout", "300m").send();
    let answer = tokio::time::timeout(Duration::from_secs(5), asked).await;
    let answer = answer.expect("the route's own fifteen seconds do not count");
    // DEADLINE_EXCEEDED
    assert_eq!(
        (answer.status, answer.field("grpc-status")),
        (200, Some("4"))
    );
    let seen = origin.seen();
    let told = seen[0].head.all("grpc-timeout")[0];
    assert!(!told.is_empty(), "{seen:?}");
    edge.stop().await;
}
