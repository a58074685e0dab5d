//! The legacy monolith: everything under `/api`, and pages for people.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use futures::stream::{self, Stream, StreamExt as _};
use http::header::{HOST, LOCATION, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::answer::{not_found, wrong_method};
use crate::misbehave::misbehave;
use crate::stub::Stub;
use crate::{api, control};

/// Products on the start page.
const SHOWN: usize = 8;

/// Events of one stream, and how far apart they are.
const EVENTS: usize = 100;
const EVERY: Duration = Duration::from_millis(100);

/// All of it.
pub fn router(stub: &Arc<Stub>) -> Router {
    let shop = Router::new()
        .merge(api::products::router())
        .merge(api::reviews::router())
        .merge(api::stock::router())
        .merge(api::related::router())
        .merge(api::users::router())
        .merge(api::orders::router())
        .merge(api::payments::router());
    Router::new()
        .route("/", get(start_page))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/legacy/login", get(login))
        .route("/events", get(events))
        .nest("/api", shop)
        .fallback(|| async { not_found("no page has this address") })
        .method_not_allowed_fallback(|| async { wrong_method() })
        .layer(from_fn_with_state(Arc::clone(stub), misbehave))
        .merge(control::router())
        .with_state(Arc::clone(stub))
}

async fn start_page(State(stub): State<Arc<Stub>>) -> Html<String> {
    let mut list = String::new();
    for product in stub.store.data().products.iter().take(SHOWN) {
        let (euros, cents) = (product.price / 100, product.price % 100);
        let _ = write!(
            list,
            "<li><a href=\"/api/products/{}\">{}</a>, {euros}.{cents:02} EUR</li>",
            product.id, product.name
        );
    }
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>The shop</title></head><body>\
         <h1>The shop</h1><p>Served by the monolith since 2009.</p><ul>{list}</ul>\
         <p><a href=\"/api/products\">All products</a> · <a href=\"/legacy/login\">Log in</a></p></body></html>"
    ))
}

/// As old applications do it: an absolute redirect to their own name, and a cookie.
async fn login(fields: HeaderMap) -> Response {
    let host = fields
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    let fields = [
        (LOCATION, format!("http://{host}/")),
        (SET_COOKIE, "sessionid=legacy; Path=/; HttpOnly".to_owned()),
    ];
    (StatusCode::FOUND, fields).into_response()
}

#[derive(Debug, Deserialize)]
struct EventsQuery {
    count: Option<usize>,
}

/// Server-sent events: one every 100 ms, ten unless more are asked for.
async fn events(
    Query(query): Query<EventsQuery>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let count = query.count.unwrap_or(10).min(EVENTS);
    let events = stream::iter(0..count).then(|number| async move {
        tokio::time::sleep(EVERY).await;
        Ok(Event::default().event("tick").data(number.to_string()))
    });
    Sse::new(events).keep_alive(KeepAlive::default())
}
