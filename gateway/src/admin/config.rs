//! The admin listener, as written: `[admin]`.

use std::net::SocketAddr;

use chassis::secret::{ExposeSecret, SecretString};
use ipnet::IpNet;

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
