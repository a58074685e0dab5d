//! A page and its parts: edge -> a backend for a frontend -> the internal listener -> the services, as one request.
#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail the test as tests do"
)]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use chassis::handover::State;
use http::HeaderValue;
use rustix::process::Signal;
use tests::edge::{Edge, Plan};
use tests::origin::{Log, Origin, Reply};
use tests::wire::{Wire, exchange};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// What a backend for a frontend hands on with each part.
const CONTEXT: [&str; 6] = [
    "authorization",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-banyan-sticky",
    "x-request-deadline-ms",
];

/// Pages that may be composed at once.
const AT_ONCE: u32 = 8;

/// A page of one part.
struct Bff {
    origin: Origin,
    internal: Arc<OnceLock<SocketAddr>>,
    /// Each page takes one before it asks for its part.
    may_ask: Arc<Semaphore>,
}

impl Bff {
    async fn start() -> Self {
        let internal = Arc::new(OnceLock::new());
        let may_ask = Arc::new(Semaphore::new(AT_ONCE as usize));
        let (address, asking) = (Arc::clone(&internal), Arc::clone(&may_ask));
        let origin = Origin::handling(move |wire, log| {
            compose(wire, log, Arc::clone(&address), Arc::clone(&asking))
        });
        Self {
            origin: origin.await,
            internal,
            may_ask,
        }
    }

    /// The gateway before it and behind it.
    async fn between(&self, plan: Plan) -> Edge {
        let edge = plan.start().await;
        let address = edge.internal_address.expect("an internal listener");
        self.internal.set(address).expect("one gateway");
        edge
    }
}

/// Answers with what the part said, and with fields that are nobody's business outside.
async fn compose(
    mut wire: Wire,
    log: Log,
    internal: Arc<OnceLock<SocketAddr>>,
    may_ask: Arc<Semaphore>,
) {
    while let Some((head, body)) = wire.request().await {
        log.note(head.clone(), body);
        let _asking = may_ask.acquire().await.expect("it stays open");
        let mut request =
            "GET /api/orders/7 HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n".to_owned();
        for name in CONTEXT {
            for value in head.all(name) {
                let _ = write!(request, "{name}: {value}\r\n");
            }
        }
        let address = *internal.get().expect("the gateway has started");
        let part = exchange(address, format!("{request}\r\n")).await;
        let page = format!("{} {}", part.status, part.text());
        let state = part.field("x-banyan-state").unwrap_or_default();
        let cohort = part.field("x-banyan-cohort").unwrap_or_default();
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-banyan-state: {state}\r\nx-banyan-cohort: {cohort}\r\n\
             content-type: text/html\r\n\r\n{page}",
            page.len()
        );
        if wire.try_send(answer).await.is_err() {
            return;
        }
    }
}

fn plan(bff: &Bff, legacy: &Origin, service: &Origin) -> Plan {
    Edge::with_routes(&format!(
        r#"
        [internal]
        bind = "127.0.0.1:0"
        [defaults.route]
        auth = "none"
        sticky = ["header:x-device-id", "visitor"]
        [upstream.bff]
        endpoints = ["{}"]
        [upstream.monolith]
        endpoints = ["{}"]
        [upstream.orders]
        endpoints = ["{}"]
        [route.web]
        path = "/web"
        upstream = "bff"
        strip_prefix = true
        [route.orders]
        path = "/api/orders"
        listeners = ["edge", "internal"]
        legacy = "monolith"
        service = "orders"
        phase = "canary"
        canary.percent = 50
        "#,
        bff.origin.url(),
        legacy.url(),
        service.url()
    ))
}

async fn origins() -> (Origin, Origin) {
    (
        Origin::saying("legacy").await,
        Origin::saying("service").await,
    )
}

#[tokio::test]
async fn a_page_and_its_part_are_on_the_side_that_the_edge_would_choose() {
    let (bff, (legacy, service)) = (Bff::start().await, origins().await);
    let edge = bff.between(plan(&bff, &legacy, &service)).await;
    let mut sides = std::collections::BTreeMap::new();
    for user in 0..200 {
        // With what a field may hold and an escape has to keep.
        let key = format!("user {user}, 100% \"a\"");
        let ask = |path: &'static str| edge.get(path).header("x-device-id", &key).send();
        let direct = ask("/api/orders/7").await;
        let page = ask("/web/page").await;
        assert_eq!(page.text(), format!("200 {}", direct.text()), "{key}");
        *sides.entry(direct.text().to_owned()).or_insert(0) += 1;
    }
    assert!(sides["legacy"] > 50 && sides["service"] > 50, "{sides:?}");
    edge.stop().await;
}

