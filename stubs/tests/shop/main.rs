//! The shop as its clients see it: both sides answer alike, writes are seen by both, switches do what they say.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail the test")]

mod lists;
mod orders;
mod switches;

use axum::Router;
use axum::body::{Body, to_bytes};
use chassis::principal::USER_ID;
use http::{Method, Request, StatusCode};
use serde_json::Value;
use std::sync::Arc;
use stubs::monolith;
use stubs::service::Service;
use stubs::store::Store;
use stubs::stub::Stub;
use stubs::switches::Settings;
use tempfile::TempDir;
use tower::ServiceExt as _;

struct Shop {
    store: Arc<Store>,
    monolith: Router,
    _folder: TempDir,
}

impl Shop {
    fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let monolith = monolith::router(&Stub::new("monolith", &store, Settings::default()));
        Self {
            store,
            monolith,
            _folder: folder,
        }
    }

    fn service(&self, service: Service) -> Router {
        service.router(&Stub::new("service", &self.store, Settings::default()))
    }
}

async fn ask(
    router: &Router,
    method: Method,
    path: &str,
    user: Option<&str>,
    body: Value,
) -> (StatusCode, Vec<u8>) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(user) = user {
        request = request.header(USER_ID, user);
    }
    let body = if body.is_null() {
        Body::empty()
    } else {
        Body::from(body.to_string())
    };
    let answer = router
        .clone()
        .oneshot(request.body(body).unwrap())
        .await
        .unwrap();
    let status = answer.status();
    (
        status,
        to_bytes(answer.into_body(), usize::MAX)
            .await
            .unwrap()
            .to_vec(),
    )
}

async fn get(router: &Router, path: &str) -> (StatusCode, Value) {
    let (status, body) = ask(router, Method::GET, path, Some("alice"), Value::Null).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn post(router: &Router, path: &str, body: Value) -> (StatusCode, Value) {
    let (status, body) = ask(router, Method::POST, path, Some("alice"), body).await;
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn both_sides_answer_the_same_bytes() {
    let shop = Shop::open();
    for (which, path) in [
        (Service::Users, "/api/users/me"),
        (Service::Users, "/api/users/7"),
        (Service::Users, "/api/users/61"),
        (Service::Catalog, "/api/products"),
        (Service::Catalog, "/api/products?page=3&limit=7"),
        (Service::Catalog, "/api/products?ids=7,1,999"),
        (Service::Catalog, "/api/products?after=7&limit=2"),
        (Service::Catalog, "/api/products/240"),
        (Service::Catalog, "/api/products/x"),
        (Service::Reviews, "/api/reviews?product=7"),
        (Service::Reviews, "/api/reviews/mine?limit=3"),
        (Service::Reviews, "/api/reviews/summary?ids=1,2"),
        (Service::Inventory, "/api/stock?ids=1,2,3"),
        (Service::Recommendations, "/api/related?product=7"),
        (Service::Recommendations, "/api/related?ids=7,8"),
        (Service::Payments, "/api/payments/1"),
    ] {
        // The service of the users has paths of its own.
        let inside = match which {
            Service::Users => path.trim_start_matches("/api"),
            _ => path,
        };
        let service = shop.service(which);
        let legacy = ask(
            &shop.monolith,
            Method::GET,
            path,
            Some("alice"),
            Value::Null,
        )
        .await;
        let service = ask(&service, Method::GET, inside, Some("alice"), Value::Null).await;
        assert_eq!(legacy, service, "{path}");
        assert!(!legacy.1.is_empty(), "{path}");
    }
}
