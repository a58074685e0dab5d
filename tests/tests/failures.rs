//! Backends that fail, clients that ask too much: a clear answer, and nothing lost.

use std::time::Duration;

use tests::edge::{Edge, Plan};
use tests::origin::{Origin, Refusing, Reply};

fn one(endpoints: &[String], more: &str) -> Plan {
    let endpoints = format!("{endpoints:?}");
    Edge::with_routes(&format!(
        "[upstream.m]\nendpoints = {endpoints}\n[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n{more}\n"
    ))
}

#[tokio::test]
async fn a_dead_backend_is_a_502_that_says_no_address_to_strangers() {
    let refusing = Refusing::new();
    let edge = one(&[refusing.url()], "").start().await;
    let answer = edge.get("/x").send().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (502, "upstream_unreachable".into())
    );
    assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
    assert_eq!(
        answer.json()["request_id"],
        answer.field("x-request-id").unwrap()
    );
    assert_eq!(answer.json()["instance"], "/x");
    edge.stop().await;
}

#[tokio::test]
async fn one_dead_endpoint_of_two_is_nobodys_problem() {
    let (refusing, origin) = (Refusing::new(), Origin::saying("ok").await);
    let edge = one(&[refusing.url(), origin.url()], "").start().await;
    for _ in 0..40 {
        assert_eq!(edge.post("/").body("x").send().await.status, 200);
    }
    edge.stop().await;
}

#[tokio::test]
async fn a_hanging_backend_is_a_504_within_the_routes_timeout() {
    let origin = Origin::scripted([Reply::Silence]).await;
    let edge = one(&[origin.url()], "timeout = \"300ms\"").start().await;
    let answer = edge.get("/").send().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (504, "upstream_timeout".into())
    );
    edge.stop().await;
}

