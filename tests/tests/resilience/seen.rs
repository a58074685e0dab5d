//! Whoever is paged sees which endpoint is out, which breaker is open, and why.

use serde_json::Value;
use tests::edge::Edge;
use tests::moody::{Mood, Moody};
use tests::origin::Refusing;

use crate::upstream::upstream;

async fn get_all(edge: &Edge, count: usize, status: u16) {
    for _ in 0..count {
        assert_eq!(edge.get("/").send().await.status, status);
    }
}

#[tokio::test]
async fn an_endpoint_that_is_put_out_is_seen_everywhere_and_with_the_reason() {
    let origin = Moody::new().await;
    let dead = Refusing::for_now();
    let edge = upstream(&[origin.url(), dead.url()], "balance = \"round_robin\"")
        .start()
        .await;
    get_all(&edge, 20, 200).await;
    let retried = edge
        .access_line("a retried request", |line| line["attempts"] == 2)
        .await;
    assert!(retried.get("retry_stopped").is_none(), "{retried}");
    let put_out = |line: &str| {
        line.contains("an endpoint is put out")
            .then(|| line.to_owned())
    };
    let line = edge.logged("who is put out", 0, put_out).await;
    for part in [&*dead.url(), "\"upstream\":\"m\"", "\"last\":\"connect\""] {
        assert!(line.contains(part), "{part} is missing in {line}");
    }

    assert_listed(&edge, &dead.url()).await;
    assert_counted(&edge, &dead.url()).await;
    let refused = edge.refuses(&["upstreams", "somewhere"]).await;
    assert_eq!(
        refused,
        "error: there is no upstream \"somewhere\"; there are: m"
    );
    edge.stop().await;
}

/// The command says it, to eyes and to programs.
async fn assert_listed(edge: &Edge, dead: &str) {
    let said = edge.prints(&["upstreams"]).await;
    let out: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("ejected"))
        .collect();
    assert_eq!(out.len(), 1, "{said}");
    assert!(out[0].contains(dead), "{said}");
    assert!(
        out[0].contains("5 failures in a row, the last connect"),
        "{said}"
    );
    assert!(out[0].contains("back in"), "{said}");

    let told: Value =
        serde_json::from_str(&edge.prints(&["upstreams", "m", "--output", "json"]).await).unwrap();
    let upstream = &told["upstreams"][0];
    assert_eq!(upstream["balance"], "round_robin");
    assert_eq!(upstream["retries"]["connect"], 5, "{upstream}");
    assert_eq!(upstream["budget"]["retries"], 5, "{upstream}");
    let endpoints = upstream["endpoints"].as_array().unwrap();
    assert_eq!(endpoints[0]["state"], "up", "{upstream}");
    assert!(endpoints[0]["ewma_ms"].is_number(), "{upstream}");
    assert_eq!(endpoints[1]["failures"], 5, "{upstream}");
    assert!(
        endpoints[1]["until"].as_f64() > endpoints[1]["since"].as_f64(),
        "{upstream}"
    );
}

/// Metrics do.
async fn assert_counted(edge: &Edge, dead: &str) {
    let metrics = edge.admin("/metrics").send().await;
    let metrics = metrics.text();
    for sample in [
        "banyan_upstream_retries_total{upstream=\"m\",after=\"connect\"} 5".to_owned(),
        "banyan_upstream_panic{upstream=\"m\"} 0".to_owned(),
        format!("banyan_endpoint_state{{upstream=\"m\",endpoint=\"{dead}\",state=\"ejected\"}} 1"),
        format!("banyan_endpoint_ejections_total{{upstream=\"m\",endpoint=\"{dead}\"}} 1"),
    ] {
        assert!(
            metrics.contains(&sample),
            "{sample} is missing in {metrics}"
        );
    }
}

const BREAKER: &str = r#"
    breaker = { min_calls = 4, open = "30s" }
    bulkhead = {}
"#;

#[tokio::test]
async fn an_open_breaker_is_seen_everywhere_with_what_it_opened_for() {
    let origin = Moody::being(Mood::all(502)).await;
    let edge = upstream(&[origin.url()], BREAKER).start().await;
    get_all(&edge, 4, 502).await;
    get_all(&edge, 2, 503).await;
    let line = edge
        .access_line("one that was turned away", |line| line["status"] == 503)
        .await;
    assert_eq!(line["code"], "breaker_open", "{line}");
    assert_eq!(line["breaker"], "open", "{line}");
    let open = |line: &str| line.contains("a breaker is open").then(|| line.to_owned());
    let line = edge.logged("an open breaker", 0, open).await;
    assert!(line.contains("\"breaker\":\"all/none to m\""), "{line}");

    let said = edge.prints(&["upstreams"]).await;
    let open = said
        .lines()
        .find(|line| line.contains("OPEN"))
        .unwrap_or_default();
    assert!(
        open.starts_with("m: breaker of route all is OPEN, tries again in"),
        "{said}"
    );
    assert!(
        open.ends_with(": 4 of 4 tries failed; opened 1 times, turned 2 away"),
        "{said}"
    );
    let metrics = edge.admin("/metrics").send().await;
    let metrics = metrics.text();
    for sample in [
        "banyan_breaker_state{route=\"all\",side=\"none\",upstream=\"m\",state=\"open\"} 1",
        "banyan_breaker_state{route=\"all\",side=\"none\",upstream=\"m\",state=\"closed\"} 0",
        "banyan_breaker_opened_total{route=\"all\",side=\"none\",upstream=\"m\"} 1",
        "banyan_breaker_refused_total{route=\"all\",side=\"none\",upstream=\"m\"} 2",
        "banyan_bulkhead_held{upstream=\"m\"} 0",
    ] {
        assert!(metrics.contains(sample), "{sample} is missing in {metrics}");
    }
    edge.stop().await;
}
