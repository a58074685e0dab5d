//! The listeners, as written: `[edge]`, `[internal]` and `[admin]`; and which of them a request came in at.

use std::net::SocketAddr;
use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};
use ipnet::IpNet;

/// The public listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeConfig {
    /// Where clients come in.
    pub bind: SocketAddr,
    /// Whether HTTP/2 is spoken beside HTTP/1, here and on the internal listener.
    pub http2: bool,
    /// Data-path threads; 0 is one per core.
    pub workers: usize,
    /// Peers whose forwarding fields are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The gateway's name in `Via`; at random if there is none.
    pub via: Option<String>,
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

/// Where a request may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Listener {
    /// The public one: clients.
    Edge,
    /// The one behind it: backends for frontends, which hand on a client's request in parts.
    Internal,
}

impl Listener {
    /// Both, the public one first.
    pub const ALL: [Self; 2] = [Self::Edge, Self::Internal];

    /// As the file spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Internal => "internal",
        }
    }
}

/// The internal listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternalConfig {
    /// Where callers come in.
    pub bind: SocketAddr,
    /// Peers that may speak here, and whose sticky keys, deadlines and request ids are believed.
    pub trusted_callers: Vec<IpNet>,
}

/// The admin listener.
#[derive(Clone, Debug)]
pub struct AdminConfig {
    /// Where operators and scrapers come in.
    pub bind: SocketAddr,
    /// Needed for everything but health when `bind` is not loopback.
    pub token: Option<SecretString>,
    /// Peers that hear causes and see `x-route-reason`.
    pub trusted: Vec<IpNet>,
    /// Whether `/metrics` asks for the token.
    pub metrics: MetricsAccess,
}

/// Who may scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MetricsAccess {
    /// Everybody who reaches the admin listener.
    #[default]
    Open,
    /// Holders of the token.
    Token,
}

impl PartialEq for AdminConfig {
    fn eq(&self, other: &Self) -> bool {
        let token = |config: &Self| {
            config
                .token
                .as_ref()
                .map(|token| token.expose_secret().to_owned())
        };
        (self.bind, &self.trusted, self.metrics, token(self))
            == (other.bind, &other.trusted, other.metrics, token(other))
    }
}
