//! Scrolling through a list that changes meanwhile.

use std::collections::BTreeSet;

use fastrand::Rng;
use serde_json::json;

use crate::app::App;
use crate::catalog::{Catalog, product};

/// Between two products, and before and after all, there is room for others.
const STEP: u64 = 10;
const COUNT: u64 = 10_000;

fn shelf() -> impl Iterator<Item = u64> {
    (1..=COUNT).map(|nth| nth * STEP)
}

/// What happens between two pages: some come and some go, anywhere, at both ends, and where the reader is.
fn change(catalog: &Catalog, dice: &mut Rng, read_to: u64, gone: &mut BTreeSet<u64>) {
    let mut products = catalog.products();
    let last = COUNT * STEP;
    let mut come: Vec<u64> = (0..20).map(|_| dice.u64(1..last)).collect();
    come.push(dice.u64(1..STEP));
    come.push(last + dice.u64(1..1000));
    come.push(read_to + 1);
    for id in come {
        products.entry(id).or_insert_with(|| product(id));
    }
    let mut go: Vec<u64> = (0..20).map(|_| dice.u64(1..=COUNT) * STEP).collect();
    // The very product behind which the next page begins, the first and the last of all.
    if dice.bool() {
        go.push(read_to);
    }
    let ends = [products.keys().next(), products.keys().next_back()];
    go.extend(ends.into_iter().flatten().copied());
    for id in go {
        products.remove(&id);
        gone.insert(id);
    }
}

#[tokio::test]
async fn whoever_scrolls_sees_nothing_twice_and_everything_that_stayed() {
    for seed in [1, 7, 42] {
        let app = App::over(Catalog::with(shelf()), &[]);
        let mut dice = Rng::with_seed(seed);
        let mut gone = BTreeSet::new();
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let target = format!("/products?limit=100{cursor}");
            let answer = app.get(&target, &[]).await;
            assert_eq!(answer.status, 200, "seed {seed}: {answer:?}");
            let ids = answer.ids();
            assert!((1..=100).contains(&ids.len()), "seed {seed}: {}", ids.len());
            seen.extend(ids);
            let Some(next) = answer.next() else { break };
            cursor = format!("&cursor={next}");
            change(&app.catalog, &mut dice, *seen.last().unwrap(), &mut gone);
        }
        // In ascending order, so none stands there twice.
        assert!(seen.is_sorted_by(|one, other| one < other), "seed {seed}");
        let seen: BTreeSet<u64> = seen.into_iter().collect();
        let stayed = shelf().filter(|id| !gone.contains(id));
        let lost: Vec<u64> = stayed.filter(|id| !seen.contains(id)).collect();
        assert!(lost.is_empty(), "seed {seed}: {lost:?}");
        assert!(gone.len() > 1_000, "seed {seed}: {}", gone.len());
    }
}

#[tokio::test]
async fn a_page_gives_a_cursor_that_goes_on_behind_it() {
    let app = App::over(Catalog::with(1..=95), &[]);
    let page = app.get("/products?page=2&limit=30", &[]).await;
    assert_eq!(page.ids(), (31..=60).collect::<Vec<u64>>());
    let next = page.next().unwrap();
    // What comes before the cursor moves nothing behind it, unlike a page.
    app.catalog.products().remove(&1);
    let target = format!("/products?limit=30&cursor={next}");
    let third = app.get(&target, &[]).await;
    assert_eq!(third.ids(), (61..=90).collect::<Vec<u64>>());
    let target = format!("/products?limit=30&cursor={}", third.next().unwrap());
    let last = app.get(&target, &[]).await;
    assert_eq!(last.ids(), (91..=95).collect::<Vec<u64>>());
    assert_eq!(last.next(), None);
    for at_the_end in ["/products?page=4&limit=30", "/products?page=9&limit=30"] {
        assert_eq!(app.get(at_the_end, &[]).await.next(), None, "{at_the_end}");
    }
}

#[tokio::test]
async fn a_list_that_fits_has_no_cursor_and_an_empty_one_is_a_list() {
    let app = App::over(Catalog::with(1..=20), &[]);
    let answer = app.get("/products", &[]).await;
    assert_eq!((answer.ids().len(), answer.next()), (20, None));
    let app = App::over(Catalog::default(), &[]);
    for empty in ["/products", "/products?page=1"] {
        let answer = app.get(empty, &[]).await;
        assert_eq!((answer.status, answer.json()), (200, json!({"items": []})));
    }
}

#[tokio::test]
async fn cursors_hold_on_every_replica_with_the_secret() {
    let catalog = Catalog::with(1..=50);
    let one = App::over(catalog.clone(), &[]);
    let other = App::over(catalog, &[]);
    let next = one.get("/products", &[]).await.next().unwrap();
    let target = format!("/products?cursor={next}");
    assert_eq!(other.get(&target, &[]).await.ids()[0], 21);
}

#[tokio::test]
async fn only_the_fields_that_were_asked_for_are_sent_and_the_cursor_goes_along() {
    let app = App::over(Catalog::with(1..=30), &[]);
    let answer = app.get("/products?fields=price,id&limit=2", &[]).await;
    let body = answer.json();
    assert_eq!(
        body["items"],
        json!([{"id": 1, "price": 129_901}, {"id": 2, "price": 129_902}])
    );
    assert!(answer.next().is_some());
    let answer = app.get("/products/7?fields=name&meta=1", &[]).await;
    let members: Vec<String> = answer.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["name", "_meta"]);
    // What nobody sees is not asked for: the catalog alone is part of the answer.
    assert_eq!(answer.field("x-degraded"), None);
    let parts = answer.json()["_meta"]["parts"].clone();
    assert_eq!(parts, json!({"product": {"status": "ok"}}));
}

#[tokio::test]
async fn twenty_products_fit_into_12_000_bytes() {
    let ids = (0..20).map(|nth| 9_007_199_254_740_993 + nth);
    let app = App::over(Catalog::with(ids), &[]);
    for target in ["/products", "/products?thumb=640&meta=1"] {
        let answer = app.get(target, &[]).await;
        assert_eq!(answer.ids().len(), 20);
        assert_eq!(answer.ids()[0], 9_007_199_254_740_993);
        let bytes = answer.body.len();
        assert!(bytes <= 12_000, "{target}: {bytes}");
        let first = answer.json()["items"][0].clone();
        let thumbnail = first["thumbnail"].as_str().unwrap();
        assert!(thumbnail.contains("front"), "only the first: {thumbnail}");
        assert!(first.get("description").is_none(), "{first}");
    }
}
