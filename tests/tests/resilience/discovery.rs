//! Endpoints by name, by service and in a file: they come and go without a reload.

use serde_json::Value;
use tests::edge::{Edge, Plan};
use tests::names::Names;
use tests::origin::{Log, Origin, Reply};
use tests::steady::Steady;
use tests::wire::Wire;

use crate::upstream::{QUIET, upstream};

/// A gateway that asks `names`.
fn asking(names: &Names, endpoint: &str, more: &str) -> Plan {
    let dns = format!("{more}\n[dns]\nservers = [\"{}\"]\n", names.address());
    upstream(&[endpoint.to_owned()], &dns)
}

/// Says on which of this machine's addresses it was asked.
async fn say_where(mut wire: Wire, _: Log) {
    let at = wire.local_address().ip();
    while wire.request().await.is_some() {
        let Reply::Bytes(answer) = Reply::ok(&at.to_string()) else {
            return;
        };
        if wire.try_send(answer).await.is_err() {
            return;
        }
    }
}

/// Waits until the gateway's endpoints are these.
async fn endpoints(edge: &Edge, expected: &[String]) {
    let are = |status: &Value| {
        let listed = status["upstreams"][0]["endpoints"].as_array();
        let urls = listed.into_iter().flatten();
        urls.filter_map(|endpoint| endpoint["url"].as_str())
            .eq(expected.iter().map(String::as_str))
    };
    edge.tells("/status", &format!("{expected:?}"), are).await;
}

fn detail(part: &'static str) -> impl Fn(&Value) -> bool {
    move |ready| {
        let details = ready["details"].as_array();
        let mut details = details.into_iter().flatten().filter_map(Value::as_str);
        details.any(|detail| detail.contains(part))
    }
}

fn no_detail(ready: &Value) -> bool {
    ready["details"].as_array().is_some_and(Vec::is_empty)
}

#[tokio::test]
async fn a_name_is_followed_and_when_it_fails_its_last_answer_stays() {
    let (names, origin) = (Names::start().await, Origin::everywhere(say_where).await);
    let port = origin.address().port();
    names.has("shop.internal", &[[127, 0, 0, 2]]);
    let url = format!("http://shop.internal:{port}");
    let edge = asking(&names, &url, QUIET).start().await;
    assert_eq!(edge.get("/").send().await.text(), "127.0.0.2");
    let load = Steady::start(edge.address, "/", 200, 8);
    names.has("shop.internal", &[[127, 0, 0, 3], [127, 0, 0, 4]]);
    let at = |last: u8| format!("{url} at 127.0.0.{last}");
    endpoints(&edge, &[at(3), at(4)]).await;
    assert_ne!(edge.get("/").send().await.text(), "127.0.0.2");
    names.fails("shop.internal");
    let said = "upstream m: shop.internal does not resolve: the name server says: Server Failure; \
                the last answer stays";
    edge.tells("/readyz", "the failure", detail(said)).await;
    endpoints(&edge, &[at(3), at(4)]).await;
    names.has("shop.internal", &[[127, 0, 0, 3]]);
    edge.tells("/readyz", "no trouble", no_detail).await;
    endpoints(&edge, &[at(3)]).await;
    load.goes_on(20).await.all(200);
    load.stop().await.all(200);
    let metrics = edge.admin("/metrics").send().await;
    let failed = metrics.text().lines().find_map(|line| {
        let failed = line.strip_prefix("banyan_discovery_failures_total{upstream=\"m\"} ")?;
        failed.parse::<u32>().ok()
    });
    assert!(
        failed.is_some_and(|failed| failed > 0),
        "{}",
        metrics.text()
    );
    // What discovery finds is no new configuration.
    assert_eq!(edge.told("/readyz").await["generation"], 1);
    edge.stop().await;
}

