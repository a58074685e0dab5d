//! Who may say something: whoever has the token, and this machine; never a web page.

use std::net::{SocketAddr, UdpSocket};

use serde_json::json;
use tests::edge::Edge;
use tests::origin::{Origin, Reply};
use tests::progress::refusal;
use tests::sides::{Sides, json as whole};
use tests::wire::exchange;

const TOKEN: &str = "only-for-this-test";
const ORDER: &str = r#"{"who": "ana", "why": "it fails"}"#;

/// An order as it comes over the wire.
fn order(fields: &str) -> String {
    let length = ORDER.len();
    format!(
        "POST /migrations/orders/kill HTTP/1.1\r\n{fields}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{ORDER}"
    )
}

async fn guarded() -> (Sides, Edge) {
    let sides = Sides::saying("{}", "{}").await;
    let plan = sides.edge("phase = \"canary\"\ncanary.percent = 50\n");
    plan.edit(|text| {
        let admin = "[admin]\ntoken = \"${ADMIN_TOKEN}\"\n";
        let text = text.replace("[admin]\n", admin);
        text.replace("${BANYAN_ADMIN_BIND}", "0.0.0.0:0")
    });
    let edge = plan.env("ADMIN_TOKEN", TOKEN).start().await;
    (sides, edge)
}

#[tokio::test]
async fn a_web_page_can_make_a_browser_say_nothing() {
    let (_sides, edge) = guarded().await;
    let port = edge.admin_address.port();
    let admin: SocketAddr = ([127, 0, 0, 1], port).into();
    for (fields, status) in [
        (
            format!("host: 127.0.0.1:{port}\r\norigin: https://evil.example\r\n"),
            401,
        ),
        (format!("host: 127.0.0.1:{port}\r\norigin: null\r\n"), 401),
        // A name that an attacker lets lead to this machine.
        ("host: evil.example\r\n".to_owned(), 401),
        (
            "host: evil.example\r\nauthorization: Bearer wrong\r\n".to_owned(),
            401,
        ),
        (
            format!("host: evil.example\r\nauthorization: Bearer {TOKEN}\r\n"),
            200,
        ),
        (
            format!("host: 127.0.0.1:{port}\r\norigin: http://127.0.0.1:{port}\r\n"),
            200,
        ),
        (format!("host: localhost:{port}\r\n"), 200),
    ] {
        let answer = exchange(admin, order(&fields)).await;
        assert_eq!(answer.status, status, "{fields}: {answer:?}");
        if status == 401 {
            assert_eq!(answer.problem(), "admin_token_missing");
        }
    }
    edge.stop().await;
}

#[tokio::test]
async fn a_command_brings_the_files_token_or_the_one_that_it_is_told() {
    let done = json!({"route": "orders", "before": "", "after": "", "kept": true, "trouble": null});
    let admin = Origin::scripted([whole(&done.to_string())]).await;
    let (_sides, edge) = guarded().await;
    let plan = edge.stopped().await.file("other-token", "another one\n");
    let url = admin.url();
    let command = ["kill", "orders", "--why", "it fails", "--admin", &url];
    let with = [&command[..], &["--token-file", "other-token"]].concat();
    for command in [&command[..], &with] {
        assert_eq!(plan.run(command).await.code, Some(0));
    }
    let seen = admin.saw(2).await;
    let tokens = seen.iter().map(|seen| seen.head.all("authorization"));
    let expected = [format!("Bearer {TOKEN}"), "Bearer another one".to_owned()];
    assert_eq!(tokens.flatten().collect::<Vec<_>>(), expected);
    // Nobody follows a lead to somewhere else with it.
    let leads = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n";
    let elsewhere = Origin::scripted([Reply::Bytes(leads.into())]).await;
    let url = elsewhere.url();
    let said = refusal(
        &plan
            .run(&["kill", "orders", "--why", "it fails", "--admin", &url])
            .await,
    );
    assert!(said.contains("307"), "{said}");
}

/// Where this machine is for others; nothing where it has no network.
fn elsewhere() -> Option<std::net::IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it only says which way it would go.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

#[tokio::test]
async fn from_elsewhere_everything_needs_the_token() {
    let Some(address) = elsewhere() else {
        return;
    };
    let (_sides, edge) = guarded().await;
    let admin = format!("http://{address}:{}", edge.admin_address.port());
    let plan = |words: &[&'static str]| {
        let words = [words, &["--admin", &admin]].concat();
        words.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let run = async |words: &[&'static str], more: &[&str]| {
        let words = plan(words);
        let words: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        edge.run(&words).await
    };
    std::fs::write(edge.folder().join("wrong"), "wrong").unwrap();
    std::fs::write(edge.folder().join("right"), format!("{TOKEN}\n")).unwrap();
    let kill = &["kill", "orders", "--why", "it fails"][..];
    for words in [&["status"][..], kill] {
        // The file's own.
        assert_eq!(run(words, &[]).await.code, Some(0), "{words:?}");
        assert_eq!(
            run(words, &["--token-file", "right"]).await.code,
            Some(0),
            "{words:?}"
        );
        let said = refusal(&run(words, &["--token-file", "wrong"]).await);
        assert!(said.contains("token of [admin]"), "{said}");
        // Nor without one: the file is on another machine.
        let nowhere = &["--config", "nowhere.toml"];
        let said = refusal(&run(words, nowhere).await);
        assert!(said.contains("token of [admin]"), "{said}");
        assert!(!said.contains(TOKEN));
    }
    let audit = edge.told("/audit").await;
    assert_eq!(audit[0]["peer"], json!(address.to_string()));
    edge.stop().await;
}
