//! One place where a backend listens. Alive: shared by all cores, kept over reloads as long as the file names it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::HeaderValue;

/// One place where a backend listens.
#[derive(Debug)]
pub struct Endpoint {
    id: u32,
    host: String,
    port: u16,
    base_path: String,
    authority: HeaderValue,
    in_flight: AtomicU32,
}

/// An address that cannot stand in a `Host` field.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no host name")]
pub struct NotAHost(String);

impl Endpoint {
    /// `host` is a name or an address (IPv6 without brackets); `base_path` is empty or starts with a slash and does not
    /// end with one.
    pub fn new(host: &str, port: u16, base_path: &str) -> Result<Self, NotAHost> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shown = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let authority = if port == 80 {
            shown
        } else {
            format!("{shown}:{port}")
        };
        Ok(Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            host: host.to_owned(),
            port,
            base_path: base_path.to_owned(),
            authority: HeaderValue::try_from(authority).map_err(|_| NotAHost(host.to_owned()))?,
            in_flight: AtomicU32::new(0),
        })
    }

    /// Tells it from every other endpoint of this process's life.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The name or address to connect to.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port to connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What is put before every path.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// As a `Host` field.
    pub fn authority(&self) -> &HeaderValue {
        &self.authority
    }

    /// Requests that it has and has not finished answering.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "http://{}{}",
            self.authority.to_str().unwrap_or_default(),
            self.base_path
        )
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
        let shown = |host, port, base| Endpoint::new(host, port, base).unwrap().to_string();
        assert_eq!(shown("127.0.0.1", 7000, ""), "http://127.0.0.1:7000");
        assert_eq!(shown("::1", 80, "/v2"), "http://[::1]/v2");
        assert!(Endpoint::new("a\nb", 80, "").is_err());
    }

    #[test]
    fn a_dropped_request_is_no_longer_in_flight() {
        let endpoint = Arc::new(Endpoint::new("users", 80, "").unwrap());
        let first = InFlight::at(&endpoint);
        let second = InFlight::at(&endpoint);
        assert_eq!(endpoint.in_flight(), 2);
        drop((first, second));
        assert_eq!(endpoint.in_flight(), 0);
    }
}
