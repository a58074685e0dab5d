//! The demo: everything with one command, in one process or in one for each part, and nothing left behind.

#![expect(clippy::expect_used, reason = "a failure here is a failed test")]

use std::process::Command;

use tests::binaries;
use tests::client::Client;
use tests::process::Process;

/// Ports that belong to nobody else in these tests: below the range that systems hand out.
const BASES: [u16; 2] = [21_000, 25_000];

async fn demo(base: u16, more: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let routes = concat!(env!("CARGO_MANIFEST_DIR"), "/../routes.toml");
    let mut command = Command::new(binaries::demo());
    command
        .args([
            "--config",
            routes,
            "--port-base",
            &base.to_string(),
            "--folder",
        ])
        .arg(folder.path())
        .args(more);
    let demo = Process::start("demo", &mut command);
    let token = tour(&demo).await;

    let edge = format!("127.0.0.1:{}", base + 1_080);
    let client = Client::new(edge.parse().expect("an address"));
    assert_eq!(
        client.get("/api/users/me").send().await.problem(),
        "token_missing"
    );
    let me = client.get("/api/users/me").bearer(&token).send().await;
    assert_eq!(
        (me.status, me.field("x-served-by")),
        (200, Some("service")),
        "{me:?}"
    );
    assert!(
        client
            .get("/")
            .send()
            .await
            .text()
            .contains("<h1>The shop</h1>")
    );

    demo.signal(rustix::process::Signal::INT);
    let ended = demo.ended().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(client.get("/").try_send().await.is_err());
}

/// Waits for all that it says, looks at the list of parts, and takes the token from it.
async fn tour(demo: &Process) -> String {
    let token = |line: &str| line.trim().strip_prefix("TOKEN=").map(str::to_owned);
    let token = demo.stdout.find("the token", 0, token).await;
    demo.stdout
        .find("the end of the tour", 0, |line| {
            line.starts_with("Ctrl-C").then_some(())
        })
        .await;
    let said = demo.stdout.all();
    let parts = [
        "edge",
        "admin",
        "monolith",
        "users",
        "catalog",
        "reviews",
        "inventory",
    ];
    let first = said
        .iter()
        .position(|line| line.contains("edge  "))
        .expect("the edge's address");
    for (part, line) in parts.iter().zip(&said[first..]) {
        assert!(
            line.trim_start().starts_with(part) && line.contains("http://127.0.0.1:"),
            "{part}: {line}"
        );
    }
    token
}

#[tokio::test]
async fn one_process_runs_all_of_it_and_ends_all_of_it() {
    demo(BASES[0], &[]).await;
}

#[tokio::test]
async fn a_process_for_each_part_runs_all_of_it_and_ends_all_of_it() {
    demo(BASES[1], &["--processes"]).await;
}