#[tokio::test]
async fn a_name_that_does_not_resolve_yet_keeps_nobody_from_starting() {
    let (names, origin) = (Names::start().await, Origin::everywhere(say_where).await);
    let url = format!("http://late.internal:{}", origin.address().port());
    let edge = asking(&names, &url, "connect_timeout = \"100ms\"")
        .start()
        .await;
    edge.tells(
        "/readyz",
        "the trouble",
        detail("upstream m: late.internal does not resolve"),
    )
    .await;
    let answer = edge.get("/").send().await;
    assert!([502, 503].contains(&answer.status), "{answer:?}");
    names.has("late.internal", &[[127, 0, 0, 9]]);
    endpoints(&edge, &[format!("{url} at 127.0.0.9")]).await;
    assert_eq!(edge.get("/").send().await.text(), "127.0.0.9");
    // Nor does it keep a file from being taken over.
    edge.take_over(|file| file.replace("late.internal", "never.internal"))
        .await;
    edge.stop().await;
}

#[tokio::test]
async fn a_service_is_found_with_its_ports() {
    let (names, first, second) = (
        Names::start().await,
        Origin::saying("first").await,
        Origin::saying("second").await,
    );
    names.has("a.shop", &[[127, 0, 0, 1]]);
    names.offers("_web._tcp.shop", &[("a.shop", first.address().port())]);
    let edge = asking(&names, "srv+http://_web._tcp.shop", "")
        .start()
        .await;
    assert_eq!(edge.get("/").send().await.text(), "first");
    let port = second.address().port();
    names.offers("_web._tcp.shop", &[("a.shop", port)]);
    endpoints(&edge, &[format!("http://a.shop:{port} at 127.0.0.1")]).await;
    assert_eq!(edge.get("/").send().await.text(), "second");
    edge.stop().await;
}

#[tokio::test]
async fn a_file_of_endpoints_is_followed() {
    let (first, second) = (
        Origin::saying("first").await,
        Origin::saying("second").await,
    );
    let list = |origin: &Origin| format!("endpoints = [\"{}\"]\n", origin.url());
    let plan = upstream(&["http://127.0.0.1:9".to_owned()], "");
    plan.edit(|file| {
        file.replace(
            "endpoints = [\"http://127.0.0.1:9\"]",
            "endpoints_file = \"m.toml\"",
        )
    });
    let edge = plan.file("m.toml", &list(&first)).start().await;
    assert_eq!(edge.get("/").send().await.text(), "first");
    let file = edge.folder().join("m.toml");
    std::fs::write(&file, list(&second)).unwrap();
    endpoints(&edge, &[second.url()]).await;
    assert_eq!(edge.get("/").send().await.text(), "second");
    std::fs::write(&file, "endpoints = [\"ftp://x\"]").unwrap();
    edge.tells(
        "/readyz",
        "the trouble",
        detail("the last good endpoints stay"),
    )
    .await;
    assert_eq!(edge.get("/").send().await.text(), "second");
    assert_eq!(edge.told("/readyz").await["generation"], 1);
    edge.stop().await;
}

#[tokio::test]
async fn a_file_refused_for_its_list_of_endpoints_is_taken_over_once_that_is_mended() {
    let origin = Origin::saying("found").await;
    let list = format!("endpoints = [\"{}\"]\n", origin.url());
    let plan = upstream(&["http://127.0.0.1:9".to_owned()], "");
    plan.edit(|file| {
        file.replace(
            "endpoints = [\"http://127.0.0.1:9\"]",
            "endpoints_file = \"m.toml\"",
        )
    });
    let edge = plan.file("m.toml", &list).start().await;
    let file = edge.folder().join("m.toml");
    std::fs::write(&file, "endpoints = [").unwrap();
    edge.edit(|file| format!("{file}\n[upstream.more]\nendpoints = [\"http://127.0.0.1:9\"]\n"));
    let refused = detail("the file was refused");
    edge.tells("/readyz", "the refusal", refused).await;
    std::fs::write(&file, list).unwrap();
    let taken_over = |told: &Value| told["generation"] == 2;
    edge.tells("/readyz", "the new generation", taken_over)
        .await;
    assert_eq!(edge.get("/").send().await.text(), "found");
    edge.stop().await;
}
