//! Composed screens through the whole house: clients, edge, BFFs, internal listener, backends.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test as tests do"
)]

use std::time::Duration;

use chassis::clock::Clock;
use rustix::process::Signal;
use serde_json::{Value, json};
use tests::answer::Answer;
use tests::bff::{Bff, Which};
use tests::load::{Load, times};
use tests::screens::Screens;
use tests::shop::with_orders_moved;

/// A route's canary as the file has it, and as it shall be.
fn canary(text: &str, route: &str, percent: &str) -> String {
    let at = text.find(&format!("[route.{route}]")).unwrap();
    let (before, after) = text.split_at(at);
    let line = after
        .lines()
        .find(|line| line.starts_with("canary.percent"));
    let moved = format!("canary.percent = {percent}");
    format!("{before}{}", after.replacen(line.unwrap(), &moved, 1))
}

/// Which side gave each part, by its name.
fn sides(answer: &Answer) -> Vec<(String, String)> {
    let body = answer.json();
    let parts = body["_meta"]["parts"].as_object();
    let parts = parts.unwrap_or_else(|| panic!("no page: {answer:?}"));
    parts
        .iter()
        .map(|(name, part)| {
            (
                name.clone(),
                part["side"].as_str().unwrap_or("-").to_owned(),
            )
        })
        .collect()
}

