//! Calls that are made at the same time are one call, as far as their callers may share it.

use std::sync::Arc;
use std::time::Duration;

use composition::{Kept, Lost, Reason};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::advance;

use crate::script::{Reply, ms};
use crate::shop::{Answer, Keeping, Shop, inbound};

fn kept_by(kept: Kept) -> Shop {
    let shop = Shop::open(Keeping {
        order: Some(kept),
        customer: None,
    });
    let order = json!({"user": 7, "items": []});
    shop.script
        .says("order", Reply::json(&order).after(ms(100)));
    shop
}

/// All at once; the first client hangs up while it waits.
async fn crowd(shop: &Shop, count: usize, caller: impl Fn(usize) -> String) -> Vec<Answer> {
    let mut asking = JoinSet::new();
    let mut first = None;
    for number in 0..count {
        let inbound = inbound(&[("authorization", &caller(number))]);
        let view = Arc::clone(&shop.view);
        let handle = asking.spawn(async move { Answer::read(view.answer(inbound, 1).await).await });
        first.get_or_insert(handle);
    }
    tokio::time::sleep(ms(50)).await;
    first.unwrap().abort();
    let mut answers = Vec::new();
    while let Some(answer) = asking.join_next().await {
        answers.extend(answer.ok());
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn two_hundred_public_calls_are_one_though_the_first_client_hangs_up() {
    let shop = kept_by(Kept::by_all(Duration::ZERO));
    let answers = crowd(&shop, 200, |_| "Bearer same".into()).await;
    assert_eq!(answers.len(), 199);
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(shop.script.seen("order").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_public_is_shared_by_different_users_too() {
    let shop = kept_by(Kept::by_all(ms(1000)));
    let answers = crowd(&shop, 200, |number| format!("Bearer {number}")).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(shop.script.seen("order").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn two_users_make_two_calls_for_what_is_their_own() {
    let shop = kept_by(Kept::by_user(ms(1000)));
    let answers = crowd(&shop, 200, |number| format!("Bearer {}", number % 2)).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(shop.script.seen("order").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn errors_are_shared_but_a_refusal_is_its_callers_alone() {
    let shop = kept_by(Kept::by_all(ms(1000)));
    shop.script.says(
        "order",
        Reply::lost(Lost::new(Reason::Connect)).after(ms(100)),
    );
    let answers = crowd(&shop, 50, |number| format!("Bearer {number}")).await;
    assert!(answers.iter().all(|answer| answer.status == 502));
    assert_eq!(shop.script.seen("order").len(), 1);

    // Only the leader's token is bad.
    shop.script.answers("order", |seen| {
        if seen.fields["authorization"] == "Bearer 0" {
            Reply::text(401, "").after(ms(100))
        } else {
            Reply::json(&json!({"user": 7, "items": []}))
        }
    });
    let answers = crowd(&shop, 50, |number| format!("Bearer {number}")).await;
    assert!(
        answers.iter().all(|answer| answer.status == 200),
        "{answers:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn who_waits_leaves_at_their_own_deadline_and_the_call_goes_on() {
    let shop = kept_by(Kept::by_all(ms(1000)));
    let order = json!({"user": 7, "items": []});
    shop.script
        .says("order", Reply::json(&order).after(ms(300)));
    let hasty = [("x-request-deadline-ms", "120")];
    assert_eq!(shop.get(&hasty).await.json()["code"], "deadline_exceeded");
    advance(ms(201)).await;
    assert_eq!(shop.get(&hasty).await.status, 200, "the answer was kept");
    assert_eq!(shop.script.seen("order").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_shared() {
    let shop = kept_by(Kept::by_all(ms(1000)));
    let asked = std::sync::atomic::AtomicUsize::new(0);
    shop.script.answers("order", move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        assert!(!first, "on purpose");
        Reply::json(&json!({"user": 7, "items": []}))
    });
    assert_eq!(shop.get(&[]).await.status, 502);
    assert_eq!(shop.get(&[]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_copy_takes_no_call_and_says_its_age() {
    let shop = kept_by(Kept::by_user(ms(10_000)));
    shop.get(&[]).await;
    advance(ms(7_000)).await;
    let answer = shop.get(&[]).await;
    assert_eq!(
        answer.json()["_meta"]["parts"]["order"],
        json!({"status": "ok", "age": 7})
    );
    assert!(answer.field("etag").is_some());
    advance(ms(3_000)).await;
    shop.get(&[]).await;
    assert_eq!(shop.script.seen("order").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_copy_is_given_even_when_there_is_no_time_for_a_call() {
    let shop = Shop::open(Keeping {
        order: Some(Kept::by_user(ms(10_000))),
        customer: Some(Kept::by_user(ms(10_000))),
    });
    shop.get(&[]).await;
    let calls = shop.script.calls();
    let answer = shop.get(&[("x-request-deadline-ms", "1")]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["customer"]["name"], "Alice");
    assert_eq!(
        answer.field("x-degraded"),
        Some("products;reason=budget, reviews;reason=budget")
    );
    assert_eq!(shop.script.calls(), calls);
}

#[tokio::test(start_paused = true)]
async fn who_joins_a_call_that_is_about_to_be_given_up_has_time_of_their_own() {
    let shop = kept_by(Kept::by_all(ms(1000)));
    let order = json!({"user": 7, "items": []});
    let never = Reply::json(&order).after(ms(10_000));
    shop.script.says("order", never);
    let (view, first) = (Arc::clone(&shop.view), inbound(&[]));
    let mut asking = JoinSet::new();
    asking.spawn(async move { Answer::read(view.answer(first, 1).await).await });
    // The order gets 800 ms; 10 of them are left to the first.
    tokio::time::sleep(ms(790)).await;
    shop.script
        .says("order", Reply::json(&order).after(ms(100)));
    assert_eq!(shop.get(&[]).await.status, 200);
    assert_eq!(asking.join_all().await.remove(0).status, 504);
    assert_eq!(shop.script.seen("order").len(), 2);
}
