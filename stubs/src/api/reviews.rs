//! `/reviews` of a product or of several, and their summaries.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde_json::{Value, json};

use crate::answer::{Answer, ListQuery, bad, ok};
use crate::data::{Data, Review};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/reviews", get(list))
        .route("/reviews/summary", get(summary))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let products = match (query.product, query.ids()?) {
        (Some(product), None) => vec![product],
        (None, Some(products)) => products,
        _ => return Err(bad("say of which products: product=7, or ids=1,2,3")),
    };
    let of: Vec<&Review> = stub
        .store
        .data()
        .reviews
        .iter()
        .filter(|review| products.contains(&review.product))
        .collect();
    query.page(of.into_iter())
}

async fn summary(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let data = stub.store.data();
    let known = query
        .needed_ids()?
        .into_iter()
        .filter(|id| data.product(*id).is_some());
    let items: Vec<Value> = known.map(|id| summarised(data, id)).collect();
    ok(json!({ "items": items }))
}

/// The average in hundredths of a star, so that it is a whole number.
fn summarised(data: &Data, product: u64) -> Value {
    let stars: Vec<u64> = data
        .reviews
        .iter()
        .filter(|review| review.product == product)
        .map(|review| review.stars)
        .collect();
    let count = stars.len() as u64;
    let average = (stars.iter().sum::<u64>() * 100).checked_div(count);
    json!({ "product": product, "count": count, "average_hundredths": average })
}