fn side(answer: &Answer, part: &str) -> String {
    let all = sides(answer);
    all.into_iter().find(|(name, _)| name == part).unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_takes_its_longest_path_and_leaves_slow_reviews_behind() {
    // Every part comes from a service of its own, so that each can be slow by itself.
    let screens = Screens::edited(|text| {
        let text = with_orders_moved(text);
        let text = canary(&text, "products", "100");
        canary(&text, "reviews-mine", "100")
    })
    .await;
    let token = screens.token("7").await;
    let page = || screens.get("/web/orders/7").bearer(&token).send();
    let complete = page().await;
    assert_eq!(complete.status, 200, "{complete:?}");

    let slow = [
        ("orders", 100),
        ("users", 80),
        ("catalog", 60),
        ("reviews", 500),
    ];
    for (stub, latency) in slow {
        let change = json!({ "latency_ms": latency });
        screens.shop.stub(stub).switch(change).await;
    }
    // Nobody has asked for this one yet, so none of its parts was kept.
    let clock = Clock::system();
    let other = screens.token("8").await;
    let began = clock.now();
    let answer = screens.get("/web/orders/8").bearer(&other).send().await;
    let took = clock.now() - began;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.field("x-degraded"), Some("reviews;reason=timeout"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("etag"), None);
    // 180 ms, were the machine idle; one after the other it would be 740.
    assert!(took < Duration::from_millis(480), "{took:?}");
    let body = answer.json();
    assert_eq!(
        body["customer"]["email"]
            .as_str()
            .map(|mail| mail.contains('@')),
        Some(true)
    );
    assert!(body["items"][0]["name"].is_string(), "{body}");
    screens.stop().await;
}

#[tokio::test]
async fn the_same_complete_page_is_not_sent_twice() {
    let screens = Screens::start().await;
    let token = screens.token("7").await;
    for path in [
        "/web/orders/7",
        "/web/products/7",
        "/mobile/products/7",
        "/mobile/home",
    ] {
        let first = screens.get(path).bearer(&token).send().await;
        assert_eq!(first.status, 200, "{path}: {first:?}");
        let tag = first.field("etag").unwrap();
        let again = screens
            .get(path)
            .bearer(&token)
            .header("if-none-match", tag);
        let again = again.send().await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    screens.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cutover_under_load_moves_only_its_parts_and_leaves_nothing_behind_when_it_is_taken_back()
{
    let screens = Screens::edited(|text| canary(text, "products", "0")).await;
    let token = screens.token("alice").await;
    let page = || screens.get("/web/products/7").bearer(&token).send();
    let before = sides(&page().await);
    assert_eq!(side(&page().await, "product"), "legacy");

    // No answer is lost while the file is edited.
    let mut load = Load::start("/web/products/7", users(&screens).await, || {
        screens.edge.client()
    });
    for rollout in 0..times("BANYAN_ROLLOUTS", 3) {
        let (percent, expected) = match rollout % 2 {
            0 => ("100", "service"),
            _ => ("0", "legacy"),
        };
        screens
            .edge
            .take_over(|text| canary(text, "products", percent))
            .await;
        // The very first page, also where others have just filled the cache.
        let first = page().await;
        load.goes_on(20).await;
        assert_eq!(
            side(&first, "product"),
            expected,
            "{percent} %: {:?}",
            first.json()
        );
        for (name, side) in sides(&first) {
            let was = before.iter().find(|(known, _)| *known == name).unwrap();
            if name != "product" {
                assert_eq!(side, was.1, "{name} at {percent} %");
            }
        }
    }
    assert_eq!(load.stop().await, 0, "pages were lost");
    screens.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bffs_one_may_be_killed_at_any_time_and_takes_only_the_pages_with_it_that_it_was_at()
{
    let screens = Screens::start().await;
    let internal = screens.edge.internal_address.unwrap();
    let mut other = Bff::behind(Which::Web, internal).await;
    let (first, second) = (screens.web.address, other.address);
    screens
        .edge
        .take_over(|text| {
            let one = format!("[\"http://{first}\"]");
            assert!(text.contains(&one), "{text}");
            text.replace(&one, &format!("[\"http://{first}\", \"http://{second}\"]"))
        })
        .await;
    let mut load = Load::start("/web/products/7", users(&screens).await, || {
        screens.edge.client()
    });
    let kills = times("BANYAN_KILLS", 4);
    for _ in 0..kills {
        load.goes_on(20).await;
        other.process.signal(Signal::KILL);
        load.goes_on(20).await;
        other = Bff::again(Which::Web, other, internal).await;
    }
    // Each of four users has one page under way at most.
    let lost = load.stop().await;
    assert!(lost <= kills * 4, "{lost} pages lost with {kills} kills");
    other.stop().await;
    screens.stop().await;
}

/// Four of them.
async fn users(screens: &Screens) -> Vec<String> {
    let mut tokens = Vec::new();
    for user in 0..4 {
        tokens.push(screens.token(&format!("user-{user}")).await);
    }
    tokens
}

#[tokio::test]
async fn a_page_and_all_of_its_parts_see_the_same_user_on_the_same_side() {
    let screens = Screens::edited(|text| canary(text, "products", "50")).await;
    let mut seen = std::collections::BTreeSet::new();
    // No more of them than nobody's limit lets through at once.
    for number in 1..=8 {
        // As a user with a token, and as a browser that is known by its cookie alone.
        let token = screens.token(&format!("user-{number}")).await;
        let direct = screens.get("/api/products/7").bearer(&token).send().await;
        let page = screens.get("/web/products/7").bearer(&token).send().await;
        assert_eq!(
            Some(side(&page, "product").as_str()),
            direct.field("x-served-by")
        );
        seen.insert(side(&page, "product"));

        let cookie = format!("banyan=visitor-{number}");
        let direct = screens.get("/api/products/7").header("cookie", &cookie);
        let direct = direct.send().await;
        let page = screens.get("/web/products/7").header("cookie", &cookie);
        let page = page.send().await;
        assert_eq!(
            Some(side(&page, "product").as_str()),
            direct.field("x-served-by")
        );
        seen.insert(side(&page, "product"));
    }
    assert_eq!(seen.len(), 2, "both sides were met: {seen:?}");

    // Whose orders these are is decided by the token alone.
    let token = screens.token("7").await;
    let spoofed = [
        ("x-user-id", "8"),
        ("x-banyan-sticky", "bob"),
        ("x-request-deadline-ms", "1"),
    ];
    let mut request = screens.get("/web/account").bearer(&token);
    for (name, value) in spoofed {
        request = request.header(name, value);
    }
    let account = request.send().await;
    assert_eq!(
        (account.status, account.json()["id"].clone()),
        (200, json!(7))
    );
    screens.stop().await;
}

#[tokio::test]
async fn what_the_edge_takes_in_the_bff_takes_too() {
    let screens = Screens::start().await;
    // The edge takes a hundred fields, and adds its own.
    let mut request = screens.get("/web/home");
    for number in 0..95 {
        request = request.header(&format!("x-mine-{number}"), "1");
    }
    let answer = request.send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    screens.stop().await;
}

#[tokio::test]
async fn id_and_trace_of_a_request_reach_every_backend() {
    let screens = Screens::start().await;
    let token = screens.token("7").await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let parent = format!("00-{trace}-b7ad6b7169203331-01");
    let request = screens.get("/web/orders/7").bearer(&token);
    let request = request
        .header("traceparent", &parent)
        .header("tracestate", "shop=1");
    let answer = request.send().await;
    let id = answer.field("x-request-id").unwrap();
    let mut reached = 0;
    for stub in ["monolith", "users", "catalog", "orders", "reviews"] {
        let seen = screens.shop.stub(stub).seen().await;
        // A copy has an id of its own.
        let is_copy = |seen: &Value| field(seen, "x-shadow").is_some();
        for seen in seen.into_iter().filter(|seen| !is_copy(seen)) {
            reached += 1;
            assert_eq!(field(&seen, "x-request-id"), Some(id), "{stub}");
            assert_eq!(field(&seen, "tracestate"), Some("shop=1"), "{stub}");
            assert_eq!(field(&seen, "x-user-id"), Some("7"), "{stub}");
            let parent = field(&seen, "traceparent").unwrap();
            assert!(parent.starts_with(&format!("00-{trace}-")), "{parent}");
            let left: u64 = field(&seen, "x-request-deadline-ms")
                .unwrap()
                .parse()
                .unwrap();
            assert!(left <= 1700, "{left}");
            for ours in ["x-banyan-sticky", "x-banyan-state"] {
                assert_eq!(field(&seen, ours), None, "{stub}");
            }
        }
    }
    assert_eq!(reached, 4, "order, customer, products, reviews");
    for ours in ["x-banyan-state", "x-banyan-cohort"] {
        assert_eq!(answer.field(ours), None);
    }
    screens.stop().await;
}

fn field<'a>(seen: &'a Value, name: &str) -> Option<&'a str> {
    let fields = seen["fields"].as_array()?;
    let found = fields.iter().find(|field| field[0] == name)?;
    found[1].as_str()
}
