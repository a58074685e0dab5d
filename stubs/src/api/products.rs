//! `/products`: lists by page, by ids or by what follows an id, and one.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use serde_json::json;

use crate::answer::{Answer, ListQuery, id, not_found, ok};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/products", get(list))
        .route("/products/{id}", get(one))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let data = stub.store.data();
    if let Some(after) = query.after {
        return query.following(after, data.products.iter(), |product| product.id);
    }
    match query.ids()? {
        None => query.page(data.products.iter()),
        Some(ids) => {
            let items: Vec<_> = ids.into_iter().filter_map(|id| data.product(id)).collect();
            ok(json!({ "items": items }))
        }
    }
}

async fn one(State(stub): State<Arc<Stub>>, Path(product): Path<String>) -> Answer {
    let product = id(&product)?;
    ok(stub
        .store
        .data()
        .product(product)
        .ok_or_else(|| not_found("no product has this id"))?)
}
