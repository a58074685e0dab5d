use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;

use super::*;
use crate::endpoint::Place;

type Body = Full<Bytes>;

/// Answers by port: refuses at 1, never answers at 2, resets at 3, else 200.
#[derive(Default)]
struct Scripted {
    called: Mutex<Vec<u16>>,
}

impl Transport<Body> for Scripted {
    type Body = Body;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        _: &Connecting,
        request: Request<Body>,
    ) -> Result<Response<Body>, Failed<Body>> {
        self.called.lock().unwrap().push(endpoint.place().port);
        match endpoint.place().port {
            1 => Err(Failed {
                error: CallError::new(Kind::Connect),
                unsent: Some(Box::new(request)),
            }),
            2 => std::future::pending().await,
            3 => Err(Failed {
                error: CallError::new(Kind::ResetBeforeHead),
                unsent: None,
            }),
            _ => Ok(Response::new(Body::default())),
        }
    }
}

fn upstream(ports: &[u16]) -> Upstream {
    Upstream {
        name: "users".into(),
        endpoints: ports
            .iter()
            .map(|port| Arc::new(Endpoint::new(Place::new("x", *port, "")).unwrap()))
            .collect(),
        connecting: Connecting {
            timeout: Duration::from_secs(2),
            idle_max: 8,
            idle_timeout: Duration::from_mins(1),
        },
    }
}

async fn called(ports: &[u16]) -> (Result<u32, Kind>, Vec<u16>) {
    let transport = Scripted::default();
    let deadline = Instant::now() + Duration::from_secs(15);
    let request = Request::post("/").body(Body::from("x")).unwrap();
    let result = call(&transport, &upstream(ports), request, deadline, |_, _| {}).await;
    let called = transport.called.into_inner().unwrap();
    (
        result
            .map(|answered| answered.attempts)
            .map_err(|error| error.kind),
        called,
    )
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_followed_by_another_even_for_a_post() {
    for _ in 0..50 {
        let (result, _) = called(&[1, 80]).await;
        assert!(result.is_ok());
    }
}

#[tokio::test]
async fn two_attempts_are_the_end() {
    let (result, called) = called(&[1]).await;
    assert_eq!(result, Err(Kind::Connect));
    assert_eq!(called, [1, 1]);
}

#[tokio::test]
async fn a_request_that_may_have_been_read_is_not_repeated() {
    let (result, called) = called(&[3]).await;
    assert_eq!(result, Err(Kind::ResetBeforeHead));
    assert_eq!(called, [3]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_endpoint_is_left_at_the_deadline() {
    let start = Instant::now();
    let (result, _) = called(&[2]).await;
    assert_eq!(result, Err(Kind::Timeout));
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test]
async fn in_flight_counts_until_the_answer_is_dropped() {
    let upstream = upstream(&[80]);
    let deadline = Instant::now() + Duration::from_secs(1);
    let request = Request::get("/").body(Body::default()).unwrap();
    let answered = call(
        &Scripted::default(),
        &upstream,
        request,
        deadline,
        |_, _| {},
    )
    .await
    .unwrap();
    assert_eq!(upstream.endpoints[0].in_flight(), 1);
    drop(answered);
    assert_eq!(upstream.endpoints[0].in_flight(), 0);
}

/// A multi-threaded caller spawns this future, so it is `Send` when the transport's is.
#[test]
fn the_call_is_send_when_the_transport_is() {
    fn send<F: Send>(_: &F) {}
    let (transport, upstream) = (Scripted::default(), upstream(&[80]));
    let request = Request::new(Body::default());
    send(&attempt(&transport, &upstream, request, |_, _| {}));
}
