//! Connections that change their protocol (RFC 9110, section 7.8): WebSocket and whatever else a backend agrees to.
//!
//! Every policy has run before; the client's connection changes only after the upstream's own 101.

use std::time::Duration;

use chassis::tasks::Tasks;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Request};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use wire::Upgraded;

use super::incoming::{ClientBody, ClientHalf};

/// What is copied at once.
const BUFFER: usize = 16 * 1024;

/// A protocol that a client asks for, and its half of the connection.
#[derive(Debug)]
pub struct Wanted {
    protocol: HeaderValue,
    client: ClientHalf,
}

impl Wanted {
    /// Takes the wish from a request, if it has one.
    pub fn take(request: &mut Request<ClientBody>) -> Option<Self> {
        let protocol = wish(request.headers())?.clone();
        Some(Self {
            protocol,
            client: ClientHalf::of(request),
        })
    }

    /// Says it again to the upstream, behind the removal of hop-by-hop fields.
    pub fn ask(&self, fields: &mut HeaderMap) {
        fields.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        fields.insert(UPGRADE, self.protocol.clone());
    }

    /// The upstream agreed: joins both connections until one ends, nothing moves for `idle`, or the process stops.
    ///
    /// `held` is let go when they are.
    pub fn join<H: 'static>(self, upstream: OnUpgrade, idle: Duration, held: H, tasks: &Tasks) {
        let stopping = tasks.stopping();
        tasks.spawn_local("upgraded connection", async move {
            let _held = held;
            let Ok(upstream) = upstream.await.map(TokioIo::new) else {
                return;
            };
            let joined = async {
                match self.client {
                    ClientHalf::H1(client) => {
                        if let Ok(Upgraded { io, read }) = client.await {
                            // What the client sent behind its request is the first that the upstream reads.
                            let (from_client, to_client) = tokio::io::split(io);
                            let from_client = read.chain(from_client);
                            copy_both((from_client, to_client), upstream, idle).await;
                        }
                    }
                    ClientHalf::H2(client) => {
                        if let Ok(client) = client.await.map(TokioIo::new) {
                            copy_both(tokio::io::split(client), upstream, idle).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = joined => {}
                () = stopping => {}
            }
        });
    }
}

/// The protocol that a request asks for. `h2c` is no wish of ours: HTTP/2 is another connection.
pub fn wish(fields: &HeaderMap) -> Option<&HeaderValue> {
    let protocol = fields.get(UPGRADE)?;
    let asked = has_token(fields, "upgrade") && !protocol.as_bytes().eq_ignore_ascii_case(b"h2c");
    asked.then_some(protocol)
}

fn has_token(fields: &HeaderMap, token: &str) -> bool {
    let mut tokens = fields
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.any(|given| given.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

async fn copy_both(
    (mut from_client, mut to_client): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
    upstream: impl AsyncRead + AsyncWrite + Unpin,
    idle: Duration,
) {
    let (mut from_upstream, mut to_upstream) = tokio::io::split(upstream);
    let moved = std::cell::Cell::new(false);
    let inward = copy(&mut from_client, &mut to_upstream, &moved);
    let outward = copy(&mut from_upstream, &mut to_client, &moved);
    let both = async { tokio::join!(inward, outward) };
    tokio::select! {
        _ = both => {}
        () = until_idle(&moved, idle) => {}
    }
}

async fn copy(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    moved: &std::cell::Cell<bool>,
) {
    let mut buffer = vec![0; BUFFER];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        moved.set(true);
        if to.write_all(&buffer[..length]).await.is_err() || to.flush().await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

async fn until_idle(moved: &std::cell::Cell<bool>, idle: Duration) {
    loop {
        tokio::time::sleep(idle).await;
        if !moved.replace(false) {
            return;
        }
    }
}
