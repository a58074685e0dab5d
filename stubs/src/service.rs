//! The services that replace the monolith, each with its own resource.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::get;

use crate::answer::{not_found, wrong_method};
use crate::misbehave::misbehave;
use crate::stub::Stub;
use crate::{api, control};

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `/users`: its own paths, not the monolith's.
    Users,
    /// `/api/products`.
    Catalog,
    /// `/api/reviews`.
    Reviews,
    /// `/api/stock`.
    Inventory,
    /// `/api/related`.
    Recommendations,
    /// `/api/orders`.
    Orders,
    /// `/api/payments`.
    Payments,
}

impl Service {
    /// Its paths.
    pub fn router(self, stub: &Arc<Stub>) -> Router {
        let resource = match self {
            Self::Users => api::users::router(),
            Self::Catalog => Router::new().nest("/api", api::products::router()),
            Self::Reviews => Router::new().nest("/api", api::reviews::router()),
            Self::Inventory => Router::new().nest("/api", api::stock::router()),
            Self::Recommendations => Router::new().nest("/api", api::related::router()),
            Self::Orders => Router::new().nest("/api", api::orders::router()),
            Self::Payments => Router::new().nest("/api", api::payments::router()),
        };
        resource
            .route("/healthz", get(|| async { "ok\n" }))
            .fallback(|| async { not_found("this service has no such path") })
            .method_not_allowed_fallback(|| async { wrong_method() })
            .layer(from_fn_with_state(Arc::clone(stub), misbehave))
            .merge(control::router())
            .with_state(Arc::clone(stub))
    }
}
