//! `/stock` of several products.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::answer::{Answer, ListQuery, ok};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new().route("/stock", get(list))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let data = stub.store.data();
    let known = query
        .needed_ids()?
        .into_iter()
        .filter_map(|id| Some((id, data.in_stock(id)?)));
    let items: Vec<Value> = known
        .map(|(product, pieces)| json!({ "product": product, "available": pieces }))
        .collect();
    ok(json!({ "items": items }))
}
