//! `/__stub`: the switches, and what was received. Never delayed and never failed on purpose.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use chassis::problem::Problem;
use serde_json::{Value, json};

use crate::answer::bad;
use crate::stub::Stub;
use crate::switches::{Change, Settings};

/// The control paths of one stub.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/__stub", get(show).put(change).delete(reset))
        .route("/__stub/seen", get(seen).delete(forget))
}

async fn show(State(stub): State<Arc<Stub>>) -> Json<Settings> {
    Json(stub.switches.now())
}

async fn change(State(stub): State<Arc<Stub>>, body: Bytes) -> Result<Json<Settings>, Problem> {
    let change: Change = serde_json::from_slice(&body).map_err(|error| bad(&error.to_string()))?;
    stub.switches
        .change(change)
        .map(Json)
        .map_err(|rate| bad(&format!("error_rate: {} is not from 0 to 1", rate.0)))
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
