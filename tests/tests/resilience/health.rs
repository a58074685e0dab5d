//! Endpoints are asked how they are, and those that are ill are left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tests::origin::{Log, Origin};
use tests::wire::Wire;

use crate::upstream::upstream;

const CHECKED: &str = r#"
health = { path = "/healthz", interval = "200ms" }
"#;

/// Answers requests well, and checks as `is_well` says.
async fn moody(name: &'static str, is_well: Arc<AtomicBool>) -> Origin {
    Origin::handling(move |mut wire: Wire, log: Log| {
        let is_well = Arc::clone(&is_well);
        async move {
            while let Some((head, body)) = wire.request().await {
                let is_bad = head.target() == "/healthz" && !is_well.load(Ordering::SeqCst);
                let status = if is_bad { "503 Ill" } else { "200 OK" };
                log.note(head, body);
                let length = name.len();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{name}");
                if wire.try_send(answer).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn an_ill_endpoint_gets_no_requests_until_it_is_well_again() {
    let is_well = Arc::new(AtomicBool::new(false));
    let ill = moody("ill", Arc::clone(&is_well)).await;
    let well = moody("well", Arc::new(AtomicBool::new(true))).await;
    let edge = upstream(&[well.url(), ill.url()], CHECKED).start().await;
    let down = |line: &str| {
        line.contains("an endpoint is down")
            .then(|| line.to_owned())
    };
    let line = edge.logged("the ill endpoint", 0, down).await;
    assert!(
        line.contains("answered 503") && line.contains(&ill.url()),
        "{line}"
    );
    for _ in 0..32 {
        assert_eq!(edge.get("/").send().await.text(), "well");
    }
    is_well.store(true, Ordering::SeqCst);
    let up = |line: &str| line.contains("an endpoint is up again").then_some(());
    edge.logged("the well endpoint", 0, up).await;
    while edge.get("/").send().await.text() != "ill" {}
    let seen = ill.seen();
    let check = seen
        .iter()
        .find(|seen| seen.head.target() == "/healthz")
        .unwrap();
    let agent = check.head.all("user-agent");
    assert!(agent[0].starts_with("banyan-health/"), "{agent:?}");
    assert_eq!(check.head.all("host"), [ill.address().to_string()]);
    let metrics = edge.admin("/metrics").send().await;
    for result in ["good", "bad"] {
        let sample = format!("banyan_health_checks_total{{upstream=\"m\",result=\"{result}\"}} ");
        let count = metrics
            .text()
            .lines()
            .find_map(|line| line.strip_prefix(&sample));
        assert!(
            count.is_some_and(|count| count != "0"),
            "{sample}: {count:?}"
        );
    }
    // Checks are no requests.
    let counted = metrics
        .text()
        .lines()
        .filter(|line| line.contains("route=\"all\""));
    let counted: Vec<&str> = counted
        .filter(|line| line.contains("status=\"5xx\""))
        .collect();
    assert!(
        counted.iter().all(|line| line.ends_with(" 0")),
        "{counted:?}"
    );
    edge.stop().await;
}
