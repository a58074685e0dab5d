//! Where to, as written: `[upstream.NAME]`, and how a path or host changes on the way.

use std::time::Duration;

use http::HeaderValue;

/// A group of endpoints that answer alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamConfig {
    /// The table's name.
    pub name: String,
    /// Where they are; at least one.
    pub endpoints: Vec<EndpointConfig>,
    /// Which Host they see.
    pub host: HostPolicy,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// Kept connections per worker and endpoint.
    pub pool_idle: usize,
    /// A connection unused for this long is closed.
    pub pool_idle_timeout: Duration,
}

/// `http://host:port/base`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConfig {
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// 80 when the file names none.
    pub port: u16,
    /// Put before every path; empty or `/base` without a slash at its end.
    pub base_path: String,
}

/// Which Host an upstream sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostPolicy {
    /// The client's.
    #[default]
    Preserve,
    /// The endpoint's.
    Endpoint,
    /// This one.
    Name(HeaderValue),
}

/// An upstream, and what changes on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendConfig {
    /// The name of an `[upstream.NAME]`.
    pub upstream: String,
    /// What the path becomes.
    pub path: PathRewrite,
    /// What the host becomes; wins over the upstream's own policy.
    pub host: Option<HeaderValue>,
}

/// What a request's path becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PathRewrite {
    /// It stays.
    #[default]
    Keep,
    /// The route's matched prefix becomes this; empty takes it away (`strip_prefix`). No slash at its end.
    Prefix(String),
    /// The whole path becomes this.
    Full(String),
}

/// What becomes of fields with `_` in their name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnderscoreFields {
    /// They are removed: many backends read `x_user_id` as `x-user-id`.
    #[default]
    Drop,
    /// They stay.
    Keep,
}
