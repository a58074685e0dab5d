//! What a client sees, over a connection of the test's own.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::task::LocalSet;

use super::*;
use http::HeaderMap;
use http::header::CONTENT_LENGTH;

type Answering = Pin<Box<dyn Future<Output = Response<TestBody>>>>;

/// Answers with a closure.
struct Fake<F>(F);

/// Frames one after the other; `None` never comes.
#[derive(Default)]
struct TestBody {
    frames: std::collections::VecDeque<Option<http_body::Frame<Bytes>>>,
    exact: Option<u64>,
}

impl TestBody {
    fn of(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        Self {
            exact: Some(text.len() as u64),
            frames: [Some(http_body::Frame::data(text))].into(),
        }
    }

    fn stream(frames: impl IntoIterator<Item = Option<http_body::Frame<Bytes>>>) -> Self {
        Self {
            frames: frames.into_iter().collect(),
            exact: None,
        }
    }
}

impl Body for TestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        match self.frames.pop_front() {
            Some(Some(frame)) => Poll::Ready(Some(Ok(frame))),
            Some(None) => {
                self.frames.push_front(None);
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.exact.map_or_else(
            http_body::SizeHint::default,
            http_body::SizeHint::with_exact,
        )
    }
}

impl<F: Fn(Request<Incoming>) -> Answering> Service for Fake<F> {
    type Body = TestBody;

    fn limits(&self) -> Limits {
        Limits {
            target: 100,
            fields: 1000,
            count: 20,
        }
    }

    fn date(&self) -> [u8; 29] {
        *b"Thu, 01 Jan 1970 00:00:00 GMT"
    }

    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<TestBody>> {
        (self.0)(request)
    }

    fn refuse(&self, refused: Refused) -> Response<TestBody> {
        let mut answer = Response::new(TestBody::of(refused.to_string()));
        *answer.status_mut() = StatusCode::BAD_REQUEST;
        answer
    }

    fn too_slow(&self) -> Response<TestBody> {
        let mut answer = Response::new(TestBody::of("slow"));
        *answer.status_mut() = StatusCode::REQUEST_TIMEOUT;
        answer
    }
}

/// Serves one connection while `client` uses its other end.
async fn with<C: AsyncFnOnce(DuplexStream, Arc<ConnectionState>)>(
    answer: impl Fn(Request<Incoming>) -> Answering + 'static,
    client: C,
) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let state = Arc::new(ConnectionState::new(Arc::new(AtomicU32::new(0))));
    let local = LocalSet::new();
    let serving = {
        let state = Arc::clone(&state);
        local.spawn_local(async move {
            let line = Line::new(theirs, Arc::clone(&state), true);
            serve(line, &state, &Fake(answer)).await.is_some()
        })
    };
    local.run_until(client(ours, state)).await;
    let is_http2 = tokio::time::timeout(Duration::from_mins(1), local.run_until(serving))
        .await
        .expect("the connection ends when the client has left");
    assert!(!is_http2.unwrap());
}

