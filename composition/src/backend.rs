//! A backend as a BFF calls it: where it is, and how many calls it may have at once.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use upstream::endpoint::NotAHost;
use upstream::{Connecting, Endpoint, Place, Upstream};

use crate::bulkhead::{Bulkhead, Need, Permit};
use crate::cohort::Side;

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
    /// How many calls it may have at once: for each side by itself, as far as it is known, so that a service that hangs
    /// takes no place from the callers of legacy.
    bulkheads: [Arc<Bulkhead>; 3],
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
                endpoints: vec![Arc::new(Endpoint::new(Place::new(host, port, ""))?)],
                connecting: connecting(),
            },
            base_path: base_path.trim_end_matches('/').to_owned(),
            bulkheads: std::array::from_fn(|_| Bulkhead::new(permits)),
            calls: Counter::default(),
        }))
    }

    /// A place for a call, if there is one.
    pub fn enter(&self, need: Need, side: Option<Side>) -> Option<Permit> {
        let [unknown, legacy, service] = &self.bulkheads;
        let bulkhead = match side {
            None => unknown,
            Some(Side::Legacy) => legacy,
            Some(Side::Service) => service,
        };
        bulkhead.enter(need)
    }

    /// How many calls it has now.
    pub fn under_way(&self) -> usize {
        self.bulkheads.iter().map(|bulkhead| bulkhead.held()).sum()
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
