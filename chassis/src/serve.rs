//! Serves an axum router with header timeouts and a drain: admin pages, BFFs, stubs. Not the edge's data path.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::ConnectInfo;
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::problem::Problem;
use crate::tasks::Tasks;

/// A client gets this long to send a request's head.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway in front takes a hundred fields unless told otherwise, and adds its own.
const FIELDS: usize = 256;

/// After the stop, open requests get this long to end.
const DRAIN: Duration = Duration::from_secs(10);

/// How long accepting pauses when the process has no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves `router` until `tasks` is asked to stop, then lets open requests finish.
///
/// Handlers find the peer's address in `ConnectInfo<SocketAddr>`.
pub fn router(listener: TcpListener, router: Router, tasks: &Tasks) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let router = router.layer(catch_panics());
    let connections = tasks.clone();
    tasks.spawn("http server", async move {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = connections.stopping() => break,
            };
            match accepted {
                Ok((socket, peer)) => serve(socket, peer, &router, &graceful, &connections),
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
    });
    Ok(())
}

type Panicked = fn(Box<dyn std::any::Any + Send>) -> Response;

/// Turns a handler's panic into a problem; the panic itself is in the log.
pub fn catch_panics() -> CatchPanicLayer<Panicked> {
    CatchPanicLayer::custom(|_| {
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "internal_error", "The request failed").into_response()
    })
}

fn serve(
    socket: tokio::net::TcpStream,
    peer: SocketAddr,
    router: &Router,
    graceful: &GracefulShutdown,
    tasks: &Tasks,
) {
    let _ = socket.set_nodelay(true);
    let service =
        router
            .clone()
            .map_request(move |mut request: http::Request<hyper::body::Incoming>| {
                request.extensions_mut().insert(ConnectInfo(peer));
                request
            });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(service));
    let connection = graceful.watch(connection);
    tasks.spawn("http connection", async move {
        // A client that goes away is its own business.
        let _ = connection.await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;

    #[tokio::test]
    async fn a_request_that_runs_at_the_stop_is_answered() {
        let listener = crate::listen::alone(([127, 0, 0, 1], 0).into(), "test").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let tasks = Tasks::new();
        let stop = tasks.clone();
        let app = Router::new().route(
            "/",
            get(move || async move {
                stop.stop();
                tokio::task::yield_now().await;
                "done"
            }),
        );
        router(listener, app, &tasks).unwrap();
        let client = crate::http_client::build(Duration::from_secs(5)).unwrap();
        let answer = client.get(url).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "done");
        tasks.ended(Duration::from_secs(5)).await.unwrap();
    }
}
