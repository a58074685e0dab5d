//! An HTTP/2 client by prior knowledge: what answers and streams look like to somebody who follows the rules.

use std::net::SocketAddr;

use bytes::Bytes;
use chassis::tasks::Tasks;
use h2::client::{SendRequest, handshake};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;

use crate::answer::Answer;
use crate::wire::within;

/// One connection. Requests may run side by side.
#[derive(Clone, Debug)]
pub struct H2Client {
    requests: SendRequest<Bytes>,
    address: SocketAddr,
    tasks: Tasks,
}

/// A request under way: what is still to be sent, and the answer.
#[derive(Debug)]
pub struct Running {
    /// The request's body.
    pub sending: SendStream<Bytes>,
    answer: h2::client::ResponseFuture,
}

impl H2Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = within("connecting", TcpStream::connect(address)).await;
        let stream = stream.unwrap_or_else(|error| panic!("connecting to {address}: {error}"));
        let (requests, connection) = within("the preface", handshake(stream))
            .await
            .expect("an HTTP/2 connection");
        let tasks = Tasks::new();
        tasks.spawn("HTTP/2 client", async move {
            let _ = connection.await;
        });
        Self {
            requests,
            address,
            tasks,
        }
    }

    /// Waits until the connection is over.
    pub async fn ended(self) {
        drop(self.requests);
        let ended = self.tasks.ended(crate::wire::PATIENCE).await;
        ended.expect("the connection should have ended");
    }

    /// A request's head for this server.
    pub fn head(&self, method: &str, path: &str) -> http::request::Builder {
        let uri = format!("http://{}{path}", self.address);
        Request::builder().method(method).uri(uri)
    }

    /// Begins a request, whose body follows unless `is_whole`.
    pub async fn begin(&self, head: http::request::Builder, is_whole: bool) -> Running {
        let mut requests = within("a place for a request", self.requests.clone().ready())
            .await
            .expect("the connection is open");
        let head = head.body(()).expect("a valid head");
        let (answer, sending) = requests
            .send_request(head, is_whole)
            .expect("the request is sent");
        Running { sending, answer }
    }

    /// Sends a request without a body, and reads the answer.
    pub async fn send(&self, head: http::request::Builder) -> Answer {
        self.begin(head, true).await.answer().await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.head("GET", path)).await
    }

    /// Sends a request with a body, and reads the answer.
    pub async fn send_with(&self, head: http::request::Builder, body: &str) -> Answer {
        let mut running = self.begin(head, false).await;
        let body = Bytes::copy_from_slice(body.as_bytes());
        running
            .sending
            .send_data(body, true)
            .expect("the body is sent");
        running.answer().await
    }
}

impl Running {
    /// The answer's head, and what follows it.
    pub async fn head(self) -> Result<Response<RecvStream>, h2::Error> {
        within("an answer", self.answer).await
    }

    /// The whole answer.
    pub async fn answer(self) -> Answer {
        let response = self.head().await.expect("an answer");
        let (parts, mut stream) = response.into_parts();
        let mut body = Vec::new();
        while let Some(piece) = within("more of the answer", stream.data()).await {
            let piece = piece.expect("the answer is whole");
            let _ = stream.flow_control().release_capacity(piece.len());
            body.extend_from_slice(&piece);
        }
        let trailers = within("the trailers", stream.trailers()).await;
        Answer {
            status: parts.status.as_u16(),
            fields: list(&parts.headers),
            body,
            trailers: list(&trailers.expect("the answer is whole").unwrap_or_default()),
            interim: Vec::new(),
        }
    }
}

fn list(fields: &HeaderMap) -> Vec<(String, String)> {
    let each = fields.iter().map(|(name, value)| {
        let value = value.as_bytes().iter().copied().map(char::from).collect();
        (name.as_str().to_owned(), value)
    });
    each.collect()
}
