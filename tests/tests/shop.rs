//! The shop with the repository's own routes.toml: what a newcomer tries in the first minutes.

use serde_json::json;
use tests::answer::Answer;
use tests::edge::Edge;
use tests::shop::{Shop, routes, with_orders_moved};

#[tokio::test]
async fn each_path_is_answered_by_the_side_that_the_file_says() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let token = shop.token(&edge, &["--user", "alice"]).await;
    for (path, stub) in [
        ("/", "monolith"),
        ("/api/users/me", "users"),
        ("/api/stock?ids=1,2", "inventory"),
        ("/api/related?product=1", "recommendations"),
        ("/api/orders", "monolith"),
    ] {
        let answer = edge.get(path).bearer(&token).send().await;
        assert!(answer.status < 400, "{path}: {answer:?}");
        assert_eq!(served_by(&answer), stub, "{path}");
    }
    edge.stop().await;
}

#[tokio::test]
async fn testers_are_on_the_service_and_everybody_keeps_the_side_that_they_got() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let tester = shop
        .token(&edge, &["--user", "tess", "--group", "internal-testers"])
        .await;
    assert_eq!(served_by(&product(&edge, &tester).await), "catalog");

    let mut sides = std::collections::BTreeSet::new();
    for user in ["ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal"] {
        let token = shop.token(&edge, &["--user", user]).await;
        let first = product(&edge, &token).await;
        let again = product(&edge, &token).await;
        assert_eq!(served_by(&first), served_by(&again), "{user}");
        assert_eq!(first.json(), again.json());
        sides.insert(served_by(&first));
    }
    assert_eq!(sides, ["catalog", "monolith"].map(str::to_owned).into());
    edge.stop().await;
}

#[tokio::test]
async fn a_cutover_and_the_way_back_are_one_edit_each() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let user = ["--user", "bob"];
    let token = shop.token(&edge, &user).await;
    let everybody = |percent: &'static str| {
        move |text: &str| {
            text.replace(
                "canary.percent = 25 ",
                &format!("canary.percent = {percent} "),
            )
        }
    };
    edge.take_over(everybody("100")).await;
    assert_eq!(served_by(&product(&edge, &token).await), "catalog");
    edge.take_over(|text| text.replace("canary.percent = 100 ", "canary.percent = 0 "))
        .await;
    assert_eq!(served_by(&product(&edge, &token).await), "monolith");
    edge.stop().await;
}

#[tokio::test]
async fn an_order_written_on_one_side_is_there_on_the_other() {
    let shop = Shop::start().await;
    let edge = shop.edge_with(&with_orders_moved(&routes())).start().await;
    let token = shop.token(&edge, &["--user", "ann"]).await;
    let order = json!({ "items": [{ "product": 1, "quantity": 2 }] });
    let created = edge.post("/api/orders").bearer(&token).json(&order);
    let created = created.send().await;
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(served_by(&created), "monolith");

    // Reading has moved; writing stays where it was.
    let place = created.field("location").unwrap();
    let read = edge.get(place).bearer(&token).send().await;
    assert_eq!((read.status, served_by(&read).as_str()), (200, "orders"));
    for what in ["id", "items", "total"] {
        assert_eq!(read.json()[what], created.json()[what], "{what}");
    }
    edge.stop().await;
}

#[tokio::test]
async fn money_moves_only_with_the_scope_for_it() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let pay = json!({ "order": 1, "amount": 100, "method": "card" });
    let refused = edge.post("/api/payments").json(&pay).send().await;
    assert_eq!(refused.status, 401);
    let token = shop.token(&edge, &["--user", "1"]).await;
    let refused = edge.post("/api/payments").bearer(&token).json(&pay);
    assert_eq!(refused.send().await.status, 403);
    for stub in ["monolith", "payments"] {
        assert_eq!(
            shop.stub(stub).seen().await,
            Vec::<serde_json::Value>::new()
        );
    }
    let scope = ["--user", "1", "--scope", "payments:write"];
    let token = shop.token(&edge, &scope).await;
    // Nothing to pay for: the answer is the shop's, and says that it was asked.
    let asked = edge.post("/api/payments").bearer(&token).json(&json!({}));
    let asked = asked.send().await;
    assert!(
        ["monolith", "payments"].contains(&served_by(&asked).as_str()),
        "{asked:?}"
    );
    edge.stop().await;
}

#[tokio::test]
async fn the_anonymous_limit_is_met_by_hand_and_says_how_long_to_wait() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let mut met = None;
    for _ in 0..40 {
        let answer = edge.get("/api/products/1").send().await;
        if answer.status != 200 {
            met = Some(answer);
            break;
        }
    }
    let met = met.unwrap();
    assert_eq!(met.status, 429, "{met:?}");
    assert_eq!(met.field("retry-after"), Some("1"));
    let token = shop.token(&edge, &["--user", "ann"]).await;
    assert_eq!(product(&edge, &token).await.status, 200);
    edge.stop().await;
}

#[tokio::test]
async fn a_service_that_fails_is_left_by_an_edit_while_the_monolith_goes_on() {
    let shop = Shop::start().await;
    let edge = shop.edge().start().await;
    let token = shop.token(&edge, &["--user", "ann"]).await;
    shop.stub("users").switch(json!({ "refuse": true })).await;
    let me = || edge.get("/api/users/me").bearer(&token).send();
    assert_eq!(me().await.problem(), "upstream_reset");
    edge.take_over(|text| text.replace("# force = \"legacy\"", "force = \"legacy\""))
        .await;
    let answer = me().await;
    assert_eq!(
        (answer.status, served_by(&answer).as_str()),
        (200, "monolith")
    );
    shop.stub("users").restore().await;
    edge.stop().await;
}

async fn product(edge: &Edge, token: &str) -> Answer {
    edge.get("/api/products/1").bearer(token).send().await
}

/// Which stub gave the answer.
fn served_by(answer: &Answer) -> String {
    answer.field("x-stub").unwrap_or_default().to_owned()
}
