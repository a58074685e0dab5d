mod answers;

use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::LocalSet;

use http::Method;

use super::*;
use crate::endpoint::Place;

type RequestBody = Full<Bytes>;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn connecting() -> Connecting {
    Connecting {
        timeout: Duration::from_secs(2),
        idle_max: 8,
        idle_timeout: Duration::from_mins(1),
    }
}

/// A backend whose connections answer so many requests each, and then close behind the last request's first byte.
async fn backend(
    answers_per_connection: &'static [usize],
) -> (Arc<Endpoint>, Rc<RefCell<Vec<usize>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let counts = Rc::clone(&seen);
    tokio::task::spawn_local(async move {
        for (number, answers) in answers_per_connection.iter().enumerate() {
            let (mut socket, _) = listener.accept().await.unwrap();
            counts.borrow_mut().push(0);
            let counts = Rc::clone(&counts);
            tokio::task::spawn_local(async move {
                let mut buffer = [0; 4096];
                for _ in 0..*answers {
                    if socket.read(&mut buffer).await.unwrap() == 0 {
                        return;
                    }
                    counts.borrow_mut()[number] += 1;
                    socket.write_all(OK).await.unwrap();
                }
                // The next request is read and not answered: what a keep-alive race looks like.
                let _ = socket.read(&mut buffer).await;
            });
        }
    });
    (
        Arc::new(Endpoint::new(Place::new("127.0.0.1", port, "")).unwrap()),
        seen,
    )
}

fn head(method: Method) -> Request<()> {
    let head = Request::builder().method(method).uri("/");
    head.header("host", "x").body(()).unwrap()
}

async fn ask(
    client: &HyperH1<RequestBody>,
    endpoint: &Arc<Endpoint>,
    (method, fresh): (Method, bool),
    body: &'static str,
) -> Result<Bytes, Failed> {
    let connecting = connecting();
    let by = Connection {
        connecting: &connecting,
        fresh,
    };
    let head = head(method);
    let response = client.call(endpoint, by, &head, Full::from(body));
    Ok(response
        .await?
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes())
}

fn client() -> HyperH1<RequestBody> {
    HyperH1::new(Clock::system(), Tasks::new())
}

const KEPT: (Method, bool) = (Method::GET, false);

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    LocalSet::new()
        .run_until(async {
            let (endpoint, seen) = backend(&[10, 10]).await;
            let client = client();
            for _ in 0..10 {
                assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
            }
            assert_eq!(*seen.borrow(), [10]);
        })
        .await;
}

#[tokio::test]
async fn a_connection_that_was_closed_under_a_request_is_known_to_have_been_kept() {
    LocalSet::new()
        .run_until(async {
            let (endpoint, seen) = backend(&[1, 5]).await;
            let client = client();
            assert!(ask(&client, &endpoint, KEPT, "").await.is_ok());
            let failed = ask(&client, &endpoint, KEPT, "").await.unwrap_err();
            assert_eq!(failed.error.kind, Kind::ResetBeforeHead);
            assert_eq!((failed.reused, failed.unsent), (Reused::Yes, false));
            assert!(ask(&client, &endpoint, KEPT, "").await.is_ok());
            assert_eq!(*seen.borrow(), [1, 1]);
        })
        .await;
}

#[tokio::test]
async fn who_wants_a_fresh_connection_gets_one() {
    LocalSet::new()
        .run_until(async {
            let (endpoint, seen) = backend(&[5, 5]).await;
            let client = client();
            assert!(ask(&client, &endpoint, KEPT, "").await.is_ok());
            let fresh = (Method::GET, true);
            assert!(ask(&client, &endpoint, fresh, "").await.is_ok());
            assert_eq!(*seen.borrow(), [1, 1]);
        })
        .await;
}

#[tokio::test]
async fn a_fresh_connection_that_dies_is_known_to_have_been_new() {
    LocalSet::new()
        .run_until(async {
            let (endpoint, seen) = backend(&[0, 5]).await;
            let failed = ask(&client(), &endpoint, KEPT, "").await.unwrap_err();
            assert_eq!(failed.error.kind, Kind::ResetBeforeHead);
            assert_eq!(failed.reused, Reused::No);
            assert_eq!(*seen.borrow(), [0]);
        })
        .await;
}

#[tokio::test]
async fn nothing_was_sent_to_a_closed_port() {
    LocalSet::new()
        .run_until(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let endpoint = Arc::new(Endpoint::new(Place::new("127.0.0.1", port, "")).unwrap());
            let posted = ask(&client(), &endpoint, (Method::POST, false), "x").await;
            let failed = posted.unwrap_err();
            assert_eq!(failed.error.kind, Kind::Connect);
            assert!(failed.unsent);
        })
        .await;
}
