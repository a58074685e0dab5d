//! What is in force, and the order to read the file again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use super::AdminState;
use crate::describe;
use crate::reload::{Cause, Outcome};

pub(super) async fn routes(State(state): State<Arc<AdminState>>) -> Json<Value> {
    let snapshot = state.shared.current.load();
    let standings = state.progress.standings();
    let rows = describe::rows_in_force(&snapshot.config, snapshot.order(), &standings);
    Json(json!({ "generation": snapshot.generation, "routes": rows }))
}

pub(super) async fn status(State(state): State<Arc<AdminState>>) -> Json<Value> {
    let snapshot = state.shared.current.load();
    let upstreams: Vec<Value> = snapshot
        .upstreams
        .values()
        .map(|upstream| {
            let members = upstream.fleet.members();
            let endpoints = members.iter().map(|member| {
                let at = &member.endpoint;
                json!({ "url": at.to_string(), "in_flight": at.in_flight() })
            });
            json!({ "name": upstream.name, "endpoints": endpoints.collect::<Vec<_>>() })
        })
        .collect();
    let issuers: Vec<Value> = snapshot
        .rings()
        .map(|ring| {
            let (keys, trouble) = ring.status();
            json!({ "name": ring.name, "keys": keys, "trouble": trouble })
        })
        .collect();
    Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "generation": snapshot.generation,
        "file": state.reloader.path(),
        "trouble": state.reloader.trouble(),
        "upstreams": upstreams,
        "issuers": issuers,
    }))
}

/// 200 with what changed, or 422 with what is wrong with the file.
pub(super) async fn reload(State(state): State<Arc<AdminState>>) -> Response {
    let reloader = Arc::clone(&state.reloader);
    match tokio::task::spawn_blocking(move || reloader.reload(Cause::Admin)).await {
        Ok(outcome @ Outcome::Refused { .. }) => {
            (StatusCode::UNPROCESSABLE_ENTITY, Json(outcome)).into_response()
        }
        Ok(outcome) => Json(outcome).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
