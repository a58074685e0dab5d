//! routes.toml: text in, a complete [`Config`] or every mistake in it out.
//!
//! A feature's part of the file is typed in its own `config.rs`; reading it stands here. Nothing in this module opens
//! a socket, asks the clock or looks at a running gateway.

pub mod source;
pub(crate) mod mask;
pub(crate) mod nearest;
mod env;
mod units;
pub mod report;
mod render;
mod names;
mod reading;
mod value;
mod table;
mod syntax;
mod secret;
mod listeners;
mod log;
mod state;
mod dns;
mod issuer;
mod matching;
mod limit;
mod webhook;
mod access;
mod split;
mod sticky;
mod endpoint;
mod policy;
mod retry;
mod upstream;
mod backend;
mod own;
mod shadow;
mod rollout;
mod judge;
mod migration;
mod target;
mod fallback;
mod slashes;
mod cors;
mod route;
mod check;
mod patience;
mod file;
pub mod keys;
pub mod changes;

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use toml::de::DeTable;

pub use self::endpoint::read_endpoints_file;
use crate::auth::config::IssuerConfig;
use crate::config::env::Lookup;
use crate::config::reading::Reading;
use crate::config::report::{Diagnostic, Report, Severity};
use crate::config::source::Source;
use crate::config::table::Table;
use crate::forward::config::{DnsConfig, UpstreamConfig};
use crate::listener::config::{AdminConfig, EdgeConfig, InternalConfig};
use crate::log::config::LogConfig;
use crate::notify::config::WebhookConfig;
use crate::rate_limit::config::RateLimitConfig;
use crate::route::config::RouteConfig;
use crate::side::config::FlagConfig;
use crate::store::config::StateConfig;

/// A file that holds together: every name that it uses is defined, every value is in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `[edge]`
    pub edge: EdgeConfig,
    /// `[internal]`, where the file has it.
    pub internal: Option<InternalConfig>,
    /// `[admin]`
    pub admin: AdminConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[state]`
    pub state: StateConfig,
    /// `[dns]`
    pub dns: DnsConfig,
    /// `[auth.issuer.NAME]`
    pub issuers: BTreeMap<String, IssuerConfig>,
    /// `[rate_limit.NAME]`
    pub rate_limits: BTreeMap<String, RateLimitConfig>,
    /// `[upstream.NAME]`
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// `[webhook.NAME]`
    pub webhooks: BTreeMap<String, WebhookConfig>,
    /// `[flag.NAME]`
    pub flags: BTreeMap<String, FlagConfig>,
    /// `[route.NAME]`
    pub routes: BTreeMap<String, RouteConfig>,
}

impl Config {
    /// Who may speak on the internal listener: nobody where the file has none.
    pub fn trusted_callers(&self) -> &[IpNet] {
        self.internal
            .as_ref()
            .map_or(&[], |internal| &internal.trusted_callers)
    }
}

/// A file that could be read, and what somebody should look at all the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// Nothing in here keeps the file from being used.
    pub warnings: Report,
}

/// Reads a file's text, with `env` for what stands in `${…}`. Relative paths start at the file's folder; files that
/// hold secrets are read as well.
///
/// The error has every mistake at once, and no warnings beside them.
pub fn load(source: &Source, env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Report> {
    let (config, _, mut found) = read(source, env);
    let wrong = found.iter().any(|d| d.severity == Severity::Error);
    if wrong {
        found.retain(|d| d.severity == Severity::Error);
    }
    let report = Report {
        source: source.clone(),
        diagnostics: found,
    };
    if wrong {
        return Err(report);
    }
    Ok(Loaded {
        config,
        warnings: report,
    })
}

/// What could be read, the keys that were asked for, and all findings.
fn read(source: &Source, env: Lookup<'_>) -> (Config, BTreeSet<String>, Vec<Diagnostic>) {
    let (root, syntax) = DeTable::parse_recoverable(&source.text);
    let reading = Reading::new(source, env);
    let config = file::read(&Table::root(&reading, root.get_ref()));
    let mut found = reading.finish();
    if !syntax.is_empty() {
        // What follows a mistake of syntax may be lost, so nothing can be said about what is not there.
        found.retain(|diagnostic| !diagnostic.needs_all);
        found.extend(syntax::explain(source, &syntax));
        found.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
    }
    (config, reading.known(), found)
}
