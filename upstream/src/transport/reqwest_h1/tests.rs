use std::time::Duration;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::endpoint::Place;

fn connecting() -> Connecting {
    Connecting {
        timeout: Duration::from_secs(2),
        idle_max: 8,
        idle_timeout: Duration::from_mins(1),
    }
}

/// Answers every connection's first request with these bytes and closes.
async fn origin(answer: &'static [u8]) -> Arc<Endpoint> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = async move |mut socket: TcpStream| {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if socket.read_buf(&mut head).await.unwrap() == 0 {
                return;
            }
        }
        socket.write_all(answer).await.unwrap();
    };
    chassis::tasks::Tasks::new().spawn("origin", async move {
        while let Ok((socket, _)) = listener.accept().await {
            serve(socket).await;
        }
    });
    Arc::new(Endpoint::new(Place::new("127.0.0.1", port, "/base")).unwrap())
}

async fn ask(endpoint: Arc<Endpoint>) -> Result<(u16, Bytes), Kind> {
    let connecting = connecting();
    let transport = ReqwestH1::new(&connecting).unwrap();
    let head = Request::get("/users/7?x=1").body(()).unwrap();
    let by = Connection {
        connecting: &connecting,
        fresh: false,
    };
    let response = transport.call(&endpoint, by, &head, Bytes::new());
    let response = response.await.map_err(|failed| failed.error.kind)?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap();
    Ok((status, body.to_bytes()))
}

#[tokio::test]
async fn an_answer_comes_back_as_it_is_and_no_redirect_is_followed() {
    let found = origin(b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 2\r\n\r\nhi").await;
    assert_eq!(ask(found).await, Ok((302, Bytes::from_static(b"hi"))));
}

#[tokio::test]
async fn what_goes_wrong_has_its_kind() {
    let refusing = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let refusing = Arc::new(Endpoint::new(Place::new("127.0.0.1", refusing, "")).unwrap());
    assert_eq!(ask(refusing).await, Err(Kind::Connect));
    assert_eq!(ask(origin(b"").await).await, Err(Kind::ResetBeforeHead));
    let nonsense = origin(b"NOT HTTP AT ALL\r\n\r\n").await;
    assert_eq!(ask(nonsense).await, Err(Kind::Malformed));
}

/// A multi-threaded caller spawns this future.
#[test]
fn the_call_is_send() {
    fn send<F: Send>(_: &F) {}
    let transport = ReqwestH1::new(&connecting()).unwrap();
    let endpoint = Arc::new(Endpoint::new(Place::new("x", 80, "")).unwrap());
    let connecting = connecting();
    let by = Connection {
        connecting: &connecting,
        fresh: false,
    };
    send(&transport.call(&endpoint, by, &Request::new(()), Bytes::new()));
}
