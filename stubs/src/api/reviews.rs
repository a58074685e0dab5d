//! `/reviews` of a product, of several or by the caller, and their summaries.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::HeaderMap;
use serde_json::{Value, json};

use crate::answer::{Answer, ListQuery, bad, caller, ok};
use crate::data::{Data, Review};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/reviews", get(list))
        .route("/reviews/mine", get(mine))
        .route("/reviews/summary", get(summary))
}

async fn list(State(stub): State<Arc<Stub>>, query: ListQuery) -> Answer {
    let products = match (query.product, query.ids()?) {
        (Some(product), None) => vec![product],
        (None, Some(products)) => products,
        _ => return Err(bad("say of which products: product=7, or ids=1,2,3")),
    };
    let of = reviews(stub.store.data(), |review| {
        products.contains(&review.product)
    });
    query.page(of.into_iter())
}

async fn mine(State(stub): State<Arc<Stub>>, query: ListQuery, fields: HeaderMap) -> Answer {
    let user = caller(&fields)?;
    let own = reviews(stub.store.data(), |review| review.user == user);
    query.page(own.into_iter())
}

fn reviews(data: &Data, wanted: impl Fn(&Review) -> bool) -> Vec<&Review> {
    data.reviews
        .iter()
        .filter(|review| wanted(review))
        .collect()
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
    let of = reviews(data, |review| review.product == product);
    let count = of.len() as u64;
    let stars: u64 = of.iter().map(|review| review.stars).sum();
    let average = (stars * 100).checked_div(count);
    json!({ "product": product, "count": count, "average_hundredths": average })
}
