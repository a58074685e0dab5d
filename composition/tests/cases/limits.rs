//! What is bounded: calls at once, and how that is said.

use futures::future::join_all;
use serde_json::json;
use tokio::time::advance;

use crate::script::{Reply, ms};
use crate::shop::{Answer, Keeping, Shop};

/// As many as a backend of the shop may have at once, and as many of them as optional parts may have.
const PERMITS: usize = 64;
const OPTIONAL: usize = 51;

/// A shop of which one backend takes so long.
fn slow(backend: &'static str, after: u64) -> Shop {
    let shop = Shop::open(Keeping::default());
    let order = Reply::json(&json!({"user": 7, "items": [1]}));
    shop.script.says(backend, order.after(ms(after)));
    shop
}

async fn ask(shop: &Shop, times: usize) -> Vec<Answer> {
    join_all((0..times).map(|_| shop.get(&[]))).await
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_hangs_holds_up_its_own_part_and_leaves_room_for_required_ones() {
    let shop = slow("reviews", 60_000);
    let answers = ask(&shop, 60).await;
    let with = |degraded: &str| {
        let answers = answers.iter();
        answers
            .filter(|answer| answer.status == 200 && answer.field("x-degraded") == Some(degraded))
            .count()
    };
    assert_eq!(with("reviews;reason=timeout"), OPTIONAL);
    assert_eq!(with("reviews;reason=bulkhead_full"), 60 - OPTIONAL);
    assert_eq!(shop.script.seen("reviews").len(), OPTIONAL);
    assert_eq!(shop.script.seen("order").len(), 60);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_for_a_required_part_is_told_to_come_back() {
    let shop = slow("order", 60);
    let answers = ask(&shop, PERMITS + 6).await;
    let refused: Vec<&Answer> = answers
        .iter()
        .filter(|answer| answer.status != 200)
        .collect();
    assert_eq!(refused.len(), 6);
    for answer in refused {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.json()["code"], "backend_busy");
        assert_eq!(answer.field("retry-after"), Some("1"));
    }
    let after = ask(&shop, PERMITS).await;
    assert!(after.iter().all(|answer| answer.status == 200));
}

#[tokio::test(start_paused = true)]
async fn the_places_of_clients_that_hang_up_are_free_at_once() {
    let shop = slow("order", 500);
    for _ in 0..3 {
        tokio::select! {
            _ = ask(&shop, PERMITS) => panic!("too early"),
            () = tokio::time::sleep(ms(100)) => {}
        }
    }
    advance(ms(1)).await;
    assert_eq!(shop.script.seen("order").len(), 3 * PERMITS);
    let after = ask(&shop, PERMITS).await;
    assert!(after.iter().all(|answer| answer.status == 200));
}
