//! A backend as a BFF calls it: where it is, how many calls it may have at once, and what else protects it.

use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use upstream::breaker::Breaker;
use upstream::bulkhead::{Bulkhead, Permit, Places};
use upstream::endpoint::NotAHost;
use upstream::fleet::{self, Fleet, Member};
use upstream::hedge::Hedge;
use upstream::{Connecting, Endpoint, Place, Upstream, retry};

use crate::cohort::Side;
use crate::need::Need;
use crate::protection::Protection;

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
    /// When a call is tried again.
    pub(crate) retry: retry::Settings,
    /// What keeps calls from being made, where this process does that.
    pub(crate) breaker: Option<Breaker>,
    /// What makes second tries, where this process does that.
    pub(crate) hedge: Option<Hedge>,
    /// How many tries it has had.
    pub(crate) calls: Counter,
}

impl Backend {
    /// A backend below a gateway, which protects it, or for a test: it may have `permits` calls at once.
    pub fn new(
        name: &'static str,
        host: &str,
        port: u16,
        base_path: &str,
        permits: u32,
    ) -> Result<Arc<Self>, NotAHost> {
        let protection = Protection::by_gateway(permits);
        Self::protected(name, host, port, base_path, &protection)
    }

    /// A backend at one address.
    pub fn protected(
        name: &'static str,
        host: &str,
        port: u16,
        base_path: &str,
        protection: &Protection,
    ) -> Result<Arc<Self>, NotAHost> {
        let member = Member {
            endpoint: Arc::new(Endpoint::new(Place::new(host, port, ""))?),
            weight: 1,
        };
        let fleet = Fleet::new(fleet::Settings::default(), vec![member]);
        Ok(Arc::new(Self {
            name,
            upstream: Upstream {
                name: name.to_owned(),
                fleet: Arc::new(fleet.named(name)),
                connecting: connecting(),
                bulkhead: None,
                budget: Arc::default(),
                tally: Arc::default(),
            },
            base_path: base_path.trim_end_matches('/').to_owned(),
            bulkheads: std::array::from_fn(|_| Bulkhead::new(protection.places)),
            retry: protection.retry.clone(),
            breaker: protection
                .breaker
                .clone()
                .map(|settings| Breaker::new(settings).named(name)),
            hedge: protection.hedge.map(Hedge::new),
            calls: Counter::default(),
        }))
    }

    /// A place for a call, if there is one. Nobody queues: who finds none is refused at once.
    pub fn enter(&self, need: Need, side: Option<Side>) -> Option<Permit> {
        let Places { bulkhead, up_to } = self.places(need, side);
        bulkhead.enter_up_to(up_to)
    }

    /// The places of which a call may take one.
    pub(crate) fn places(&self, need: Need, side: Option<Side>) -> Places<'_> {
        let [unknown, legacy, service] = &self.bulkheads;
        let bulkhead = match side {
            None => unknown,
            Some(Side::Legacy) => legacy,
            Some(Side::Service) => service,
        };
        Places {
            bulkhead,
            up_to: need.of(bulkhead.settings().concurrent),
        }
    }

    /// How many calls it has now.
    pub fn under_way(&self) -> u32 {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(backend: &Backend, need: Need, side: Option<Side>, times: usize) -> Vec<Permit> {
        let entered = (0..times).map_while(|_| backend.enter(need, side));
        entered.collect()
    }

    #[test]
    fn optional_parts_leave_a_fifth_to_required_ones() {
        let backend = Backend::new("catalog", "x", 80, "", 10).unwrap();
        let optional = enter(&backend, Need::Optional, None, 20);
        assert_eq!(optional.len(), 8);
        let required = enter(&backend, Need::Required, None, 20);
        assert_eq!(required.len(), 2);
        assert_eq!(backend.under_way(), 10);
        drop((optional, required));
        assert_eq!(backend.under_way(), 0);
        assert!(backend.enter(Need::Optional, None).is_some());
    }

    #[test]
    fn a_side_that_hangs_takes_no_place_from_the_other() {
        let backend = Backend::new("catalog", "x", 80, "", 10).unwrap();
        let _hang = enter(&backend, Need::Required, Some(Side::Service), 20);
        let legacy = enter(&backend, Need::Required, Some(Side::Legacy), 20);
        assert_eq!((legacy.len(), backend.under_way()), (10, 20));
    }
}
