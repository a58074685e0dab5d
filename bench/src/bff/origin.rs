//! The backends of one screen: three ports of one process that answer from memory, one of them after a while.
//!
//! The answers are the shop's own for product 7. It is written for cheapness, since it shares a core with the load: a
//! request's head is compared with the one that is known, and the answer is one write.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::child::{Child, Core, pinned};
use crate::http::ask;

/// How long the slow one takes, up to the runtime's next whole millisecond.
const SLOW: Duration = Duration::from_millis(5);

/// Longer than any request's head here.
const LONGEST: usize = 64 * 1024;

/// Below this path the origin itself is talked to: `last`, `break`, `mend`.
const CONTROL: &str = "/__origin/";

/// Name, request line, answer, and how long it takes.
const BACKENDS: [(&str, &str, &str, Duration); 3] = [
    (
        "catalog",
        "GET /api/products/7 HTTP/1.1\r\n",
        include_str!("answers/product.json"),
        Duration::ZERO,
    ),
    (
        "reviews",
        "GET /api/reviews/summary?ids=7 HTTP/1.1\r\n",
        include_str!("answers/reviews.json"),
        SLOW,
    ),
    (
        "inventory",
        "GET /api/stock?ids=7 HTTP/1.1\r\n",
        include_str!("answers/stock.json"),
        Duration::ZERO,
    ),
];

/// Where they are.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    pub(crate) catalog: SocketAddr,
    pub(crate) reviews: SocketAddr,
    pub(crate) inventory: SocketAddr,
}

/// All of them in a process on `core`, ready.
pub(crate) fn start(core: Core, folder: &Path) -> anyhow::Result<(Child, Backends)> {
    let ready = folder.join("origin-ready.json");
    let mut command = pinned(core, std::env::current_exe()?);
    command.arg("origin").arg("--ready-file").arg(&ready);
    let mut process = Child::start("origin", command, &folder.join("origin.log"))?;
    let addresses = process.ready(&ready)?;
    let address = |name: &str| {
        let text = addresses[name].as_str();
        let text = text.with_context(|| format!("the origin has no {name}"))?;
        anyhow::Ok(text.parse()?)
    };
    let backends = Backends {
        catalog: address("catalog")?,
        reviews: address("reviews")?,
        inventory: address("inventory")?,
    };
    Ok((process, backends))
}

/// The head of the request that a backend got last.
pub(crate) fn last(backend: SocketAddr) -> anyhow::Result<String> {
    Ok(control(backend, "last")?.to_ascii_lowercase())
}

/// Runs `work` while a backend answers nothing but 503.
pub(crate) fn while_broken<T>(
    backend: SocketAddr,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    control(backend, "break")?;
    let done = work();
    control(backend, "mend")?;
    done
}

fn control(backend: SocketAddr, what: &str) -> anyhow::Result<String> {
    Ok(ask(backend, &format!("{CONTROL}{what}"), &[])?.content)
}

/// What the process is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the addresses are written to once all ports are open.
    #[arg(long)]
    ready_file: PathBuf,
}

/// The process.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(serve(&options.ready_file))
}

async fn serve(ready_file: &Path) -> anyhow::Result<()> {
    let (mut ports, mut addresses) = (JoinSet::new(), serde_json::Map::new());
    for (name, line, content, delay) in BACKENDS {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address: Value = json!(listener.local_addr()?);
        addresses.insert(name.to_owned(), address);
        let backend = Backend {
            line,
            answer: answer("200 OK", "application/json", content),
            delay,
            last: Mutex::default(),
            broken: AtomicBool::new(false),
        };
        ports.spawn(accept(listener, Arc::new(backend)));
    }
    // Whoever waits for the file must not see half of it.
    let half = ready_file.with_extension("new");
    std::fs::write(&half, Value::from(addresses).to_string())?;
    std::fs::rename(half, ready_file)?;
    while let Some(ended) = ports.join_next().await {
        ended??;
    }
    Ok(())
}

async fn accept(listener: TcpListener, backend: Arc<Backend>) -> io::Result<()> {
    let mut connections = JoinSet::new();
    loop {
        let (socket, _) = listener.accept().await?;
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(socket, Arc::clone(&backend)));
    }
}

/// Its requests, one after the other.
async fn connection(mut socket: TcpStream, backend: Arc<Backend>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut read = Vec::with_capacity(4096);
    loop {
        let Some(end) = end_of_head(&read) else {
            if read.len() > LONGEST || socket.read_buf(&mut read).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let known = backend.knows(&read[..end]);
        if known && !backend.delay.is_zero() {
            tokio::time::sleep(backend.delay).await;
        }
        if known && !backend.broken.load(Ordering::Relaxed) {
            socket.write_all(&backend.answer).await?;
        } else {
            let other = backend.otherwise(&read[..end]);
            socket.write_all(&other).await?;
        }
        read.drain(..end);
    }
}

struct Backend {
    line: &'static str,
    answer: Vec<u8>,
    delay: Duration,
    last: Mutex<Vec<u8>>,
    broken: AtomicBool,
}

impl Backend {
    /// Whether this is what it answers; then it is remembered.
    fn knows(&self, head: &[u8]) -> bool {
        let known = head.starts_with(self.line.as_bytes());
        if known {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            last.clear();
            last.extend_from_slice(head);
        }
        known
    }

    /// What is answered to anything else.
    fn otherwise(&self, head: &[u8]) -> Vec<u8> {
        let head = String::from_utf8_lossy(head);
        let path = head.split(' ').nth(1).unwrap_or_default();
        let text = |content: &str| answer("200 OK", "text/plain", content);
        match path.strip_prefix(CONTROL) {
            Some("last") => {
                let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
                text(&String::from_utf8_lossy(&last))
            }
            Some(what @ ("break" | "mend")) => {
                self.broken.store(what == "break", Ordering::Relaxed);
                text("")
            }
            _ if head.starts_with(self.line) => {
                answer("503 Service Unavailable", "text/plain", "broken")
            }
            _ => answer("404 Not Found", "text/plain", path),
        }
    }
}

fn end_of_head(read: &[u8]) -> Option<usize> {
    let at = read.windows(4).position(|four| four == b"\r\n\r\n");
    at.map(|at| at + 4)
}

fn answer(status: &str, kind: &str, content: &str) -> Vec<u8> {
    let length = content.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n{content}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_answers_what_it_knows_and_tells_what_it_got() {
        let (_, line, content, _) = BACKENDS[2];
        let backend = Backend {
            line,
            answer: answer("200 OK", "application/json", content),
            delay: Duration::ZERO,
            last: Mutex::default(),
            broken: AtomicBool::new(false),
        };
        let head = format!("{line}traceparent: 00-1-2-3\r\n\r\n");
        assert!(backend.knows(head.as_bytes()));
        assert!(!backend.knows(b"GET /api/stock?ids=8 HTTP/1.1\r\n\r\n"));
        let told = |path: &str| {
            let request = format!("GET {path} HTTP/1.1\r\n\r\n");
            String::from_utf8(backend.otherwise(request.as_bytes())).unwrap()
        };
        assert!(told("/__origin/last").ends_with(&head));
        assert!(told("/api/stock?ids=8").starts_with("HTTP/1.1 404 "));
        told("/__origin/break");
        assert!(backend.broken.load(Ordering::Relaxed));
    }

    #[test]
    fn the_answers_are_json_of_the_size_of_real_ones() {
        for (name, _, content, _) in BACKENDS {
            let value: Value = serde_json::from_str(content).unwrap();
            assert!(value.is_object() && content.len() < 1024, "{name}");
        }
    }
}
