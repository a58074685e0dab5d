//! Answers as a backend should not say them, and what it may say before one.

use std::sync::Mutex;

use futures::stream::{self, StreamExt as _};
use http_body_util::StreamBody;
use tokio::sync::Notify;

use super::*;

/// A backend that says one of these texts on each connection, whatever it is asked, as often as it is asked.
async fn saying(texts: &'static [&'static str]) -> (Arc<Endpoint>, Rc<RefCell<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connections = Rc::new(RefCell::new(0));
    let count = Rc::clone(&connections);
    tokio::task::spawn_local(async move {
        for text in texts {
            let (mut socket, _) = listener.accept().await.unwrap();
            *count.borrow_mut() += 1;
            tokio::task::spawn_local(async move {
                let mut buffer = [0; 4096];
                while socket.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                    if socket.write_all(text.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let place = Place::new("127.0.0.1", port, "");
    (Arc::new(Endpoint::new(place).unwrap()), connections)
}

async fn call(
    client: &HyperH1<RequestBody>,
    endpoint: &Arc<Endpoint>,
    head: &Request<()>,
    body: &'static [u8],
) -> Result<Response<PooledBody<RequestBody>>, Failed> {
    let connecting = connecting();
    let by = Connection {
        connecting: &connecting,
        fresh: false,
    };
    client.call(endpoint, by, head, Full::from(body)).await
}

const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Each followed by what the next connection says.
const TWO_WAYS: &[&[&str]] = &[
    &[
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        GOOD,
    ],
    &["HTTP/1.1 200 OK\r\ncontent-length: 2, 3\r\n\r\nok", GOOD],
    &["HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", GOOD],
    &["HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok", GOOD],
    &["HTTP/1.1 200 OK\r\ncontent-length: \r\n\r\nok", GOOD],
    &[
        "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999999\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n",
        GOOD,
    ],
    &["HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", GOOD],
    &[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        GOOD,
    ],
    &[
        "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        GOOD,
    ],
    &[
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n",
        GOOD,
    ],
    &["HTTP/1.1 20 OK\r\ncontent-length: 2\r\n\r\nok", GOOD],
    &["HTTP/1.1 2000 OK\r\ncontent-length: 2\r\n\r\nok", GOOD],
    &["HTTP/3.1 200 OK\r\ncontent-length: 2\r\n\r\nok", GOOD],
    &[
        "HTTP/1.1 200 OK\r\nx-a: b\u{1}c\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\nx-a: b\u{0}c\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\nx-a: b\u{7f}c\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\nx-a: b\rc\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\nx-a: b\r\n c\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
    &[
        "HTTP/1.1 200 OK\r\nx-a : b\r\ncontent-length: 2\r\n\r\nok",
        GOOD,
    ],
];

#[tokio::test]
async fn an_answer_that_can_be_read_in_two_ways_is_malformed_and_ends_its_connection() {
    let test = async {
        for texts in TWO_WAYS {
            let (endpoint, connections) = saying(texts).await;
            let client = client();
            let failed = call(&client, &endpoint, &head(Method::GET), b"").await;
            let failed = failed.map(|answer| answer.headers().clone()).unwrap_err();
            assert_eq!(failed.error.kind, Kind::Malformed, "{}", texts[0]);
            assert!(!failed.unsent, "{}", texts[0]);
            let next = ask(&client, &endpoint, KEPT, "").await;
            assert_eq!(next.unwrap(), "ok", "behind {}", texts[0]);
            assert_eq!(*connections.borrow(), 2, "{}", texts[0]);
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn what_stands_behind_an_answer_is_nobodys_answer() {
    let surplus: &[&[&str]] = &[
        &[
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
            GOOD,
        ],
        &[
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil",
            GOOD,
        ],
    ];
    let test = async {
        for texts in surplus {
            let (endpoint, connections) = saying(texts).await;
            let client = client();
            assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
            assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
            assert_eq!(*connections.borrow(), 2);
        }
        for text in [
            "HTTP/1.1 204 No Content\r\ncontent-length: 38\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        ] {
            let texts: &'static [&'static str] = Box::leak(Box::new([text, GOOD]));
            let (endpoint, connections) = saying(texts).await;
            let client = client();
            assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "");
            assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
            assert_eq!(*connections.borrow(), 2);
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_length_that_is_said_twice_alike_is_said_once() {
    let test = async {
        for texts in [
            &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\nContent-Length: 2\r\n\r\nok"],
            &["HTTP/1.1 200 OK\r\ncontent-length: 2, 02\r\n\r\nok"],
        ] {
            let (endpoint, _) = saying(texts).await;
            let answer = call(&client(), &endpoint, &head(Method::GET), b"").await;
            let answer = answer.map_err(|failed| failed.error).unwrap();
            let lengths = answer.headers().get_all("content-length");
            assert_eq!(lengths.iter().collect::<Vec<_>>(), ["2"]);
            assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn an_answer_without_content_has_none_and_keeps_its_connection() {
    let test = async {
        for (method, text) in [
            (Method::HEAD, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n"),
            (
                Method::HEAD,
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            ),
            (
                Method::GET,
                "HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n",
            ),
            (
                Method::GET,
                "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n",
            ),
        ] {
            let (endpoint, connections) = saying(Box::leak(Box::new([text]))).await;
            let client = client();
            for _ in 0..2 {
                let answer = ask(&client, &endpoint, (method.clone(), false), "").await;
                assert_eq!(answer.unwrap(), "", "{text}");
            }
            assert_eq!(*connections.borrow(), 1, "{text}");
        }
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn trailers_pass() {
    let test = async {
        let text = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n";
        let (endpoint, _) = saying(Box::leak(Box::new([text]))).await;
        let answer = call(&client(), &endpoint, &head(Method::GET), b"").await;
        let answer = answer.map_err(|failed| failed.error).unwrap();
        let whole = answer.into_body().collect().await.unwrap();
        assert_eq!(whole.trailers().unwrap()["x-sum"], "7");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn who_wants_to_hears_what_a_backend_says_before_its_answer() {
    let test = async {
        let text = "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        let (endpoint, _) = saying(Box::leak(Box::new([text]))).await;
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = Arc::clone(&heard);
        let mut asked = head(Method::GET);
        asked
            .extensions_mut()
            .insert(Informed::new(move |status, fields| {
                hearing
                    .lock()
                    .unwrap()
                    .push((status.as_u16(), fields.len()));
            }));
        let client = client();
        let answer = call(&client, &endpoint, &asked, b"").await;
        let answer = answer.map_err(|failed| failed.error).unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "ok");
        assert_eq!(*heard.lock().unwrap(), [(103, 1), (102, 0)]);
        // Over the same connection, where nobody asked to hear of them.
        assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
        assert_eq!(heard.lock().unwrap().len(), 2);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn an_early_answer_to_a_half_sent_upload_arrives_whole() {
    let test = async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let closed = Rc::new(Notify::new());
        let closing = Rc::clone(&closed);
        tokio::task::spawn_local(async move {
            let (mut socket, _) = listener.accept().await.unwrap();
            // It reads the beginning, answers, and closes with the rest unread, which resets the connection.
            assert!(socket.read(&mut [0; 1024]).await.unwrap() > 0);
            let answer = "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig";
            socket.write_all(answer.as_bytes()).await.unwrap();
            drop(socket);
            closing.notify_one();
        });
        let part = || Frame::data(Bytes::from(vec![b'x'; 64 << 10]));
        let first = stream::once(async move { Ok::<_, BoxError>(part()) });
        // The next write fails before anybody has noticed that there is something to read.
        let next = stream::once(async move {
            closed.notified().await;
            Ok(part())
        });
        let upload = StreamBody::new(Box::pin(first.chain(next).chain(stream::pending())));
        let endpoint = Arc::new(Endpoint::new(Place::new("127.0.0.1", port, "")).unwrap());
        let connecting = connecting();
        let by = Connection {
            connecting: &connecting,
            fresh: false,
        };
        let client = HyperH1::new(Clock::system(), Tasks::new());
        let posted = head(Method::POST);
        let answer = client.call(&endpoint, by, &posted, upload).await;
        let answer = answer.map_err(|failed| failed.error).unwrap();
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
        let content = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(content, "big");
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn who_asked_to_switch_has_the_connection_from_then_on() {
    let test = async {
        let text =
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        let (endpoint, connections) = saying(Box::leak(Box::new([text, GOOD]))).await;
        let mut asked = head(Method::GET);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "echo")] {
            asked.headers_mut().insert(name, value.parse().unwrap());
        }
        let client = client();
        let answer = call(&client, &endpoint, &asked, b"").await;
        let mut answer = answer.map_err(|failed| failed.error).unwrap();
        let switched = hyper::upgrade::on(&mut answer).await.unwrap();
        let mut switched = TokioIo::new(switched);
        switched.write_all(b"hello").await.unwrap();
        let mut said = vec![0; text.len()];
        switched.read_exact(&mut said).await.unwrap();
        assert_eq!(said, text.as_bytes());
        assert_eq!(ask(&client, &endpoint, KEPT, "").await.unwrap(), "ok");
        assert_eq!(*connections.borrow(), 2);
    };
    LocalSet::new().run_until(test).await;
}

#[tokio::test]
async fn a_switch_that_does_not_say_to_what_is_malformed() {
    let test = async {
        let text = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n";
        let (endpoint, _) = saying(Box::leak(Box::new([text]))).await;
        let mut asked = head(Method::GET);
        for (name, value) in [("connection", "upgrade"), ("upgrade", "echo")] {
            asked.headers_mut().insert(name, value.parse().unwrap());
        }
        let failed = call(&client(), &endpoint, &asked, b"").await;
        let failed = failed.map(|answer| answer.headers().clone()).unwrap_err();
        assert_eq!(failed.error.kind, Kind::Malformed);
    };
    LocalSet::new().run_until(test).await;
}
