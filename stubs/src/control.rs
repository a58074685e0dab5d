//! `/__stub`: the switches, and what was received. Never delayed and never failed on purpose.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use chassis::problem::Problem;
use http::header::VIA;
use serde_json::{Value, json};

use crate::answer::{bad, not_found};
use crate::stub::Stub;
use crate::switches::{Change, Settings};

/// The longest body of a change: `raw` may hold more than anybody should read.
const LONGEST: usize = 16 * 1024 * 1024;

/// The control paths of one stub.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/__stub", get(show).put(change).delete(reset))
        .route("/__stub/seen", get(seen).delete(forget))
        .layer(from_fn(not_through_a_gateway))
        .layer(DefaultBodyLimit::max(LONGEST))
}

/// A catch-all route leads here too; what a stub was sent is nothing for whoever is outside.
async fn not_through_a_gateway(request: Request, next: Next) -> Result<Response, Problem> {
    if request.headers().contains_key(VIA) {
        return Err(not_found(
            "the switches are not to be had through a gateway",
        ));
    }
    Ok(next.run(request).await)
}

async fn show(State(stub): State<Arc<Stub>>) -> Json<Settings> {
    Json(stub.switches.now())
}

async fn change(State(stub): State<Arc<Stub>>, body: Bytes) -> Result<Json<Settings>, Problem> {
    let change: Change = serde_json::from_slice(&body).map_err(|error| bad(&error.to_string()))?;
    stub.switches
        .change(change)
        .map(Json)
        .map_err(|error| bad(&error.to_string()))
}

async fn reset(State(stub): State<Arc<Stub>>) -> Json<Settings> {
    stub.switches.reset();
    Json(stub.switches.now())
}

async fn seen(State(stub): State<Arc<Stub>>) -> Json<Value> {
    let (total, requests) = stub.seen.all();
    Json(json!({ "total": total, "requests": requests }))
}

async fn forget(State(stub): State<Arc<Stub>>) -> Json<Value> {
    stub.seen.clear();
    seen(State(stub)).await
}
