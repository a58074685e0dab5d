//! What operators and app developers ask a BFF: health, metrics, its description.
//!
//! Health and metrics are not to be had through a gateway: what came through one says so.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use chassis::problem::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, FORWARDED, VIA};
use http::{HeaderValue, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::metrics::Stats;
use crate::problems::problem;

/// What is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) stats: Stats,
    pub(crate) backends: Vec<Arc<Backend>>,
    pub(crate) document: Bytes,
    pub(crate) draining: Arc<AtomicBool>,
    pub(crate) lines_dropped: Arc<AtomicU64>,
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
        let (document, draining) = (shown.document.clone(), Arc::clone(&shown.draining));
        registry.register_collector(Box::new(Elsewhere(shown)));
        Self {
            document,
            draining,
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

/// Figures that live with what they are about.
struct Elsewhere(Shown);

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").finish_non_exhaustive()
    }
}

impl Collector for Elsewhere {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut family = encoder.encode_descriptor(
            "bff_calls_under_way",
            "Calls that a backend has at present",
            None,
            MetricType::Gauge,
        )?;
        for backend in &self.0.backends {
            let held = i64::from(backend.under_way());
            family
                .encode_family(&[("backend", backend.name)])?
                .encode_gauge(&held)?;
        }
        let mut family = encoder.encode_descriptor(
            "bff_calls",
            "Calls to backends",
            None,
            MetricType::Counter,
        )?;
        for backend in &self.0.backends {
            family
                .encode_family(&[("backend", backend.name)])?
                .encode_counter::<NoLabelSet, _, u64>(&backend.calls.get(), None)?;
        }
        let dropped = self.0.lines_dropped.load(Ordering::Relaxed);
        encoder
            .encode_descriptor(
                "bff_access_lines_dropped",
                "Access lines that could not be written",
                None,
                MetricType::Counter,
            )?
            .encode_counter::<NoLabelSet, _, u64>(&dropped, None)
    }
}
