//! One place where a backend listens. Alive: shared by all cores, kept over reloads as long as the file names it.

pub(crate) mod condition;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use self::condition::{Condition, Rules, Standing};
use crate::ejection::Row;
use crate::ewma::Ewma;
use crate::stamp::Stamp;
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

/// Where a backend listens: what tells one endpoint from another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The name or address as written; an IPv6 address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Put before every path: empty, or it starts with a slash and does not end with one.
    pub base_path: String,
    /// What the name stands for, where somebody has looked it up. Without it whoever connects does.
    pub address: Option<IpAddr>,
}

impl Place {
    /// A place by name or address; an address needs no looking up.
    pub fn new(host: &str, port: u16, base_path: &str) -> Self {
        Self {
            host: host.to_owned(),
            port,
            base_path: base_path.to_owned(),
            address: host.parse().ok(),
        }
    }

    /// The address, where the host is not one itself.
    fn looked_up(&self) -> Option<IpAddr> {
        let address = self.address?;
        (self.host.parse() != Ok(address)).then_some(address)
    }
}

/// One place where a backend listens.
#[derive(Debug)]
pub struct Endpoint {
    id: u32,
    place: Place,
    authority: HeaderValue,
    logged: HeaderValue,
    began: Instant,
    in_flight: AtomicU32,
    latency: Ewma,
    row: Row,
    succeeded: AtomicU64,
    failed: AtomicU64,
    condition: Mutex<Condition>,
}

/// An address that cannot stand in a `Host` field.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no host name")]
pub struct NotAHost(String);

impl Endpoint {
    /// Nothing is known of it yet.
    pub fn new(place: Place) -> Result<Self, NotAHost> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shown = if place.host.contains(':') {
            format!("[{}]", place.host)
        } else {
            place.host.clone()
        };
        let authority = if place.port == 80 {
            shown
        } else {
            format!("{shown}:{}", place.port)
        };
        let value = |text| HeaderValue::try_from(text).map_err(|_| NotAHost(place.host.clone()));
        let logged = match place.looked_up() {
            Some(address) => format!("{authority} at {address}"),
            None => authority.clone(),
        };
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            logged: value(logged)?,
            authority: value(authority)?,
            place,
            began: Instant::now(),
            in_flight: AtomicU32::new(0),
            latency: Ewma::default(),
            row: Row::default(),
            succeeded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            condition: Mutex::default(),
        })
    }

    /// Tells it from every other endpoint of this process's life.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What is put before every path.
    pub fn base_path(&self) -> &str {
        &self.place.base_path
    }

    /// The address to connect to, where it is known.
    pub fn address(&self) -> Option<SocketAddr> {
        let address = self.place.address?;
        Some(SocketAddr::new(address, self.place.port))
    }

    /// As access lines name it: as a `Host` field, with the address where the name has been looked up.
    pub fn logged(&self) -> &HeaderValue {
        &self.logged
    }

    /// As a `Host` field.
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Requests that it has and has not finished answering.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long it has taken of late, in seconds, if anything is known.
    pub(crate) fn latency(&self, now: Instant) -> Option<f32> {
        self.latency.read(self.stamp(now))
    }

    /// How many calls it has answered well and how many not.
    pub(crate) fn calls(&self) -> (u64, u64) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (count(&self.succeeded), count(&self.failed))
    }

    /// It answered well.
    pub(crate) fn succeeded(&self, took: Duration, now: Instant) {
        self.succeeded.fetch_add(1, Ordering::Relaxed);
        self.latency.observe(took, self.stamp(now));
        self.row.ended();
    }

    /// It failed. Says how often in a row, with nothing between two failures for shorter than `interval`.
    pub(crate) fn failed(&self, took: Duration, interval: Duration, now: Instant) -> u32 {
        let at = self.stamp(now);
        self.failed.fetch_add(1, Ordering::Relaxed);
        self.latency.observe_failure(took, at);
        self.row.failed(at, interval)
    }

    /// Somebody has waited so long and waits no more: its answers take no less.
    pub(crate) fn left(&self, waited: Duration, now: Instant) {
        self.latency.at_least(waited, self.stamp(now));
    }

    /// Failures count anew.
    pub(crate) fn forget_failures(&self) {
        self.row.ended();
    }

    /// It was out and is back: how long it took before says nothing.
    pub(crate) fn forget_latency(&self) {
        self.latency.forget();
    }

    /// How it stands. Whose time is over comes back with this.
    pub(crate) fn standing(&self, rules: Rules<'_>, now: Instant) -> Standing {
        let mut condition = self.condition();
        if condition.come_back(rules, now) {
            self.forget_latency();
            let upstream = rules.upstream;
            tracing::info!(upstream, endpoint = %self, "an endpoint is back: its time is over");
        }
        condition.standing(rules, now)
    }

    /// What is known of it but seldom changes.
    pub(crate) fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn stamp(&self, now: Instant) -> Stamp {
        Stamp::new(self.began, now)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authority = self.authority.to_str().unwrap_or_default();
        write!(f, "http://{authority}{}", self.place.base_path)?;
        match self.place.looked_up() {
            Some(address) => write!(f, " at {address}"),
            None => Ok(()),
        }
    }
}

/// Counts one request at its endpoint until it is dropped: with the last byte of the answer, or when the client goes.
#[derive(Debug)]
pub struct InFlight(Arc<Endpoint>);

impl InFlight {
    /// One more.
    pub fn at(endpoint: &Arc<Endpoint>) -> Self {
        endpoint.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(endpoint))
    }

    /// Where.
    pub fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_shown_as_its_url() {
        let shown = |host, port, base| {
            let place = Place::new(host, port, base);
            Endpoint::new(place).unwrap().to_string()
        };
        assert_eq!(shown("127.0.0.1", 7000, ""), "http://127.0.0.1:7000");
        assert_eq!(shown("::1", 80, "/v2"), "http://[::1]/v2");
        let place = Place {
            address: Some(IpAddr::from([10, 0, 0, 5])),
            ..Place::new("users", 7001, "")
        };
        let endpoint = Endpoint::new(place).unwrap();
        assert_eq!(endpoint.to_string(), "http://users:7001 at 10.0.0.5");
        assert_eq!(endpoint.authority(), "users:7001");
        assert_eq!(endpoint.logged(), "users:7001 at 10.0.0.5");
        assert!(Endpoint::new(Place::new("a\nb", 80, "")).is_err());
    }

    #[test]
    fn a_dropped_request_is_no_longer_in_flight() {
        let endpoint = Arc::new(Endpoint::new(Place::new("users", 80, "")).unwrap());
        let first = InFlight::at(&endpoint);
        let second = InFlight::at(&endpoint);
        assert_eq!(endpoint.in_flight(), 2);
        drop((first, second));
        assert_eq!(endpoint.in_flight(), 0);
    }
}
