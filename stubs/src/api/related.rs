//! `/related`: what goes with a product, as ids, or with several, as it is shown beside them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::answer::{Answer, ListQuery, bad, not_found, ok};
use crate::data::{Data, Product};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new().route("/related", get(list))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let data = stub.store.data();
    match (query.product, query.ids()?) {
        (Some(product), None) => {
            let related = data.related_to(product);
            let related = related.ok_or_else(|| not_found("no product has this id"))?;
            ok(json!({ "product": product, "items": related }))
        }
        (None, Some(products)) => {
            let known = products.into_iter();
            let items: Vec<Value> = known.filter_map(|id| shown(data, id)).collect();
            ok(json!({ "items": items }))
        }
        _ => Err(bad("say of which products: product=7, or ids=1,2,3")),
    }
}

/// What stands beside a product, with what a tile shows.
fn shown(data: &Data, product: u64) -> Option<Value> {
    let related = data.related_to(product)?.iter();
    let tiles: Vec<Value> = related
        .filter_map(|id| data.product(*id))
        .map(tile)
        .collect();
    Some(json!({ "product": product, "related": tiles }))
}

fn tile(product: &Product) -> Value {
    let first = product.images.get(..1).unwrap_or_default();
    json!({
        "id": product.id,
        "name": product.name,
        "price": product.price,
        "currency": product.currency,
        "images": first,
    })
}
