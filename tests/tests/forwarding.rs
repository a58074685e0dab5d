//! What goes through: fields, rewrites, names, streams, upgrades.

use tests::edge::{Edge, Plan};
use tests::origin::{Origin, Reply};

fn prefixed(origin: &Origin, more: &str) -> Plan {
    Edge::with_routes(&format!(
        r#"
        [upstream.users]
        endpoints = ["{}"]
        [route.users]
        path = "/api/users"
        auth = "none"
        upstream = "users"
        {more}
        "#,
        origin.url()
    ))
}

#[tokio::test]
async fn upstreams_are_told_who_asked() {
    let origin = Origin::saying("ok").await;
    let edge = prefixed(&origin, "rewrite.path = \"/users\"").start().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let request = edge
        .get("/api/users/7?x=1")
        .header("host", "shop.example")
        .header("traceparent", trace);
    let answer = request
        .header("x-forwarded-for", "6.6.6.6")
        .header("x-request-id", "mine")
        .send()
        .await;
    let head = &origin.seen()[0].head;
    assert_eq!(head.target(), "/users/7?x=1");
    assert_eq!(head.all("host"), ["shop.example"]);
    assert_eq!(head.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(head.all("x-forwarded-proto"), ["http"]);
    assert_eq!(head.all("x-forwarded-host"), ["shop.example"]);
    assert_eq!(
        head.all("forwarded"),
        ["for=127.0.0.1;host=\"shop.example\";proto=http"]
    );
    let via = head.all("via");
    assert!(
        via.len() == 1 && via[0].starts_with("1.1 banyan-"),
        "{via:?}"
    );
    assert!(head.all("traceparent")[0].starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
    assert_eq!(
        head.all("x-request-id"),
        [answer.field("x-request-id").unwrap()]
    );
    assert_ne!(answer.field("x-request-id"), Some("mine"));
    edge.stop().await;
}

#[tokio::test]
async fn a_backends_own_names_become_the_edges() {
    let origin = Origin::handling(|mut wire, log| async move {
        while let Some((head, body)) = wire.request().await {
            let host = head.all("host")[0].to_owned();
            log.note(head, body);
            wire.send(format!(
                "HTTP/1.1 302 Found\r\nlocation: http://{host}/users/8\r\nset-cookie: a=1; Path=/users\r\n\
                 set-cookie: b=2; Path=/users/deep; HttpOnly\r\ncontent-length: 0\r\n\r\n"
            ))
            .await;
        }
    })
    .await;
    for host in ["preserve", "endpoint"] {
        let edge = Edge::with_routes(&format!(
            r#"
            [upstream.users]
            endpoints = ["{}"]
            host = "{host}"
            [route.users]
            path = "/api/users"
            auth = "none"
            upstream = "users"
            rewrite.path = "/users"
            "#,
            origin.url()
        ));
        let edge = edge.start().await;
        let answer = edge.get("/api/users/7").send().await;
        let outside = format!("http://{}/api/users/8", edge.address);
        assert_eq!(answer.field("location"), Some(outside.as_str()), "{host}");
        assert_eq!(
            answer.all("set-cookie"),
            [
                "a=1; Path=/api/users",
                "b=2; Path=/api/users/deep; HttpOnly"
            ]
        );
        edge.stop().await;
    }
}

#[tokio::test]
async fn a_prefix_is_stripped() {
    let origin = Origin::saying("ok").await;
    let edge = prefixed(&origin, "strip_prefix = true").start().await;
    for (asked, seen) in [
        ("/api/users", "/"),
        ("/api/users/7", "/7"),
        ("/api/users/?x", "/?x"),
    ] {
        edge.get(asked).send().await;
        assert_eq!(origin.seen().last().unwrap().head.target(), seen, "{asked}");
    }
    edge.stop().await;
}

#[tokio::test]
async fn bodies_stream_both_ways_as_they_come() {
    // The origin echoes each piece before it has the next.
    let origin = Origin::handling(|mut wire, log| async move {
        while let Some(head) = wire.request_head().await {
            log.note(head, Vec::new());
            wire.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            for _ in 0..3 {
                let piece = wire.some().await;
                let text = String::from_utf8(piece).unwrap();
                let data = text.split("\r\n").nth(1).unwrap();
                wire.send(format!("{:x}\r\n{data}\r\n", data.len())).await;
            }
            wire.some().await;
            wire.send("0\r\n\r\n").await;
        }
    })
    .await;
    let edge = prefixed(&origin, "").start().await;
    let mut wire = edge.wire().await;
    wire.send("POST /api/users HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    let mut head_seen = false;
    for piece in ["one", "two", "three"] {
        wire.send(format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        let mut got = String::new();
        while !got.contains(piece) {
            got.push_str(&String::from_utf8(wire.some().await).unwrap());
        }
        head_seen |= got.starts_with("HTTP/1.1 200");
    }
    assert!(head_seen);
    wire.send("0\r\n\r\n").await;
    edge.stop().await;
}

#[tokio::test]
async fn a_stream_outlives_the_routes_timeout() {
    let origin = Origin::handling(|mut wire, log| async move {
        if let Some((head, body)) = wire.request().await {
            log.note(head, body);
            wire.send(
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
            )
            .await;
            for n in 0..6 {
                wire.send(format!("data: {n}\n\n")).await;
                // Longer in all than the route's timeout: that is the point here.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    })
    .await;
    let edge = prefixed(&origin, "timeout = \"300ms\"").start().await;
    let answer = edge.get("/api/users").send().await;
    assert_eq!(answer.text().matches("data: ").count(), 6);
    edge.stop().await;
}

#[tokio::test]
async fn an_upgrade_switches_after_the_upstreams_101_and_no_sooner() {
    let origin = Origin::handling(|mut wire, log| async move {
        while let Some((head, body)) = wire.request().await {
            let wants = head.all("upgrade").first().copied().unwrap_or_default().to_owned();
            log.note(head, body);
            if wants == "echo" {
                wire.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n").await;
                loop {
                    let said = wire.some().await;
                    if said.is_empty() {
                        return;
                    }
                    wire.send(&said).await;
                }
            }
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno").await;
        }
    })
    .await;
    let edge = prefixed(&origin, "").start().await;
    let mut wire = edge.wire().await;
    wire.send("GET /api/users HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n")
        .await;
    let answer = wire.answer_to_head().await;
    assert_eq!(
        (answer.status, answer.field("upgrade")),
        (101, Some("echo"))
    );
    for said in ["hello", "again"] {
        wire.send(said).await;
        assert_eq!(wire.exactly(said.len()).await, said.as_bytes());
    }
    let mut other = edge.wire().await;
    other
        .send("GET /api/users HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")
        .await;
    assert_eq!(other.answer().await.text(), "no");
    // Refused before anything is asked upstream.
    other
        .send("GET /elsewhere HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
        .await;
    assert_eq!(other.answer().await.problem(), "route_not_found");
    assert_eq!(origin.seen().len(), 2);
    edge.stop().await;
}

#[tokio::test]
async fn head_and_empty_answers_have_no_body() {
    let origin = Origin::scripted([
        Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n".to_vec()),
        Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        Reply::Bytes(b"HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n".to_vec()),
    ])
    .await;
    let edge = prefixed(&origin, "").start().await;
    let head = edge.request(&http::Method::HEAD, "/api/users").send().await;
    assert_eq!(
        (head.status, head.field("content-length"), head.body.len()),
        (200, Some("12"), 0)
    );
    assert_eq!(edge.get("/api/users").send().await.status, 204);
    assert_eq!(edge.get("/api/users").send().await.status, 304);
    edge.stop().await;
}

#[tokio::test]
async fn a_visitor_is_given_an_id_once_and_keeps_its_side() {
    let (legacy, service) = (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    );
    let edge = Edge::with_routes(&format!(
        r#"
        [upstream.a]
        endpoints = ["{}"]
        [upstream.b]
        endpoints = ["{}"]
        [route.shop]
        path = "/"
        auth = "none"
        legacy = "a"
        service = "b"
        phase = "canary"
        sticky = ["visitor"]
        canary.percent = 100
        "#,
        legacy.url(),
        service.url()
    ));
    let edge = edge.start().await;
    let page = edge.get("/").header("accept", "text/html").send().await;
    assert_eq!(page.text(), "legacy");
    let cookie = page.field("set-cookie").unwrap();
    assert!(
        cookie.starts_with("banyan=")
            && cookie.contains("HttpOnly")
            && cookie.contains("SameSite=Lax")
    );
    let pair = format!("a=1; {}", cookie.split(';').next().unwrap());
    let next = edge
        .get("/")
        .header("accept", "text/html")
        .header("cookie", &pair)
        .send()
        .await;
    assert_eq!((next.text(), next.all("set-cookie").len()), ("service", 0));
    assert_eq!(service.seen()[0].head.all("cookie"), ["a=1"]);
    assert!(edge.get("/").send().await.all("set-cookie").is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn a_real_websocket_client_talks_to_a_real_websocket_server() {
    use futures::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let tasks = chassis::tasks::Tasks::new();
    tasks.spawn("websocket server", async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The gateway also knocks to see whether anybody is there.
            let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                continue;
            };
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() || socket.send(message).await.is_err() {
                    break;
                }
            }
        }
    });
    let edge = Edge::with_routes(&format!(
        "[upstream.m]\nendpoints = [\"http://{server}\"]\n[route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n"
    ));
    let edge = edge.start().await;
    let (mut socket, answer) =
        tokio_tungstenite::connect_async(format!("ws://{}/chat", edge.address))
            .await
            .unwrap();
    assert_eq!(answer.status(), 101);
    for text in ["hello".to_owned(), "x".repeat(100_000)] {
        socket.send(Message::text(text.clone())).await.unwrap();
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::text(text));
    }
    socket.close(None).await.unwrap();
    edge.stop().await;
}

#[tokio::test]
async fn a_quiet_tunnel_outlives_the_time_outs_of_http() {
    let origin = Origin::handling(|mut wire, log| async move {
        if let Some((head, body)) = wire.request().await {
            log.note(head, body);
            wire.send(
                "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n",
            )
            .await;
            loop {
                let said = wire.some().await;
                if said.is_empty() {
                    return;
                }
                wire.send(&said).await;
            }
        }
    })
    .await;
    let edge = Edge::with_routes(&format!(
        "[edge]\nbind = \"127.0.0.1:0\"\nheader_timeout = \"1s\"\n[upstream.m]\nendpoints = [\"{}\"]\n\
         [route.all]\npath = \"/\"\nauth = \"none\"\nupstream = \"m\"\n",
        origin.url()
    ));
    let edge = edge.start().await;
    let mut wire = edge.wire().await;
    wire.send("GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n")
        .await;
    assert_eq!(wire.answer_to_head().await.status, 101);
    for said in ["hello", "again"] {
        wire.send(said).await;
        assert_eq!(wire.exactly(said.len()).await, said.as_bytes());
        // Longer than a head may take: that is the point here.
        tokio::time::sleep(std::time::Duration::from_millis(2_500)).await;
    }
    edge.stop().await;
}

#[tokio::test]
async fn trailers_pass_and_say_nothing_about_who_sent_them() {
    let origin = Origin::handling(|mut wire, log| async move {
        if let Some(head) = wire.request_head().await {
            let mut raw = Vec::new();
            while !raw.ends_with(b"\r\n\r\n") {
                raw.extend(wire.some().await);
            }
            log.note(head, raw);
            wire.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .await;
        }
    })
    .await;
    let edge = prefixed(&origin, "").start().await;
    let answer = edge
        .exchange(
            "POST /api/users HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-user-id, x-checksum\r\n\r\n\
             2\r\nok\r\n0\r\nx-user-id: admin\r\nx-checksum: 7\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status, 200);
    let raw = String::from_utf8_lossy(&origin.seen()[0].body).to_lowercase();
    assert!(
        raw.contains("x-checksum: 7") && !raw.contains("x-user-id"),
        "{raw}"
    );
    edge.stop().await;
}
