//! What stands in for what is lost, in parts and as a whole.

use composition::{Kept, Lost, Reason};
use serde_json::{Value, json};
use tokio::time::advance;

use crate::script::{Reply, ms};
use crate::shop::{Keeping, Shop, products};

#[tokio::test(start_paused = true)]
async fn many_ids_go_out_once_each_in_chunks_and_come_back_in_order() {
    let shop = Shop::open(Keeping::default());
    // 140 ids, of which 20 stand there twice; number 13 is unknown.
    let ids: Vec<u64> = (1..=120).chain(1..=20).collect();
    let order = json!({"user": 7, "items": ids});
    shop.script.says("order", Reply::json(&order));
    let answer = shop.get(&[]).await;
    let lengths: Vec<usize> = shop
        .script
        .seen("products")
        .iter()
        .map(|seen| seen.target.split(',').count())
        .collect();
    assert_eq!(lengths, [100, 20]);
    let named = |id: &u64| (*id != 13).then(|| format!("p{id}"));
    let expected: Vec<Option<String>> = ids.iter().map(named).collect();
    assert_eq!(answer.json()["items"], json!(expected));
    assert_eq!(answer.field("x-degraded"), None);
}

#[tokio::test(start_paused = true)]
async fn a_failed_chunk_loses_only_its_ids() {
    let shop = Shop::open(Keeping::default());
    let ids: Vec<u64> = (100..=239).collect();
    let order = json!({"user": 7, "items": ids});
    shop.script.says("order", Reply::json(&order));
    shop.script.answers("products", |seen| {
        if seen.target.contains("ids=100,") {
            Reply::json(&products(&seen.target))
        } else {
            Reply::text(500, "")
        }
    });
    let answer = shop.get(&[]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("x-degraded"), Some("products;got=100;of=140"));
    let body = answer.json();
    assert_eq!(body["items"][99], "p199");
    assert_eq!(body["items"][100], Value::Null);
    assert_eq!(body["_meta"]["parts"]["products"]["reason"], "5xx");
}

#[tokio::test(start_paused = true)]
async fn an_order_without_items_asks_for_no_product() {
    let shop = Shop::open(Keeping::default());
    shop.script
        .says("order", Reply::json(&json!({"user": 7, "items": []})));
    let answer = shop.get(&[]).await;
    assert_eq!(answer.json()["items"], json!([]));
    assert_eq!(answer.field("x-degraded"), None);
    assert_eq!(shop.script.seen("products").len(), 0);
}

const CUSTOMER_KEPT: Keeping = Keeping {
    order: None,
    customer: Some(Kept::by_user(ms(10_000)).stale_if_error(ms(60_000))),
};

#[tokio::test(start_paused = true)]
async fn an_older_copy_is_served_when_its_backend_fails_and_says_how_old_it_is() {
    let shop = Shop::open(CUSTOMER_KEPT);
    assert_eq!(shop.get(&[]).await.field("x-degraded"), None);
    advance(ms(42_000)).await;
    shop.script.says("customer", Reply::text(500, ""));
    let answer = shop.get(&[]).await;
    assert_eq!(answer.field("x-degraded"), Some("customer;stale=42"));
    assert_eq!(answer.json()["customer"]["name"], "Alice");
    assert_eq!(
        answer.json()["_meta"]["parts"]["customer"],
        json!({"status": "stale", "reason": "5xx", "age": 42})
    );
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    // Some time it is too old even for that.
    advance(ms(28_001)).await;
    let answer = shop.get(&[]).await;
    assert_eq!(answer.field("x-degraded"), Some("customer;reason=5xx"));
}

