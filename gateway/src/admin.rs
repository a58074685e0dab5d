//! The admin listener: health, metrics, the routes in force, reload. Plain axum, never on the data path.

mod access;
mod asked;
mod described;
mod health;
mod judged;
#[expect(unused_qualifications, reason = "the description's macro writes them")]
pub mod migrations;
pub mod verbs;
#[expect(unused_qualifications, reason = "the description's macro writes them")]
pub mod notifications;
mod upstreams;
mod routes;
mod scrape;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use chassis::problem::Problem;

use crate::listener::config::AdminConfig;
use crate::per_core::Shared;
use crate::progress::Progress;
use crate::reload::Reloader;

/// What the handlers see.
#[derive(Debug)]
pub struct AdminState {
    /// The admin listener's settings at start.
    pub config: AdminConfig,
    /// The snapshot in force and the counters.
    pub shared: Arc<Shared>,
    /// Takes over edited files.
    pub reloader: Arc<Reloader>,
    /// How far the routes have got.
    pub progress: Arc<Progress>,
    /// Set when the process begins to drain.
    pub draining: Arc<AtomicBool>,
    /// Access lines that were lost.
    pub lines_dropped: Arc<AtomicU64>,
}

/// All of it.
pub fn router(state: Arc<AdminState>) -> Router {
    let (api, described) = OpenApiRouter::with_openapi(described::Described::openapi())
        .merge(migrations::router())
        .merge(verbs::router())
        .merge(notifications::router())
        .merge(upstreams::router())
        .split_for_parts();
    let document = described::document(&described);
    let openapi = || async move { Json(document) };
    let read = Router::new()
        .route("/metrics", get(scrape::metrics))
        .route("/routes", get(routes::routes))
        .route("/status", get(routes::status))
        .route("/reload", post(routes::reload))
        .route("/openapi.json", get(openapi))
        .merge(api)
        .layer(from_fn_with_state(Arc::clone(&state), access::check));
    Router::new()
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .merge(read)
        .fallback(|| async {
            Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here")
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "Not with this method",
            )
        })
        .with_state(state)
}
