//! A backend with products that come and go.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::problem::Problem;
use chassis::tasks::Tasks;
use composition::problem;
use serde_json::{Value, json};

/// The catalog's products by their ids, and how often it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    products: Arc<Mutex<BTreeMap<u64, Value>>>,
    asked: Arc<Mutex<u64>>,
}

impl Catalog {
    /// With products of these ids.
    pub(crate) fn with(ids: impl IntoIterator<Item = u64>) -> Self {
        let catalog = Self::default();
        catalog
            .products()
            .extend(ids.into_iter().map(|id| (id, product(id))));
        catalog
    }

    pub(crate) fn products(&self) -> MutexGuard<'_, BTreeMap<u64, Value>> {
        self.products.lock().unwrap()
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> u64 {
        *self.asked.lock().unwrap()
    }

    /// Listens until `tasks` end.
    pub(crate) fn listen(&self, tasks: &Tasks) -> SocketAddr {
        let router = Router::new()
            .route("/api/products", get(list))
            .route("/api/products/{id}", get(one))
            .with_state(self.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        chassis::serve::router(listener, router, tasks).unwrap();
        address
    }
}

/// A product as shops have them: names of some length, addresses of pictures that say where and which.
pub(crate) fn product(id: u64) -> Value {
    let image = |which| {
        format!("https://cdn.shop.example/images/products/{id:010}/{which}-3840x2160-original.jpg")
    };
    json!({
        "id": id,
        "name": format!("Fauteuil à bascule en chêne massif « Fjord », assise tissée nº {id}"),
        "description": "Handmade, from one piece of oak. ".repeat(8),
        "category": "living", "price": 129_900 + id, "currency": "EUR",
        "images": [image("front"), image("side"), image("room")],
    })
}

async fn list(State(catalog): State<Catalog>, RawQuery(query): RawQuery) -> Response {
    *catalog.asked.lock().unwrap() += 1;
    let query = query.unwrap_or_default();
    let number = |name: &str| -> Option<usize> {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(key, _)| *key == name)?;
        value.parse().ok()
    };
    let products = catalog.products();
    let limit = number("limit").unwrap();
    if let Some(after) = number("after") {
        let mut following = products.range(after as u64 + 1..);
        let items: Vec<_> = following.by_ref().take(limit).collect();
        let last = items.last().map(|(id, _)| **id);
        let next = following.next().and(last);
        let items: Vec<&Value> = items.into_iter().map(|(_, product)| product).collect();
        return Json(json!({"items": items, "next": next})).into_response();
    }
    let skipped = (number("page").unwrap() - 1) * limit;
    let items: Vec<&Value> = products.values().skip(skipped).take(limit).collect();
    Json(json!({"items": items, "total": products.len()})).into_response()
}

async fn one(State(catalog): State<Catalog>, Path(id): Path<u64>) -> Result<Json<Value>, Problem> {
    *catalog.asked.lock().unwrap() += 1;
    let found = catalog.products().get(&id).cloned();
    found.map(Json).ok_or_else(|| problem("not_found"))
}
