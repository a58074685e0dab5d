//! Whether the process lives, and whether it wants traffic.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use serde_json::{Value, json};

use super::AdminState;

pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// 200 while requests are taken; `details` says what is not as it should be all the same.
pub(super) async fn ready(State(state): State<Arc<AdminState>>) -> (StatusCode, Json<Value>) {
    let draining = state.draining.load(Ordering::SeqCst);
    let status = if draining {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    let snapshot = state.shared.current.load();
    let mut details = Vec::new();
    if draining {
        details.push("draining: the process is about to end".to_owned());
    }
    if let Some(trouble) = state.reloader.trouble() {
        details.push(format!(
            "the file was refused, generation {} stays in force: {trouble}",
            snapshot.generation
        ));
    }
    if let Some(trouble) = state.progress.trouble() {
        details.push(format!("state is not kept: {trouble}"));
    }
    if let Some(away) = state.progress.company().and_then(|company| company.away) {
        details.push(format!(
            "nothing is shared with other gateways, rollouts hold: {away}"
        ));
    }
    let standings = state.progress.standings();
    for (route, standing) in &standings.routes {
        if let Some(waits) = &standing.waits {
            details.push(format!("route {route}: {waits}"));
        }
    }
    for (upstream, endpoints) in &snapshot.endpoints {
        if let Some(trouble) = endpoints.discovery.trouble() {
            details.push(format!("upstream {upstream}: {trouble}"));
        }
    }
    for ring in snapshot.rings() {
        if let (keys, Some(trouble)) = ring.status() {
            details.push(format!(
                "issuer {}: {keys} keys at hand, fetching failed: {trouble}",
                ring.name
            ));
        }
    }
    (
        status,
        Json(json!({ "ready": !draining, "generation": snapshot.generation, "details": details })),
    )
}