/// Everything that `sent` is answered with, after which the client has nothing more to say.
async fn answers(
    answer: impl Fn(Request<Incoming>) -> Answering + 'static,
    sent: &'static [u8],
) -> String {
    let mut read = Vec::new();
    with(answer, async |mut client, _| {
        client.write_all(sent).await.unwrap();
        client.read_to_end(&mut read).await.unwrap();
    })
    .await;
    String::from_utf8(read)
        .unwrap()
        .replace("date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "")
}

/// Says back what it was sent.
fn echo(request: Request<Incoming>) -> Answering {
    Box::pin(async {
        let trailers_and_all = request.into_body().collect().await;
        Response::new(match trailers_and_all {
            Ok(all) => TestBody::of(all.to_bytes()),
            Err(error) => TestBody::of(error.to_string()),
        })
    })
}

fn says(text: &'static str) -> impl Fn(Request<Incoming>) -> Answering {
    move |_| Box::pin(async move { Response::new(TestBody::of(text)) })
}

#[tokio::test]
async fn requests_follow_each_other_on_one_connection() {
    let sent = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\none\
        POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n\
        GET / HTTP/1.1\r\nconnection: close\r\n\r\n";
    assert_eq!(
        answers(echo, sent).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none\
         HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo\
         HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
}

#[tokio::test]
async fn what_is_malformed_is_answered_and_ends_the_connection() {
    let sent = b"GET / HTTP/1.1\nhost: x\n\nGET / HTTP/1.1\r\n\r\n";
    let said = answers(says("never"), sent).await;
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
    assert_eq!(said.matches("HTTP/1.1").count(), 1);
    // A body that is seen to be malformed is not begun with.
    let sent = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n";
    let said = answers(says("never"), sent).await;
    assert!(said.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{said}");
}

#[tokio::test]
async fn streams_go_in_chunks_with_trailers_and_to_old_clients_until_the_end() {
    let stream = |_| -> Answering {
        Box::pin(async {
            let mut trailers = HeaderMap::new();
            trailers.insert("x-sum", http::HeaderValue::from_static("7"));
            Response::new(TestBody::stream([
                Some(http_body::Frame::data(Bytes::from_static(b"abc"))),
                Some(http_body::Frame::trailers(trailers)),
            ]))
        })
    };
    assert_eq!(
        answers(stream, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n\
         3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n"
    );
    assert_eq!(
        answers(stream, b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").await,
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabc"
    );
}

#[tokio::test]
async fn a_head_has_a_length_and_no_body() {
    let sent = b"HEAD / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n";
    let with_length = |_| -> Answering {
        Box::pin(async {
            let mut answer = Response::new(TestBody::of("abc"));
            answer.headers_mut().insert(CONTENT_LENGTH, 3.into());
            answer
        })
    };
    assert_eq!(
        answers(with_length, sent).await,
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc"
    );
}

#[tokio::test]
async fn a_body_is_asked_for_when_somebody_wants_it() {
    with(echo, async |mut client, _| {
        let head = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
        client.write_all(head).await.unwrap();
        let mut said = [0; 25];
        client.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 100 Continue\r\n\r\n");
        client.write_all(b"abc").await.unwrap();
        let mut said = [0; 15];
        client.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"HTTP/1.1 200 OK");
    })
    .await;
    // Who does not want it says so, and then nobody knows whether it comes.
    let sent = b"POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    let said = answers(says("no"), sent).await;
    assert!(
        said.starts_with("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n"),
        "{said}"
    );
}

#[tokio::test]
async fn an_early_answer_reaches_a_client_that_is_still_sending() {
    with(says("enough"), async |mut client, _| {
        let head = b"POST / HTTP/1.1\r\ncontent-length: 1000000\r\n\r\n";
        client.write_all(head).await.unwrap();
        client.write_all(&vec![b'x'; 1_000_000]).await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.ends_with("\r\n\r\nenough"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_does_not_keep_its_word_is_cut() {
    for (promised, expected) in [("9", "abc"), ("2", "")] {
        let lying = move |_| -> Answering {
            Box::pin(async move {
                let mut answer = Response::new(TestBody::of("abc"));
                let promised = http::HeaderValue::from_static(promised);
                answer.headers_mut().insert(CONTENT_LENGTH, promised);
                answer
            })
        };
        let said = answers(lying, b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n").await;
        let bodies = said.split("\r\n\r\n").skip(1).collect::<String>();
        assert_eq!(bodies, expected, "{said}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_what_was_done_for_it() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let tell = RefCell::new(Some(tell));
    let hangs = move |_| -> Answering {
        let tell = tell.borrow_mut().take();
        Box::pin(async move {
            let _tell = tell;
            std::future::pending().await
        })
    };
    with(hangs, async |mut client, _| {
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        drop(client);
        // Not at once: it may only have closed its own end. The answer is dropped, and its end of the channel with it.
        assert!(told.await.is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_a_silent_stream_is_noticed() {
    let silent = |_| -> Answering { Box::pin(async { Response::new(TestBody::stream([None])) }) };
    with(silent, async |mut client, _| {
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut said = [0; 15];
        client.read_exact(&mut said).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_body_that_nobody_wants_is_read_over_or_ends_the_connection() {
    let two = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.0\r\n\r\n";
    let said = answers(says("no"), two).await;
    assert_eq!(said.matches("200 OK").count(), 2, "{said}");
    let half = b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nabc";
    let said = answers(says("no"), half).await;
    assert!(said.contains("connection: close"), "{said}");
}

#[tokio::test]
async fn a_client_that_says_no_more_is_still_answered() {
    with(echo, async |mut client, _| {
        let two = b"POST / HTTP/1.1\r\ncontent-length: 1\r\n\r\naPOST / HTTP/1.1\r\ncontent-length: 1\r\n\r\nb";
        client.write_all(two).await.unwrap();
        client.shutdown().await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert_eq!(said.matches("200 OK").count(), 2, "{said}");
    })
    .await;
}

#[tokio::test]
async fn verdicts_end_a_connection_as_they_say() {
    with(says("x"), async |mut client, state| {
        client.write_all(b"GET / HT").await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(state.phase(), Phase::Head);
        state.judge(Verdict::HeadTimeout);
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    })
    .await;
    with(says("x"), async |mut client, state| {
        // Asked to leave while a head is coming: it is still answered.
        client.write_all(b"GET / HT").await.unwrap();
        tokio::task::yield_now().await;
        state.judge(Verdict::Close);
        client.write_all(b"TP/1.1\r\n\r\n").await.unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.contains("connection: close"), "{said}");
    })
    .await;
    with(says("x"), async |mut client, state| {
        state.judge(Verdict::Close);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn interim_answers_come_before_the_last() {
    let hints = |request: Request<Incoming>| -> Answering {
        Box::pin(async move {
            let mut fields = HeaderMap::new();
            fields.insert("link", http::HeaderValue::from_static("</a.css>"));
            let status = StatusCode::EARLY_HINTS;
            request.body().inform(status, &fields);
            Response::new(TestBody::of("x"))
        })
    };
    assert_eq!(
        answers(hints, b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n").await,
        "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n\
         HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\nx"
    );
    let said = answers(hints, b"GET / HTTP/1.0\r\n\r\n").await;
    assert!(!said.contains("103"), "{said}");
}

#[tokio::test]
async fn a_switch_hands_the_connection_over_with_what_was_read() {
    let switches = |request: Request<Incoming>| -> Answering {
        let wanted = request.body().upgrade();
        tokio::task::spawn_local(async move {
            let Upgraded { mut io, read } = wanted.await.unwrap();
            io.write_all(&read).await.unwrap();
        });
        Box::pin(async {
            let mut answer = Response::new(TestBody::default());
            *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
            answer
                .headers_mut()
                .insert("upgrade", http::HeaderValue::from_static("echo"));
            answer
        })
    };
    assert_eq!(
        answers(switches, b"GET / HTTP/1.1\r\nupgrade: echo\r\n\r\nfirst").await,
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\n\r\nfirst"
    );
}
