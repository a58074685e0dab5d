//! What operators and app developers ask a BFF: health, metrics, its description.
//!
//! Health and metrics are not to be had through a gateway: what came through one says so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use chassis::problem::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, VIA};
use http::{HeaderValue, StatusCode};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use crate::figures::Figures;
use crate::metrics::Stats;
use crate::problems::problem;

/// What is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) stats: Stats,
    pub(crate) figures: Figures,
    pub(crate) document: Bytes,
    pub(crate) draining: Arc<AtomicBool>,
}

/// The paths that are no screens.
#[derive(Debug)]
pub(crate) struct Operations {
    document: Bytes,
    draining: Arc<AtomicBool>,
    registry: Arc<Registry>,
}

impl Operations {
    pub(crate) fn new(shown: Shown) -> Self {
        let mut registry = Registry::with_prefix("banyan");
        shown.stats.register(&mut registry);
        registry.register_collector(Box::new(shown.figures));
        Self {
            document: shown.document,
            draining: shown.draining,
            registry: Arc::new(registry),
        }
    }

    /// `/openapi.json`
    pub(crate) fn document<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let document = self.document.clone();
        let answer = || async move {
            let fields = [
                (CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            ];
            (fields, document)
        };
        Router::new().route("/openapi.json", get(answer))
    }

    /// `/livez`, `/readyz`, `/metrics`
    pub(crate) fn router(&self) -> Router {
        Router::new()
            .route("/livez", get(|| async { "ok\n" }))
            .route("/readyz", get(ready).with_state(Arc::clone(&self.draining)))
            .route(
                "/metrics",
                get(metrics).with_state(Arc::clone(&self.registry)),
            )
            .layer(from_fn(not_through_a_gateway))
    }
}

/// Another BFF, or a stranger, has no business here.
async fn not_through_a_gateway(request: Request, next: Next) -> Response {
    let fields = request.headers();
    let forwarded = [VIA.as_str(), FORWARDED.as_str(), "x-forwarded-for"];
    if forwarded.iter().any(|name| fields.contains_key(*name)) {
        return not_found().into_response();
    }
    next.run(request).await
}

/// A backend that is down is no reason to take this process away: its screens say what is missing.
async fn ready(State(draining): State<Arc<AtomicBool>>) -> (StatusCode, Json<Value>) {
    let draining = draining.load(Ordering::SeqCst);
    let (status, details) = if draining {
        let detail = "draining: the process is about to end";
        (StatusCode::SERVICE_UNAVAILABLE, vec![detail])
    } else {
        (StatusCode::OK, Vec::new())
    };
    (
        status,
        Json(json!({ "ready": !draining, "details": details })),
    )
}

async fn metrics(State(registry): State<Arc<Registry>>) -> Response {
    chassis::telemetry::metrics::answer(&registry)
}

/// 404.
pub(crate) fn not_found() -> Problem {
    problem("not_found").detail("no screen has this address; /openapi.json lists them")
}

/// 405.
pub(crate) fn wrong_method() -> Problem {
    problem("method_not_allowed").detail("screens are asked for with GET")
}
