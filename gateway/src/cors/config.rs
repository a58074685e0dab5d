//! `[route.NAME.cors]`, as written.

use std::time::Duration;

use http::{HeaderName, Method};

/// What pages of other origins may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsConfig {
    /// Whose pages.
    pub origins: Listed<OriginConfig>,
    /// With which methods.
    pub methods: Listed<Method>,
    /// With which request fields beyond those that are always fine.
    pub headers: Listed<HeaderName>,
    /// Which answer fields they may read beyond those that are always fine.
    pub exposed: Listed<HeaderName>,
    /// With the user's cookies and the like.
    pub credentials: bool,
    /// How long a browser need not ask again.
    pub max_age: Duration,
}

/// All, or these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<T> {
    /// `"*"`
    All,
    /// These.
    These(Vec<T>),
}

/// Origins, lower case, without the scheme's default port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginConfig {
    /// `https`.
    pub scheme: String,
    /// `shop.example`; `.shop.example` is every host below it.
    pub host: String,
    /// Its port.
    pub port: PortConfig,
}

/// The port of an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortConfig {
    /// The scheme's own, which is not written.
    Default,
    /// This one.
    This(u16),
    /// `*`
    Any,
}

impl OriginConfig {
    /// Whether it is this one, or among these.
    ///
    /// ```
    /// use gateway::cors::config::{OriginConfig, PortConfig};
    /// let below = OriginConfig {
    ///     scheme: "https".into(),
    ///     host: ".shop.example".into(),
    ///     port: PortConfig::Default,
    /// };
    /// assert!(below.takes("https://m.shop.example"));
    /// assert!(!below.takes("https://shop.example"));
    /// assert!(!below.takes("https://m.shop.example:8443"));
    /// ```
    pub fn takes(&self, origin: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        let (host, port) = split_port(authority);
        let host_fits = if self.host.starts_with('.') {
            let below = host.len() > self.host.len() && host.ends_with(&self.host);
            below && host.bytes().all(is_of_a_name)
        } else {
            host == self.host
        };
        let port_fits = match self.port {
            PortConfig::Default => port.is_none(),
            PortConfig::This(wanted) => port.and_then(|port| port.parse().ok()) == Some(wanted),
            PortConfig::Any => port.is_none_or(|port| port.parse::<u16>().is_ok()),
        };
        scheme == self.scheme && host_fits && port_fits
    }
}

/// A host and its port, where one is written.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        // The colons within an IPv6 address.
        Some((_, port)) if port.ends_with(']') => (authority, None),
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// Whatever else stands in an origin, such as `/` or `@`, would make its end say nothing about its host.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_by_scheme_host_and_port() {
        let of = |host: &str, port| OriginConfig {
            scheme: "https".into(),
            host: host.into(),
            port,
        };
        let exact = of("shop.example", PortConfig::Default);
        let at = of("shop.example", PortConfig::This(8443));
        let any = of("shop.example", PortConfig::Any);
        let below = of(".shop.example", PortConfig::Default);
        for (origin, takes) in [
            ("https://shop.example", [true, false, true, false]),
            ("https://shop.example:8443", [false, true, true, false]),
            ("https://shop.example:x", [false, false, false, false]),
            ("https://a.b.shop.example", [false, false, false, true]),
            ("https://.shop.example", [false, false, false, false]),
            ("https://evilshop.example", [false, false, false, false]),
            ("https://evil/.shop.example", [false, false, false, false]),
            ("http://shop.example", [false, false, false, false]),
            ("https://[::1]:8443", [false, false, false, false]),
            ("null", [false, false, false, false]),
        ] {
            let all = [&exact, &at, &any, &below].map(|one| one.takes(origin));
            assert_eq!(all, takes, "{origin}");
        }
    }
}
