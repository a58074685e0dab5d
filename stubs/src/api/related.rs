//! `/related`: what goes with a product.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::json;

use crate::answer::{Answer, ListQuery, bad, not_found, ok};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new().route("/related", get(list))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let product = query
        .product
        .ok_or_else(|| bad("say of which product: product=7"))?;
    let related = stub.store.data().related_to(product);
    let related = related.ok_or_else(|| not_found("no product has this id"))?;
    ok(json!({ "product": product, "items": related }))
}
