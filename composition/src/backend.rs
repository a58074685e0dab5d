//! A backend as a BFF calls it: where it is, and how many calls it may have at once.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use upstream::endpoint::NotAHost;
use upstream::{Connecting, Endpoint, Upstream};

use crate::bulkhead::Bulkhead;

/// Kept connections to a backend.
const IDLE_MAX: usize = 64;

/// Shorter than a server's usual keep-alive, so that a connection is rarely used while it is being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(9);

/// A connection that has not come about by then will not do so in time for a screen.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// One backend.
#[derive(Debug)]
pub struct Backend {
    /// Its name: the label in metrics.
    pub name: &'static str,
    /// Where it is.
    pub upstream: Upstream,
    /// What is put before the path of every call: empty, or a path without a slash at its end.
    pub base_path: String,
    /// How many calls it may have at once.
    pub bulkhead: Arc<Bulkhead>,
    /// How many it has had.
    pub(crate) calls: Counter,
}

impl Backend {
    /// A backend at one address that may have `permits` calls at once.
    pub fn new(
        name: &'static str,
        host: &str,
        port: u16,
        base_path: &str,
        permits: usize,
    ) -> Result<Arc<Self>, NotAHost> {
        Ok(Arc::new(Self {
            name,
            upstream: Upstream {
                name: name.to_owned(),
                endpoints: vec![Arc::new(Endpoint::new(host, port, "")?)],
                connecting: connecting(),
            },
            base_path: base_path.trim_end_matches('/').to_owned(),
            bulkhead: Bulkhead::new(permits),
            calls: Counter::default(),
        }))
    }
}

/// How connections to backends come about and are kept.
pub(crate) fn connecting() -> Connecting {
    Connecting {
        timeout: CONNECT_TIMEOUT,
        idle_max: IDLE_MAX,
        idle_timeout: IDLE_TIMEOUT,
    }
}
