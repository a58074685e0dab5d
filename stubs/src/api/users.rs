//! `/users`: oneself, and others by id.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use http::HeaderMap;

use crate::answer::{Answer, caller, id, not_found, ok};
use crate::stub::Stub;

/// Below whichever prefix it is mounted.
pub fn router() -> Router<Arc<Stub>> {
    Router::new()
        .route("/users/me", get(me))
        .route("/users/{id}", get(one))
}

async fn me(State(stub): State<Arc<Stub>>, fields: HeaderMap) -> Answer {
    let user = caller(&fields)?;
    ok(stub
        .store
        .data()
        .user(user)
        .ok_or_else(|| not_found("no user has this id"))?)
}

async fn one(State(stub): State<Arc<Stub>>, Path(user): Path<String>) -> Answer {
    let user = id(&user)?;
    ok(stub
        .store
        .data()
        .user(user)
        .ok_or_else(|| not_found("no user has this id"))?)
}