#[tokio::test]
async fn a_strangers_word_is_taken_away_at_the_edge_and_replaced_by_ours() {
    let (bff, (legacy, service)) = (Bff::start().await, origins().await);
    let edge = bff.between(plan(&bff, &legacy, &service)).await;
    let ask = |path: &str| {
        edge.get(path)
            .header("x-banyan-sticky", "stranger")
            .header("x-banyan-state", "0123456789abcdef")
            .header("x-banyan-cohort", "orders;1;service")
            .header("x-request-deadline-ms", "3")
            .header("x-device-id", "ann 1")
    };
    let page = ask("/web").send().await;
    assert_eq!(page.status, 200);
    let head = &bff.origin.seen()[0].head;
    assert_eq!(head.all("x-banyan-sticky"), ["ann%201"]);
    assert!(head.all("x-banyan-cohort").is_empty());
    let state = HeaderValue::from_str(head.all("x-banyan-state")[0]).unwrap();
    assert!(State::read(&state).is_some_and(|state| state.0 != 0x0123_4567_89ab_cdef));
    let left: u64 = head.all("x-request-deadline-ms")[0].parse().unwrap();
    assert!((10_000..=15_000).contains(&left), "{left}");

    let direct = ask("/api/orders/7").send().await;
    // Neither our own nor what a backend says in our name goes out.
    for answer in [&page, &direct] {
        let names = answer.fields.iter().map(|(name, _)| name.as_str());
        let ours: Vec<_> = names.filter(|name| name.starts_with("x-banyan-")).collect();
        assert!(ours.is_empty(), "{ours:?}");
    }
    // The services hear the time that is left from whoever waits, and nothing else.
    let parts = [legacy.seen(), service.seen()].concat();
    assert_eq!(parts.len(), 2);
    let handed =
        |name: &str| -> Vec<usize> { parts.iter().map(|part| part.head.all(name).len()).collect() };
    for name in ["x-banyan-sticky", "x-banyan-state", "x-banyan-cohort"] {
        assert_eq!(handed(name), [0, 0], "{name}");
    }
    let deadlines: usize = handed("x-request-deadline-ms").iter().sum();
    assert_eq!(deadlines, 1, "the part's, not the direct request's");
    edge.stop().await;
}

#[tokio::test]
async fn no_backend_speaks_in_our_name_neither_in_its_head_nor_behind_its_body() {
    let reply = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx-banyan-state: 1\r\nx-banyan-cohort: 1\r\n\
                 trailer: x-banyan-state, x-checksum\r\n\r\n2\r\nok\r\n0\r\nx-banyan-state: 1\r\nx-checksum: 7\r\n\r\n";
    let backend = Origin::scripted([Reply::Bytes(reply.into())]).await;
    let bff = Bff::start().await;
    let edge = bff.between(plan(&bff, &backend, &backend)).await;
    let request =
        "GET /api/orders HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: close\r\n\r\n";
    let internal = edge.internal_address.expect("an internal listener");
    for (address, states) in [(edge.address, 0), (internal, 1)] {
        let answer = exchange(address, request).await;
        assert_eq!(
            (answer.text(), answer.all("x-banyan-state").len()),
            ("ok", states)
        );
        assert_ne!(answer.all("x-banyan-state"), ["1"]);
        assert_eq!(answer.trailers, [("x-checksum".to_owned(), "7".to_owned())]);
    }
    edge.stop().await;
}

#[tokio::test]
async fn request_id_and_trace_are_one_from_the_edge_to_the_service() {
    let (bff, (legacy, service)) = (Bff::start().await, origins().await);
    let edge = bff.between(plan(&bff, &legacy, &service)).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let request = edge
        .get("/web")
        .header("x-device-id", "ann")
        .header("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"))
        .header("tracestate", "vendor=1");
    let page = request.send().await;
    let id = page.field("x-request-id").unwrap().to_owned();
    let parts = [bff.origin.seen(), legacy.seen(), service.seen()].concat();
    assert_eq!(parts.len(), 2);
    for part in parts {
        assert_eq!(part.head.all("x-request-id"), [id.as_str()]);
        assert!(part.head.all("traceparent")[0].contains(trace), "{part:?}");
        assert_eq!(part.head.all("tracestate"), ["vendor=1"]);
    }
    for route in ["web", "orders"] {
        let line = edge.access_line(route, |line| line["route"] == route).await;
        assert_eq!(
            (&line["request_id"], &line["trace_id"]),
            (&id.as_str().into(), &trace.into())
        );
    }
    edge.stop().await;
}

#[tokio::test]
async fn a_browser_is_given_an_id_with_the_page_and_its_parts_follow_it() {
    let (bff, (legacy, service)) = (Bff::start().await, origins().await);
    let edge = bff.between(plan(&bff, &legacy, &service)).await;
    let load = || edge.get("/web").header("accept", "text/html");
    let first = load().send().await;
    // The id counts from the next request; until then nobody knows who this is.
    assert_eq!(first.text(), "200 legacy");
    let cookie = first.field("set-cookie").expect("an id of ours");
    let pair = cookie.split(';').next().unwrap();
    let again = load().header("cookie", pair).send().await;
    assert_eq!(again.field("set-cookie"), None);
    let seen = bff.origin.seen();
    assert!(seen[0].head.all("x-banyan-sticky").is_empty());
    let (_, id) = pair.split_once('=').unwrap();
    assert_eq!(seen[1].head.all("x-banyan-sticky"), [id]);
    assert!(seen[1].head.all("cookie").is_empty());
    edge.stop().await;
}

#[tokio::test]
async fn a_page_that_is_under_way_gets_its_part_during_the_drain() {
    let (bff, (legacy, service)) = (Bff::start().await, origins().await);
    let edge = bff.between(plan(&bff, &legacy, &service)).await;
    let held = bff.may_ask.acquire_many(AT_ONCE).await;
    let held = held.expect("it stays open");
    let client = edge.client();
    let mut page = JoinSet::new();
    page.spawn(async move { client.get("/web").send().await });
    bff.origin.saw(1).await;
    let lines = edge.process.stderr.count();
    edge.process.signal(Signal::TERM);
    edge.logged("the drain", lines, |line| {
        line.contains("draining").then_some(())
    })
    .await;
    drop(held);
    let pages = page.join_all().await;
    assert_eq!(pages[0].text(), "200 legacy");
    edge.stop().await;
}
