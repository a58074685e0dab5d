//! When parts begin, how long a screen takes, and what of the time is told to backends.

use composition::{Call, Declared, Plan, PlanError, Raw, Slot};
use serde_json::json;
use tokio::time::Instant;

use crate::script::{Reply, Script, ms};
use crate::shop::{Keeping, Shop, products};

/// A shop of which each backend takes its time.
fn slow(order: u64, customer: u64, product: u64, reviews: u64) -> Shop {
    let shop = Shop::open(Keeping::default());
    let said = |script: &Script, name, value, after| {
        script.says(name, Reply::json(&value).after(ms(after)));
    };
    let items = json!({"user": 7, "items": [1, 2]});
    said(&shop.script, "order", items, order);
    said(&shop.script, "customer", json!({"name": "Alice"}), customer);
    said(&shop.script, "reviews", json!({"items": []}), reviews);
    shop.script.answers("products", move |seen| {
        Reply::json(&products(&seen.target)).after(ms(product))
    });
    shop
}

#[tokio::test(start_paused = true)]
async fn wall_time_is_the_longest_path_and_a_slow_optional_part_is_left_behind() {
    let shop = slow(100, 80, 60, 500);
    let began = Instant::now();
    let answer = shop.get(&[]).await;
    let took = began.elapsed();
    assert!((ms(165)..=ms(195)).contains(&took), "{took:?}");
    assert_eq!(shop.script.seen("reviews")[0].at, ms(0));
    for part in ["customer", "products"] {
        let at = shop.script.seen(part)[0].at;
        assert!((ms(100)..ms(102)).contains(&at), "{part}: {at:?}");
    }
    assert_eq!(answer.status, 200);
    assert_eq!(answer.field("x-degraded"), Some("reviews;reason=timeout"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert_eq!(answer.field("etag"), None);
    let body = answer.json();
    assert_eq!(body["reviews"], json!(null));
    assert_eq!(body["customer"]["name"], "Alice");
    assert_eq!(
        body["_meta"],
        json!({"complete": false, "parts": {
            "order": {"status": "ok"}, "customer": {"status": "ok"}, "products": {"status": "ok"},
            "reviews": {"status": "omitted", "reason": "timeout"},
        }})
    );
    let timing = answer.field("server-timing").unwrap();
    assert_eq!(timing.split(", ").count(), 4, "{timing}");
    assert!(timing.contains("order;dur=10"), "{timing}");
}

#[tokio::test(start_paused = true)]
async fn a_lost_root_ends_everything_at_once_and_nothing_that_waits_for_it_is_asked() {
    let shop = slow(10_000, 1, 1, 1);
    let began = Instant::now();
    let answer = shop.get(&[]).await;
    assert_eq!(answer.status, 504, "{answer:?}");
    assert_eq!(answer.json()["code"], "backend_timeout");
    assert_eq!(answer.json()["part"], "order");
    let took = began.elapsed();
    assert!((ms(800)..ms(805)).contains(&took), "{took:?}");
    for part in ["customer", "products"] {
        assert_eq!(shop.script.seen(part).len(), 0, "{part}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_required_part_does_not_wait_for_the_optional_ones() {
    let shop = slow(50, 1, 1, 140);
    shop.script
        .says("order", Reply::text(500, "boom").after(ms(50)));
    let began = Instant::now();
    let answer = shop.get(&[]).await;
    assert_eq!((answer.status, began.elapsed() < ms(53)), (502, true));
    assert!(!String::from_utf8_lossy(&answer.body).contains("boom"));
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_less_the_reserve_goes_out_with_each_call() {
    let shop = slow(30, 1, 1, 1);
    let answer = shop.get(&[("x-request-deadline-ms", "120")]).await;
    assert_eq!(answer.status, 200);
    let told = |part| -> u64 {
        let fields = &shop.script.seen(part)[0].fields;
        fields["x-request-deadline-ms"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    assert!((95..=100).contains(&told("order")), "{}", told("order"));
    assert!(
        (60..=70).contains(&told("customer")),
        "{}",
        told("customer")
    );
}

#[tokio::test(start_paused = true)]
async fn too_little_time_is_said_to_be_the_callers() {
    let shop = slow(200, 1, 1, 1);
    let answer = shop.get(&[("x-request-deadline-ms", "120")]).await;
    assert_eq!(
        (answer.status, answer.json()["code"].clone()),
        (504, json!("deadline_exceeded"))
    );
    for hopeless in ["0", "3", "24"] {
        let shop = slow(1, 1, 1, 1);
        let answer = shop.get(&[("x-request-deadline-ms", hopeless)]).await;
        assert_eq!(answer.json()["reason"], "budget", "{hopeless}");
        assert_eq!(shop.script.calls(), 0, "{hopeless}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_optional_part_is_skipped_when_too_little_is_left_to_begin() {
    // 160 - 24 in reserve = 136 for the parts; the order takes all but 3 of it.
    let shop = slow(133, 1, 1, 1);
    let answer = shop.get(&[("x-request-deadline-ms", "160")]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.field("x-degraded"),
        Some("customer;reason=budget, products;reason=budget")
    );
    assert_eq!(
        answer.json()["_meta"]["parts"]["customer"],
        json!({"status": "skipped", "reason": "budget"})
    );
    assert_eq!(shop.script.seen("customer").len(), 0);
}

#[test]
fn what_is_wrong_with_a_plan_is_said_when_it_is_built() {
    const A: Slot<Raw> = Slot::named("a");
    const B: Slot<Raw> = Slot::named("b");
    const C: Slot<Raw> = Slot::named("c");
    const OTHER_A: Slot<u64> = Slot::named("a");
    let backend = composition::Backend::new("x", "x", 80, "", 1).unwrap();
    let ask = move || {
        let backend = std::sync::Arc::clone(&backend);
        move || Call::get(&backend, "")
    };
    let plan = |parts| Plan::<()>::new("page", ms(1), parts).unwrap_err();
    let [one, two, three] = [ask(), ask(), ask()];
    assert_eq!(
        plan(vec![
            Declared::new(A).after(C).call(move |_, _| one()),
            Declared::new(B).after(A).call(move |_, _| two()),
            Declared::new(C).after((A, B)).call(move |_, _| three()),
        ]),
        PlanError::Cycle {
            screen: "page",
            parts: vec!["a", "b", "c"]
        }
    );
    let [one, two] = [ask(), ask()];
    let twice = plan(vec![
        Declared::new(A).call(move |_, ()| one()),
        Declared::new(A).call(move |_, ()| two()),
    ]);
    assert_eq!(twice.to_string(), "screen page: there are two parts a");
    let one = ask();
    let unknown = plan(vec![Declared::new(A).after(B).call(move |_, _| one())]);
    assert!(matches!(unknown, PlanError::Unknown { input: "b", .. }));
    let [one, two] = [ask(), ask()];
    let other = plan(vec![
        Declared::new(A).call(move |_, ()| one()),
        Declared::new(B).after(OTHER_A).call(move |_, _| two()),
    ]);
    assert!(matches!(other, PlanError::OtherType { input: "a", .. }));
}
