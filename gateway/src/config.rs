//! routes.toml: text in, a complete [`Config`] or every mistake in it out.
//!
//! A feature's part of the file is typed in its own `config.rs`; reading it stands here. Nothing in this module opens
//! a socket, asks the clock or looks at a running gateway.

use std::collections::BTreeMap;

use crate::auth::config::IssuerConfig;
use crate::forward::config::UpstreamConfig;
use crate::listener::config::{AdminConfig, EdgeConfig};
use crate::log::config::LogConfig;
use crate::rate_limit::config::RateLimitConfig;
use crate::route::config::RouteConfig;
use crate::side::config::FlagConfig;

/// A file that holds together: every name that it uses is defined, every value is in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[edge]`
    pub edge: EdgeConfig,
    /// `[admin]`
    pub admin: AdminConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[auth.issuer.NAME]`
    pub issuers: BTreeMap<String, IssuerConfig>,
    /// `[rate_limit.NAME]`
    pub rate_limits: BTreeMap<String, RateLimitConfig>,
    /// `[upstream.NAME]`
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// `[flag.NAME]`
    pub flags: BTreeMap<String, FlagConfig>,
    /// `[route.NAME]`
    pub routes: BTreeMap<String, RouteConfig>,
}
