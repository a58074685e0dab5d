//! The public listener, as written: `[edge]`.

use std::net::SocketAddr;
use std::time::Duration;

use ipnet::IpNet;

/// The public listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// Where clients come in.
    pub bind: SocketAddr,
    /// Data-path threads; 0 is one per core.
    pub workers: usize,
    /// Peers whose forwarding fields are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// From a request's first byte to the end of its head.
    pub header_timeout: Duration,
    /// A connection without a request is closed after this.
    pub idle_timeout: Duration,
    /// A body that makes no progress for this long is given up.
    pub body_idle_timeout: Duration,
    /// All of a request's fields and its first line, bytes.
    pub max_header_bytes: usize,
    /// How many fields a request may have.
    pub max_headers: usize,
    /// A request target's length, bytes.
    pub max_uri: usize,
    /// Open connections over all workers.
    pub max_connections: usize,
    /// After SIGTERM, what runs gets this long.
    pub drain: Duration,
}
