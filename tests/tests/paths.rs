//! Every spelling of a path reaches the route of what it names, or nothing.

use tests::edge::Edge;
use tests::origin::Origin;

#[tokio::test]
async fn no_spelling_of_a_guarded_path_reaches_the_catch_all() {
    let origin = Origin::saying("ok").await;
    let routes = format!(
        r#"
        [auth.issuer.shop]
        issuer = "x"
        audience = ["x"]
        algorithms = ["HS256"]
        secret = "${{SHOP_SECRET}}"
        [upstream.monolith]
        endpoints = ["{}"]
        [route.payments]
        path = "/api/payments"
        auth = "shop"
        upstream = "monolith"
        [route.everything-else]
        path = "/"
        auth = "none"
        upstream = "monolith"
        "#,
        origin.url()
    );
    let plan =
        Edge::with_routes(&routes).env("SHOP_SECRET", "a-secret-of-at-least-32-bytes-for-hs256");
    let edge = plan.start().await;
    for (target, status) in [
        ("/api/payments", 401),
        ("/api/%70ayments", 401),
        ("/api/x/%2e%2e/payments", 401),
        ("/api/x/../payments/7", 401),
        ("//api//payments", 401),
        ("/./api/payments", 401),
        ("http://elsewhere/api/payments", 401),
        ("/x/..;/api/payments", 400),
        ("/x/..%2fapi/payments", 400),
        ("/x/..%5capi/payments", 400),
        ("/api\\payments", 400),
        ("/api/payments%00", 400),
        ("/api/payments/%", 400),
        ("/api/payments/a%2fb", 400),
        ("*", 400),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        let answer = edge.exchange(request).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        answer.problem();
    }
    assert!(origin.seen().is_empty());
    let answer = edge
        .exchange("GET /a%2fb/../%7Ec?x=%2e%2e HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(origin.seen()[0].head.target(), "/~c?x=%2e%2e");
    edge.stop().await;
}

#[tokio::test]
async fn what_a_route_makes_of_slashes_never_leads_to_another() {
    let origin = Origin::saying("ok").await;
    let mut routes = format!("[upstream.m]\nendpoints = [\"{}\"]\n", origin.url());
    for (name, policy) in [
        ("decoded", "encoded_slash = \"decode\""),
        (
            "watched",
            "encoded_slash = \"reject\"\nencoded_slash_mode = \"observe\"",
        ),
        ("unmerged", "merge_slashes = false"),
        ("guarded", "methods = [\"GET\"]"),
    ] {
        let path = format!("path = \"/{name}\"\nauth = \"none\"\nupstream = \"m\"");
        routes.extend([format!("[route.{name}]\n{path}\n{policy}\n")]);
    }
    let edge = Edge::with_routes(&routes).start().await;
    for (target, forwarded) in [
        ("/decoded/a%2fb?c=%2f", Some("/decoded/a/b?c=%2f")),
        ("/decoded/a%2f/b", Some("/decoded/a/b")),
        ("/decoded/a%252fb", Some("/decoded/a%252fb")),
        ("/decoded/%2f..%2f../guarded", None),
        ("/decoded/..%2fguarded", None),
        ("/decoded/a%5cb", None),
        ("/watched/a%2fb", Some("/watched/a%2Fb")),
        ("/unmerged//a//", Some("/unmerged//a//")),
        ("//unmerged/a", None),
        ("/unmerged/a//../b", None),
        ("/guarded//a", Some("/guarded/a")),
    ] {
        let before = origin.seen().len();
        let request = format!("GET {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        let answer = edge.exchange(request).await;
        let seen = origin.seen();
        let seen = seen.get(before).map(|request| request.head.target());
        assert_eq!(seen, forwarded, "{target}: {answer:?}");
        let status = if forwarded.is_some() { 200 } else { 400 };
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    }
    let metrics = edge.admin("/metrics").send().await;
    let metrics = metrics.text();
    let counted = "banyan_encoded_slashes_observed_total{route=\"watched\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    edge.access_line("what was only observed", |line| {
        line["observed"] == "encoded_slash" && line["route"] == "watched"
    })
    .await;
    edge.stop().await;
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
async fn what_is_not_http_gets_a_problem_and_is_counted() {
    let origin = Origin::saying("ok").await;
    let routes = format!(
        "[upstream.m]\nendpoints = [\"{}\"]\n[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        origin.url()
    );
    let edge = Edge::with_routes(&routes).start().await;
    for (request, status, code) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, "bad_request"),
        (
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "GET / HTTP/1.1\r\nhost: user@a\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "GET * HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "TRACE / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
            405,
            "method_refused",
        ),
        (
            "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n".to_owned(),
            405,
            "method_refused",
        ),
        (
            format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(9_000)),
            414,
            "uri_too_long",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
                "x".repeat(40_000)
            ),
            431,
            "head_too_large",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
                "x: y\r\n".repeat(150)
            ),
            431,
            "head_too_large",
        ),
        (
            format!(
                "GET / HTTP/1.1\r\nhost: a\r\n{}\r\n",
                "x: y\r\n".repeat(700)
            ),
            431,
            "head_too_large",
        ),
    ] {
        let shown: String = request.chars().take(30).collect();
        let answer = edge.exchange(request).await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (status, code),
            "{shown}"
        );
    }
    let answer = edge.exchange("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(answer.status, 204);
    assert!(answer.field("allow").unwrap().contains("OPTIONS"));
    assert!(origin.seen().is_empty());
    let metrics = edge.admin("/metrics").send().await;
    assert!(
        metrics
            .text()
            .contains("banyan_problems_total{code=\"bad_request\"} 5"),
        "{}",
        metrics.text()
    );
    edge.access_line("the refusal of the library", |line| {
        line["code"] == "bad_request"
    })
    .await;
    edge.stop().await;
}
