//! All backends of the shop behind one address. They remember what they were asked.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use chassis::tasks::Tasks;
use composition::{ANSWER_MAX, Backend, Carried, Carrier, Lost, Terms, Way, problem};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// How long each takes, by the path that it is asked for.
pub(crate) type Delays = &'static [(&'static str, u64)];

#[derive(Clone, Debug, Default)]
pub(crate) struct Backends {
    delays: Delays,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Backends {
    /// Each answers after its delay in milliseconds; who is not named, at once.
    pub(crate) fn after(delays: Delays) -> Self {
        Self {
            delays,
            ..Self::default()
        }
    }

    /// The targets so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Listens until `tasks` end.
    pub(crate) fn listen(&self, tasks: &Tasks) -> SocketAddr {
        let router = Router::new().fallback(answer).with_state(self.clone());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        chassis::serve::router(listener, router, tasks).unwrap();
        address
    }
}

/// Without sockets, for stopped clocks.
impl Carrier for Backends {
    fn way(&self) -> Way {
        Way::Direct
    }

    fn carry<'a>(
        &'a self,
        _: &'a Arc<Backend>,
        request: axum::http::Request<Bytes>,
        _: Terms,
    ) -> BoxFuture<'a, Result<Carried, Lost>> {
        Box::pin(async move {
            let answer = answer(State(self.clone()), request.map(Body::from)).await;
            let (parts, body) = answer.into_parts();
            Ok(Carried {
                status: parts.status,
                fields: parts.headers,
                body: Ok(to_bytes(body, ANSWER_MAX).await.unwrap()),
            })
        })
    }
}

async fn answer(State(backends): State<Backends>, request: Request) -> Response {
    let target = request.uri().to_string();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    backends.asked.lock().unwrap().push(target.clone());
    let delay = backends.delays.iter().find(|(slow, _)| *slow == path);
    if let Some((_, delay)) = delay {
        tokio::time::sleep(Duration::from_millis(*delay)).await;
    }
    let ids = || {
        let list = query.trim_start_matches("ids=").split(',');
        list.map(|id| id.parse().unwrap())
    };
    let items = |of: fn(u64) -> Value| json!({"items": ids().map(of).collect::<Vec<Value>>()});
    let body = match path {
        "/products" if query.starts_with("ids=") => items(product),
        "/products" => {
            json!({"items": (1..=20).map(product).collect::<Vec<Value>>(), "total": 240})
        }
        "/reviews/summary" => {
            items(|id| json!({"product": id, "count": 9, "average_hundredths": 400 + id}))
        }
        "/stock" => items(|id| json!({"product": id, "available": id * 2})),
        "/related" => items(|id| json!({"product": id, "related": [product(id + 100)]})),
        _ => return problem("not_found").into_response(),
    };
    Json(body).into_response()
}

fn product(id: u64) -> Value {
    json!({"id": id, "name": format!("Lamp {id}"), "price": 100 + id, "currency": "EUR", "images": ["/1.jpg", "/2.jpg"]})
}
