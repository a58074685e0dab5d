//! One TCP connection and the exact bytes on it, for either end: HTTP libraries are too polite for tests of a gateway.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::answer::{Answer, latin1, values};

/// Whatever a test waits for has happened by then, on the slowest machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A socket and what was read from it ahead of time.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    ahead: Vec<u8>,
}

/// A first line and its fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The first line, without its line break.
    pub line: String,
    /// Names in lower case and values, in the order received.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// All values of a field, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        values(&self.fields, name)
    }

    /// The method of a request line.
    pub fn method(&self) -> &str {
        self.line.split(' ').next().unwrap_or_default()
    }

    /// The target of a request line, or the code of a status line.
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap_or_default()
    }

    fn framing(&self) -> Framing {
        let chunked = self
            .all("transfer-encoding")
            .iter()
            .any(|coding| coding.eq_ignore_ascii_case("chunked"));
        match self
            .all("content-length")
            .first()
            .map(|length| length.parse())
        {
            _ if chunked => Framing::Chunked,
            Some(Ok(length)) => Framing::Length(length),
            _ => Framing::None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Chunked,
    Length(usize),
    None,
}

/// Connects, sends these bytes, reads one answer (to a method other than HEAD) and closes.
pub async fn exchange(address: SocketAddr, request: impl AsRef<[u8]>) -> Answer {
    let mut wire = Wire::connect(address).await;
    wire.send(request).await;
    wire.answer().await
}

impl Wire {
    /// Opens a connection.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = within("connecting", TcpStream::connect(address)).await;
        Self::new(stream.unwrap_or_else(|error| panic!("connecting to {address}: {error}")))
    }

    /// Opens a connection from this address of the machine, which tells clients apart.
    pub async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((source, 0).into()).expect("a free port");
        let stream = within("connecting", socket.connect(address)).await;
        Self::new(stream.unwrap_or_else(|error| panic!("connecting to {address}: {error}")))
    }

    /// Takes over an accepted connection.
    pub fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            ahead: Vec::new(),
        }
    }

    /// This side's address.
    pub fn local_address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket")
    }

    /// Writes these bytes, as one write where the kernel takes it.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let written = within("sending", self.stream.write_all(bytes.as_ref())).await;
        written.unwrap_or_else(|error| panic!("sending: {error}"));
    }

    /// The same, but the other side may have gone.
    pub async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        within("sending", self.stream.write_all(bytes.as_ref())).await
    }

    /// Reads one whole answer to a request that was not HEAD.
    pub async fn answer(&mut self) -> Answer {
        let (mut answer, head) = self.answer_head().await;
        let framing = match (answer.status, head.framing()) {
            (204 | 304 | 101, _) => Framing::Length(0),
            (_, Framing::None) => {
                answer.body = self.rest().await;
                return answer;
            }
            (_, framing) => framing,
        };
        (answer.body, answer.trailers) = self.body(framing).await;
        answer
    }

    /// Reads one answer to a HEAD request: what its fields announce does not follow.
    pub async fn answer_to_head(&mut self) -> Answer {
        self.answer_head().await.0
    }

    /// Reads a request with its whole body; nothing when the peer closes instead.
    pub async fn request(&mut self) -> Option<(Head, Vec<u8>)> {
        let head = self.request_head().await?;
        let (body, _) = self.body(head.framing()).await;
        Some((head, body))
    }

    /// Reads a request's head only.
    pub async fn request_head(&mut self) -> Option<Head> {
        self.try_head().await.ok().flatten()
    }

    /// Reads a first line and its fields; `None` when the peer closes before the first byte.
    pub async fn try_head(&mut self) -> io::Result<Option<Head>> {
        let Some(end) = self.read_until(b"\r\n\r\n").await? else {
            return Ok(None);
        };
        let head = latin1(&self.take(end));
        let mut lines = head.trim_end().split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.filter_map(field).collect();
        Ok(Some(Head { line, fields }))
    }

    /// Everything until the other side closes; a reset counts as that.
    pub async fn rest(&mut self) -> Vec<u8> {
        within("reading to the end", async {
            while self.fill().await.is_ok_and(|count| count > 0) {}
        })
        .await;
        std::mem::take(&mut self.ahead)
    }

    /// At least one byte, as it arrives; nothing when the other side has closed.
    pub async fn some(&mut self) -> Vec<u8> {
        if self.ahead.is_empty() {
            let read = within("reading", self.fill()).await;
            read.unwrap_or_else(|error| panic!("reading: {error}"));
        }
        std::mem::take(&mut self.ahead)
    }

    /// The same, where the other side may break the connection.
    pub async fn try_some(&mut self) -> io::Result<Vec<u8>> {
        if self.ahead.is_empty() {
            within("reading", self.fill()).await?;
        }
        Ok(std::mem::take(&mut self.ahead))
    }

    /// Exactly this many bytes.
    pub async fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            let read = within("reading", self.fill()).await;
            let read = read.unwrap_or_else(|error| panic!("reading: {error}"));
            assert!(
                read > 0,
                "closed after {} of {count} bytes",
                self.ahead.len()
            );
        }
        self.take(count)
    }

    /// This many bytes, or what there is of them when the other side has closed.
    pub async fn up_to(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            let read = within("reading", self.fill()).await;
            if !read.is_ok_and(|read| read > 0) {
                break;
            }
        }
        self.take(count.min(self.ahead.len()))
    }

    /// Says that no more bytes will follow, and stays to read.
    pub async fn finish(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection with a reset instead of a farewell.
    pub fn reset(self) {
        let _ = self.stream.set_zero_linger();
    }

    async fn answer_head(&mut self) -> (Answer, Head) {
        let mut interim = Vec::new();
        loop {
            let head = self
                .try_head()
                .await
                .unwrap_or_else(|error| panic!("reading an answer: {error}"))
                .expect("closed without an answer");
            let status = head.target().parse().expect("a status line");
            if (100..200).contains(&status) && status != 101 {
                interim.push(status);
                continue;
            }
            let fields = head.fields.clone();
            let answer = Answer {
                status,
                fields,
                interim,
                ..Answer::default()
            };
            return (answer, head);
        }
    }

    async fn body(&mut self, framing: Framing) -> (Vec<u8>, Vec<(String, String)>) {
        match framing {
            Framing::None => (Vec::new(), Vec::new()),
            Framing::Length(length) => (self.exactly(length).await, Vec::new()),
            Framing::Chunked => self.chunks().await,
        }
    }

    async fn chunks(&mut self) -> (Vec<u8>, Vec<(String, String)>) {
        let mut body = Vec::new();
        loop {
            let size = self.line().await;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).expect("a chunk's size");
            if size == 0 {
                break;
            }
            body.extend(self.exactly(size).await);
            assert_eq!(self.exactly(2).await, b"\r\n", "after a chunk");
        }
        let mut trailers = Vec::new();
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return (body, trailers);
            }
            trailers.extend(field(&line));
        }
    }

    async fn line(&mut self) -> String {
        let end = self.read_until(b"\r\n").await;
        let end = end.unwrap_or_else(|error| panic!("reading a line: {error}"));
        let line = self.take(end.expect("closed inside a chunked body"));
        latin1(&line[..line.len() - 2])
    }

    /// Reads on until `mark` is there; says where it ends.
    async fn read_until(&mut self, mark: &[u8]) -> io::Result<Option<usize>> {
        let mut searched = 0;
        loop {
            let found = self.ahead[searched..]
                .windows(mark.len())
                .position(|window| window == mark);
            if let Some(at) = found {
                return Ok(Some(searched + at + mark.len()));
            }
            searched = self.ahead.len().saturating_sub(mark.len());
            if within("reading", self.fill()).await? == 0 {
                return if self.ahead.is_empty() {
                    Ok(None)
                } else {
                    Err(io::ErrorKind::UnexpectedEof.into())
                };
            }
        }
    }

    async fn fill(&mut self) -> io::Result<usize> {
        self.stream.read_buf(&mut self.ahead).await
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.ahead.split_off(count);
        std::mem::replace(&mut self.ahead, rest)
    }
}

/// Waits, but not forever: a test that hangs says in what.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} took longer than {PATIENCE:?}"))
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}
