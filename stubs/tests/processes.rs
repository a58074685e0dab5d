//! The binary: parts in processes of their own share one store, and a refusing stub sends nothing.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

struct Part {
    process: Child,
    url: String,
}

impl Part {
    fn start(name: &str, folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_stubs"))
            .args([name, "--port", "0", "--folder"])
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().split(' ').nth(1).unwrap().to_owned();
        Self { process, url }
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn client() -> reqwest::Client {
    chassis::http_client::build(std::time::Duration::from_secs(10)).unwrap()
}

#[tokio::test]
async fn a_write_through_a_service_is_seen_by_the_monolith_in_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let (orders, monolith) = (
        Part::start("orders", folder.path()),
        Part::start("monolith", folder.path()),
    );
    let body = json!({ "items": [{ "product": 3, "quantity": 1 }] }).to_string();
    let placed = client()
        .post(format!("{}/api/orders", orders.url))
        .header("x-user-id", "alice")
        .body(body);
    let placed = placed.send().await.unwrap();
    assert_eq!(
        (
            placed.status().as_u16(),
            placed.headers()["location"].to_str().unwrap()
        ),
        (201, "/api/orders/601")
    );
    let seen = client()
        .get(format!("{}/api/orders/601", monolith.url))
        .header("x-user-id", "alice");
    let seen: Value =
        serde_json::from_str(&seen.send().await.unwrap().text().await.unwrap()).unwrap();
    assert_eq!(seen["items"][0]["product"], 3);
}

#[tokio::test]
async fn a_refusing_stub_closes_without_a_byte_and_still_hears_its_switches() {
    let folder = tempfile::tempdir().unwrap();
    let part = Part::start("catalog", folder.path());
    let switch = |value: bool| {
        client()
            .put(format!("{}/__stub", part.url))
            .body(json!({ "refuse": value }).to_string())
    };
    assert_eq!(switch(true).send().await.unwrap().status(), 200);
    let refused = client()
        .get(format!("{}/api/products/1", part.url))
        .send()
        .await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(switch(false).send().await.unwrap().status(), 200);
    assert_eq!(
        client()
            .get(format!("{}/api/products/1", part.url))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
}

#[tokio::test]
async fn the_issuer_publishes_the_key_that_it_keeps() {
    let folder = tempfile::tempdir().unwrap();
    let mut published = Vec::new();
    for _ in 0..2 {
        let issuer = Part::start("issuer", folder.path());
        let answer = client()
            .get(format!("{}/jwks", issuer.url))
            .send()
            .await
            .unwrap();
        published.push(serde_json::from_str::<Value>(&answer.text().await.unwrap()).unwrap());
    }
    assert_eq!(published[0]["keys"][0]["alg"], "ES256");
    assert_eq!(published[0], published[1]);
}
