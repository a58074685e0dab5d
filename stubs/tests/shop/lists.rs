//! Lists: by page, by ids, by what follows an id, and the caller's own.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{Shop, ask, get};

#[tokio::test]
async fn lists_have_pages_and_ids_keep_their_order() {
    let shop = Shop::open();
    let (_, page) = get(&shop.monolith, "/api/products?page=2&limit=5").await;
    assert_eq!(
        (&page["total"], &page["items"][0]["id"]),
        (&json!(240), &json!(6))
    );
    let (_, chosen) = get(&shop.monolith, "/api/products?ids=9,3,9999,1").await;
    let ids: Vec<u64> = chosen["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["id"].as_u64().unwrap())
        .collect();
    assert_eq!(ids, [9, 3, 1]);
    assert_eq!(
        get(&shop.monolith, "/api/products?ids=").await.1["items"],
        json!([])
    );
    for wrong in ["?page=0", "?limit=101", "?ids=1,x", "?page=x"] {
        assert_eq!(
            get(&shop.monolith, &format!("/api/products{wrong}"))
                .await
                .0,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_list_read_on_from_the_last_id_has_everything_once() {
    let shop = Shop::open();
    let (mut next, mut ids) = (json!(0), Vec::new());
    while let Some(after) = next.as_u64() {
        let path = format!("/api/products?after={after}&limit=100");
        let (_, part) = get(&shop.monolith, &path).await;
        assert_eq!(part["limit"], 100);
        ids.extend(part["items"].as_array().unwrap().iter().map(id));
        next = part["next"].clone();
    }
    assert!(ids.into_iter().eq(1..=240));
    let (_, part) = get(&shop.monolith, "/api/products?after=238&limit=1").await;
    assert_eq!((id(&part["items"][0]), &part["next"]), (239, &json!(239)));
    // A list that ends with the last product has nothing after it, full or not.
    for after in [239, 240, 9_999] {
        let path = format!("/api/products?after={after}&limit=1");
        let (status, part) = get(&shop.monolith, &path).await;
        assert_eq!((status, &part["next"]), (StatusCode::OK, &Value::Null));
    }
}

#[tokio::test]
async fn what_follows_an_id_is_neither_a_page_nor_a_choice() {
    let shop = Shop::open();
    for wrong in ["page=1", "ids=1", "limit=0", "limit=101", "after=x"] {
        let path = format!("/api/products?after=1&{wrong}");
        let (status, _) = get(&shop.monolith, &path).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn what_goes_with_several_products_comes_as_it_is_shown() {
    let shop = Shop::open();
    let (_, alone) = get(&shop.monolith, "/api/related?product=9").await;
    let (_, several) = get(&shop.monolith, "/api/related?ids=9,9999,3").await;
    let items = several["items"].as_array().unwrap();
    let products: Vec<&Value> = items.iter().map(|item| &item["product"]).collect();
    assert_eq!(products, [9, 3]);
    let related = items[0]["related"].as_array().unwrap();
    let ids: Vec<&Value> = related.iter().map(|tile| &tile["id"]).collect();
    assert_eq!(json!(ids), alone["items"]);
    let path = format!("/api/products/{}", ids[0]);
    let (_, mut product) = get(&shop.monolith, &path).await;
    product["images"] = json!([product["images"][0]]);
    for member in ["description", "category"] {
        product.as_object_mut().unwrap().remove(member);
    }
    assert_eq!(related[0], product);
    for wrong in ["", "?product=1&ids=1"] {
        let (status, _) = get(&shop.monolith, &format!("/api/related{wrong}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn ones_own_reviews_are_ones_own_and_nobodys_are_401() {
    let shop = Shop::open();
    let path = "/api/reviews/mine?page=2&limit=5";
    let (_, whole) = get(&shop.monolith, "/api/reviews/mine?limit=100").await;
    let (_, page) = get(&shop.monolith, path).await;
    let own = whole["items"].as_array().unwrap();
    assert!(own.iter().all(|review| review["user"] == own[0]["user"]));
    assert_eq!(page["items"], json!(own[5..10]));
    assert_eq!(page["total"], own.len());
    let nobody = ask(&shop.monolith, Method::GET, path, None, Value::Null).await;
    assert_eq!(nobody.0, StatusCode::UNAUTHORIZED);
}

fn id(item: &Value) -> u64 {
    item["id"].as_u64().unwrap()
}
