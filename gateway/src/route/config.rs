//! A route, as written: `[route.NAME]`.

use std::collections::BTreeSet;
use std::time::Duration;

use http::{HeaderName, Method};
use strangler::Phase;

use crate::auth::config::AuthConfig;
use crate::cors::config::CorsConfig;
use crate::forward::config::{
    BackendConfig, FallbackConfig, OwnConfig, RetryConfig, UnderscoreFields,
};
use crate::listener::config::Listener;
use crate::side::config::{MigrationConfig, Sticky};

/// One route.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteConfig {
    /// The table's name: the label in metrics and logs.
    pub name: String,
    /// Where its requests come in; never empty.
    pub listeners: BTreeSet<Listener>,
    /// Which paths it takes.
    pub path: PathConfig,
    /// Which hosts it takes; all when empty.
    pub hosts: Vec<HostConfig>,
    /// Which methods it takes; all when empty.
    pub methods: Vec<Method>,
    /// Fields that must all match.
    pub headers: Vec<(HeaderName, ValueConfig)>,
    /// Query parameters that must all match.
    pub query: Vec<(String, ValueConfig)>,
    /// Who may come in.
    pub auth: AuthConfig,
    /// Names of the limits, in the order in which they run.
    pub rate_limit: Vec<String>,
    /// The whole request, its retries included; streams only up to the response head.
    pub timeout: Duration,
    /// Whether a client's word about how long it waits is believed at the edge.
    pub client_deadline: bool,
    /// The largest request body, bytes.
    pub max_body: u64,
    /// What becomes of slashes in a path.
    pub slashes: Slashes,
    /// What pages of other origins may do.
    pub cors: Option<CorsConfig>,
    /// What becomes of fields with `_` in their name.
    pub underscore_fields: UnderscoreFields,
    /// What keeps a caller on one side, the first that is present: here, or behind the backend that it is handed on to.
    pub sticky: Vec<Sticky>,
    /// Who answers.
    pub target: TargetConfig,
    /// What it says of retries; the rest says the upstream.
    pub retry: RetryConfig,
    /// Who answers when the target does not.
    pub fallback: Option<FallbackConfig>,
    /// Which team owns it.
    pub owner: Option<String>,
    /// Why it is as it is.
    pub note: Option<String>,
}

/// Who answers a route.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetConfig {
    /// One upstream: a route outside the migration.
    Upstream(BackendConfig),
    /// One of two sides.
    Migration(Box<MigrationConfig>),
    /// The file itself.
    Own(Box<OwnConfig>),
}

impl TargetConfig {
    /// The migration, while it answers some callers otherwise than others. Forced to legacy, killed, rolled back or
    /// with its flag off, it is a canary that was taken back.
    pub fn canary(&self) -> Option<&MigrationConfig> {
        match self {
            Self::Migration(migration) => {
                Some(&**migration).filter(|migration| migration.phase_in_force() == Phase::Canary)
            }
            Self::Upstream(_) | Self::Own(_) => None,
        }
    }
}

/// Which paths a route takes. Every form starts with a slash and is normalised as request paths are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathConfig {
    /// By whole segments; no slash at its end, so that `/` is the empty prefix.
    Prefix(String),
    /// This path only.
    Exact(String),
    /// The whole path, with `{name}` for one segment.
    Pattern(String),
    /// A regular expression, known to compile; anchored only where it says so.
    Regex(String),
}

impl PathConfig {
    /// What a rewrite replaces; empty for other kinds of paths.
    pub fn prefix(&self) -> &str {
        match self {
            Self::Prefix(prefix) => prefix,
            Self::Exact(_) | Self::Pattern(_) | Self::Regex(_) => "",
        }
    }
}

/// Which hosts a route takes: lower case, no port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostConfig {
    /// This host.
    Exact(String),
    /// `*.shop.example`, kept as `.shop.example`: any host below it.
    Suffix(String),
}

/// What a field or parameter must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueConfig {
    /// This.
    Exact(String),
    /// A regular expression, known to compile.
    Regex(String),
}

/// What becomes of slashes that servers read in different ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slashes {
    /// Of `%2f` and `%5c`.
    pub encoded: EncodedSlash,
    /// What would be refused for one is only counted, and forwarded as it is.
    pub observe: bool,
    /// `//` is one slash.
    pub merge: bool,
}

/// What becomes of an encoded slash or backslash in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncodedSlash {
    /// 400. The default of a route that asks who is calling.
    Reject,
    /// It stays encoded. The default of a public route.
    Keep,
    /// It becomes a slash, as long as that leads to the same route.
    Decode,
}