#[tokio::test(start_paused = true)]
async fn what_a_backend_says_of_a_thing_is_never_masked_by_an_older_copy_and_purges_it() {
    for status in [401, 403, 404, 410] {
        let shop = Shop::open(CUSTOMER_KEPT);
        shop.get(&[]).await;
        advance(ms(20_000)).await;
        shop.script.says("customer", Reply::text(status, ""));
        let answer = shop.get(&[]).await;
        assert_eq!(
            answer.field("x-degraded"),
            Some("customer;reason=4xx"),
            "{status}"
        );
        shop.script.says("customer", Reply::text(500, ""));
        let answer = shop.get(&[]).await;
        assert_eq!(
            answer.field("x-degraded"),
            Some("customer;reason=5xx"),
            "{status}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_root_that_does_not_exist_is_404_even_with_an_older_copy_at_hand() {
    let shop = Shop::open(Keeping {
        order: Some(Kept::by_user(ms(1_000)).stale_if_error(ms(600_000))),
        customer: None,
    });
    assert_eq!(shop.get(&[]).await.status, 200);
    advance(ms(5_000)).await;
    shop.script.says("order", Reply::text(404, ""));
    assert_eq!(shop.get(&[]).await.json()["code"], "not_found");
    shop.script
        .says("order", Reply::lost(Lost::new(Reason::Connect)));
    assert_eq!(shop.get(&[]).await.status, 502, "the copy was purged");
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_refusal_comes_back_as_it_is() {
    let shop = Shop::open(Keeping::default());
    let refused = Reply::text(401, "stack trace").field(
        http::header::WWW_AUTHENTICATE,
        http::HeaderValue::from_static("Bearer error=\"invalid_token\""),
    );
    shop.script.says("order", refused);
    let answer = shop.get(&[]).await;
    assert_eq!(answer.status, 401);
    assert_eq!(
        answer.field("www-authenticate"),
        Some("Bearer error=\"invalid_token\"")
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains("stack"));
}

#[tokio::test(start_paused = true)]
async fn the_same_complete_answer_is_not_sent_twice() {
    let shop = Shop::open(Keeping::default());
    let first = shop.get(&[]).await;
    let tag = first.field("etag").unwrap();
    assert!(tag.starts_with('"'), "{tag}");
    for held in [tag, &format!("W/{tag}"), &format!("\"x\", {tag}"), "*"] {
        let again = shop.get(&[("if-none-match", held)]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{held}");
        assert_eq!(again.field("etag"), Some(tag));
    }
    shop.script
        .says("customer", Reply::json(&json!({"name": "Bob"})));
    let changed = shop.get(&[("if-none-match", tag)]).await;
    assert_eq!(changed.status, 200);
    shop.script.says("customer", Reply::text(500, ""));
    let degraded = shop.get(&[("if-none-match", "*")]).await;
    assert_eq!(
        degraded.status, 200,
        "an incomplete answer is nobody's copy"
    );
}

#[tokio::test(start_paused = true)]
async fn numbers_come_out_as_they_came_in() {
    let shop = Shop::open(Keeping::default());
    let text = r#"{"a":9007199254740993,"b":18446744073709551617,"c":12.10,"d":1E400}"#;
    shop.script.says("customer", Reply::text(200, text));
    let answer = shop.get(&[]).await;
    let body = String::from_utf8(answer.body).unwrap();
    assert!(body.contains(&format!("\"customer\":{text}")), "{body}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_does_not_take_the_calls_is_no_404_of_the_client_and_purges_nothing() {
    let shop = Shop::open(Keeping {
        order: Some(Kept::by_user(ms(1_000)).stale_if_error(ms(600_000))),
        customer: None,
    });
    let refused = || {
        Reply::text(404, "").field(
            chassis::handover::REJECTED,
            http::HeaderValue::from_static("route_not_found"),
        )
    };
    shop.script.says("order", refused());
    let answer = shop.get(&[]).await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (502, json!("backend_failed"))
    );
    shop.script
        .says("order", Reply::json(&json!({"user": 7, "items": []})));
    assert_eq!(shop.get(&[]).await.status, 200);
    advance(ms(5_000)).await;
    shop.script.says("order", refused());
    assert_eq!(
        shop.get(&[]).await.field("x-degraded"),
        Some("order;stale=5")
    );
}