#[tokio::test]
async fn what_is_no_answer_is_a_502() {
    for (reply, code) in [
        (
            Reply::Last(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()),
            "upstream_malformed",
        ),
        (Reply::Reset(Vec::new()), "upstream_reset"),
        (Reply::Last(Vec::new()), "upstream_reset"),
        (
            Reply::Bytes(
                b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n".to_vec(),
            ),
            "upstream_malformed",
        ),
        (
            Reply::Last(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok".to_vec()),
            "upstream_malformed",
        ),
        (
            Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nok".to_vec()),
            "upstream_malformed",
        ),
        (
            Reply::Bytes(
                b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
                    .to_vec(),
            ),
            "upstream_malformed",
        ),
    ] {
        let origin = Origin::scripted([reply.clone()]).await;
        let edge = one(&[origin.url()], "").start().await;
        let answer = edge.get("/").send().await;
        assert_eq!(
            (answer.status, answer.problem().as_str()),
            (502, code),
            "{reply:?}"
        );
        edge.stop().await;
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_by_its_length_or_where_it_gets_too_long() {
    let origin = Origin::saying("ok").await;
    let edge = one(&[origin.url()], "max_body = \"1KiB\"").start().await;
    assert_eq!(
        edge.post("/").body(vec![b'x'; 1024]).send().await.status,
        200
    );
    let declared = edge.post("/").body(vec![b'x'; 1025]).send().await;
    assert_eq!(
        (declared.status, declared.problem()),
        (413, "body_too_large".into())
    );
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let chunked = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
    );
    let answer = edge.exchange(chunked).await;
    assert_eq!(
        (answer.status, answer.problem()),
        (413, "body_too_large".into())
    );
    edge.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_as_whole() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf".to_vec();
    let origin = Origin::scripted([Reply::Last(half)]).await;
    let edge = one(&[origin.url()], "").start().await;
    assert!(edge.get("/").try_send().await.is_err());
    let line = edge
        .access_line("the broken answer", |line| line["cut"] == "upstream")
        .await;
    assert_eq!(line["bytes_out"], 4);
    edge.stop().await;
}

#[tokio::test]
async fn an_unknown_route_is_a_404() {
    let origin = Origin::saying("ok").await;
    let routes = format!(
        "[upstream.m]\nendpoints = [\"{}\"]\n[route.api]\npath = \"/api\"\nauth = \"none\"\nupstream = \"m\"\n",
        origin.url()
    );
    let edge = Edge::with_routes(&routes).start().await;
    let answer = edge.get("/apix").send().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (404, "route_not_found".into())
    );
    let line = edge
        .access_line("the request without a route", |line| line["route"] == "-")
        .await;
    assert_eq!(line["code"], "route_not_found");
    edge.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_is_told_apart_from_one_that_was_answered() {
    let origin = Origin::scripted([Reply::Silence]).await;
    let edge = one(&[origin.url()], "").start().await;
    let mut wire = edge.wire().await;
    wire.send("GET /left HTTP/1.1\r\nhost: a\r\n\r\n").await;
    origin.saw(1).await;
    drop(wire);
    edge.access_line("the client that left", |line| line["status"] == 499)
        .await;
    edge.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_come_is_a_408_and_an_idle_connection_just_ends() {
    let origin = Origin::saying("ok").await;
    let edge = "[edge]\nbind = \"127.0.0.1:0\"\nheader_timeout = \"1s\"\nidle_timeout = \"1s\"\n";
    let route = "[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n";
    let edge = Edge::with_routes(&format!(
        "{edge}[upstream.m]\nendpoints = [\"{}\"]\n{route}",
        origin.url()
    ));
    let edge = edge.start().await;
    let mut slow = edge.wire().await;
    slow.send("GET / HTTP/1.1\r\nhost: a\r\n").await;
    let answer = slow.answer().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (408, "head_timeout".into())
    );
    let mut idle = edge.wire().await;
    assert!(idle.rest().await.is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn the_drain_lets_requests_finish() {
    let (go, wait) = tokio::sync::watch::channel(false);
    let origin = Origin::handling(move |mut wire, log| {
        let mut wait = wait.clone();
        async move {
            if let Some((head, body)) = wire.request().await {
                log.note(head, body);
                wait.wait_for(|go| *go).await.unwrap();
                wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                    .await;
            }
        }
    })
    .await;
    let edge = one(&[origin.url()], "").start().await;
    let client = edge.client();
    let mut asking = tokio::task::JoinSet::new();
    asking.spawn(async move { client.get("/").send().await });
    origin.saw(1).await;
    let lines = edge.process.stderr.count();
    edge.process.signal(rustix::process::Signal::TERM);
    edge.logged("the drain", lines, |line| {
        line.contains("draining").then_some(())
    })
    .await;
    // Whoever asks meanwhile hears that no more is taken.
    let ready = edge.admin("/readyz").send().await;
    assert_eq!(
        (ready.status, &ready.json()["ready"]),
        (503, &serde_json::json!(false))
    );
    go.send(true).unwrap();
    assert_eq!(asking.join_all().await[0].text(), "ok");
    let ended = edge.process.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[tokio::test]
async fn keep_alive_races_never_become_a_502_of_a_get() {
    // Each connection answers once and is closed when the next request has come.
    let origin = Origin::handling(|mut wire, log| async move {
        if let Some((head, body)) = wire.request().await {
            log.note(head, body);
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                .await;
            wire.some().await;
        }
    })
    .await;
    let edge = one(&[origin.url()], "").start().await;
    for _ in 0..50 {
        assert_eq!(edge.get("/").send().await.status, 200);
    }
    tokio::time::timeout(Duration::from_secs(5), edge.stop())
        .await
        .unwrap();
}

#[tokio::test]
async fn at_the_cap_the_one_that_waits_longest_for_nothing_makes_room() {
    let origin = Origin::saying("ok").await;
    let edge = Edge::with_routes(&format!(
        "[edge]\nbind = \"127.0.0.1:0\"\nworkers = 1\nmax_connections = 2\n[upstream.m]\nendpoints = [\"{}\"]\n\
         [route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        origin.url()
    ));
    let edge = edge.start().await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut wire = edge.wire().await;
        wire.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(wire.answer().await.status, 200);
        idle.push(wire);
    }
    assert_eq!(
        edge.exchange("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .await
            .status,
        200
    );
    edge.stop().await;
}

#[tokio::test]
async fn what_went_wrong_is_said_in_the_words_of_all_proxies_and_where_only_to_the_trusted() {
    let refusing = Refusing::new();
    let edge = one(&[refusing.url()], "").start().await;
    let answer = edge.get("/").send().await;
    let said = answer.field("proxy-status");
    assert_eq!(said, Some("banyan; error=connection_refused"));
    let answer = edge.exchange("GET / HTTP/1.1\r\n\r\n").await;
    let said = answer.field("proxy-status");
    assert_eq!(said, Some("banyan; error=http_request_error"));
    edge.stop().await;
    let trusted = "[admin]\ntrusted = [\"127.0.0.0/8\"]";
    let edge = one(&[refusing.url()], trusted).start().await;
    let answer = edge.get("/").send().await;
    let said = answer.field("proxy-status").unwrap();
    let address = refusing.address().to_string();
    assert!(
        said.starts_with(&format!(
            "banyan; error=connection_refused; next-hop=\"{address}\"; details=\"connecting failed"
        )),
        "{said}"
    );
    edge.stop().await;
}

#[tokio::test]
async fn a_backends_own_word_about_proxies_passes() {
    let reply = b"HTTP/1.1 502 Bad Gateway\r\nproxy-status: inner; error=dns_error\r\ncontent-length: 0\r\n\r\n";
    let origin = Origin::scripted([Reply::Bytes(reply.to_vec())]).await;
    let edge = one(&[origin.url()], "").start().await;
    let answer = edge.get("/").send().await;
    assert_eq!(answer.all("proxy-status"), ["inner; error=dns_error"]);
    edge.stop().await;
}

#[tokio::test]
async fn a_browser_gets_a_page_and_everybody_else_json() {
    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let refusing = Refusing::new();
    let edge = one(&[refusing.url()], "").start().await;
    let page = edge.get("/a%3Cb%3E").header("accept", BROWSER).send().await;
    assert_eq!(page.status, 502);
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(page.field("vary"), Some("accept"));
    let policy = page.field("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
    for said in ["upstream_unreachable", page.field("x-request-id").unwrap()] {
        assert!(page.text().contains(said), "{}", page.text());
    }
    let json = edge.get("/").send().await;
    assert_eq!(json.problem(), "upstream_unreachable");
    assert_eq!(json.field("vary"), Some("accept"));
    let posted = edge.post("/").header("accept", BROWSER).send().await;
    assert_eq!(posted.problem(), "upstream_unreachable");
    edge.stop().await;
}

#[tokio::test]
async fn a_gateway_that_leads_to_itself_says_so_after_one_turn() {
    let edge = one(&["http://127.0.0.1:1".to_owned()], "").start().await;
    let own = format!("http://{}", edge.address);
    edge.take_over(|routes| routes.replace("http://127.0.0.1:1", &own))
        .await;
    let answer = edge.get("/").send().await;
    assert_eq!(
        (answer.status, answer.problem()),
        (508, "loop_detected".into())
    );
    let said = answer.field("proxy-status");
    assert_eq!(said, Some("banyan; error=proxy_loop_detected"));
    let metrics = edge.admin("/metrics").send().await;
    let turns = "banyan_problems_total{code=\"loop_detected\"} 1\n";
    assert!(metrics.text().contains(turns), "{}", metrics.text());
    edge.stop().await;
}

#[tokio::test]
async fn one_gateway_behind_another_is_no_circle() {
    let origin = Origin::saying("ok").await;
    let inner = one(&[origin.url()], "").start().await;
    let outer = one(&[format!("http://{}", inner.address)], "")
        .start()
        .await;
    assert_eq!(outer.get("/").send().await.text(), "ok");
    let seen = origin.seen();
    let via = seen[0].head.all("via").join(", ");
    let names: Vec<&str> = via.split(", 1.1 ").collect();
    assert!(names.len() == 2 && names[0] != names[1], "{via}");
    outer.stop().await;
    inner.stop().await;
}
