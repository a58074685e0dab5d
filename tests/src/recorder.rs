//! A backend that reads strictly and remembers who asked for what: whatever is not one plain request is found here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::origin::Origin;
use crate::strict::{Read, Request, request};
use crate::wire::Wire;

/// What one client's requests came to, one client being an address that it asked from.
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    /// The requests that came whole.
    pub whole: Vec<Request>,
    /// Requests that broke off.
    pub parts: usize,
    /// What was no request, and why.
    pub wrong: Vec<(&'static str, String)>,
}

type Book = Arc<Mutex<BTreeMap<String, Upstream>>>;

/// A recording backend. It answers 200 to all that it can read.
#[derive(Debug)]
pub struct Recorder {
    origin: Origin,
    book: Book,
}

impl Recorder {
    /// Starts one.
    pub async fn start() -> Self {
        let book = Book::default();
        let shared = Arc::clone(&book);
        let origin = Origin::handling(move |wire, _| record(wire, Arc::clone(&shared))).await;
        Self { origin, book }
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        self.origin.url()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.origin.address()
    }

    /// All that has come, by the client's address; whole only once whoever connects here has gone.
    pub fn seen(&self) -> BTreeMap<String, Upstream> {
        let book = self.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.clone()
    }
}

async fn record(mut wire: Wire, book: Book) {
    let (mut bytes, mut last) = (Vec::new(), String::new());
    let note = |client: &str, change: &dyn Fn(&mut Upstream)| {
        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
        change(book.entry(client.to_owned()).or_default());
    };
    loop {
        match request(&bytes) {
            Read::Whole(request, length) => {
                bytes.drain(..length);
                last = request.all("x-forwarded-for").join(",");
                note(&last, &|upstream| upstream.whole.push(request.clone()));
                let body = if request.method == "HEAD" { "" } else { "ok" };
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{body}");
                if wire.try_send(answer).await.is_err() {
                    return;
                }
            }
            Read::Wrong(why) => {
                let client = whose(&bytes).unwrap_or(last);
                let shown = bytes.escape_ascii().to_string();
                return note(&client, &|upstream| {
                    upstream.wrong.push((why, shown.clone()));
                });
            }
            Read::Part => match wire.try_some().await {
                Ok(more) if !more.is_empty() => bytes.extend(more),
                _ if bytes.is_empty() => return,
                _ => {
                    let client = whose(&bytes).unwrap_or(last);
                    return note(&client, &|upstream| upstream.parts += 1);
                }
            },
        }
    }
}

/// The client that bytes which are no request speak of.
fn whose(bytes: &[u8]) -> Option<String> {
    let text = crate::answer::latin1(bytes);
    let (_, from) = text.split_once("x-forwarded-for: ")?;
    Some(from.split("\r\n").next()?.to_owned())
}
