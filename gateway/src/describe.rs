//! Routes in words, as operators see them: on the terminal, on admin, in `explain`.

use serde::Serialize;
use strangler::Phase;

use crate::auth::config::AuthConfig;
use crate::config::Config;
use crate::forward::config::BackendConfig;
use crate::listener::config::Listener;
use crate::progress::effective::{Effective, effective};
use crate::progress::standing::Standings;
use crate::route::config::{HostConfig, PathConfig, RouteConfig, TargetConfig};
use crate::side::config::MigrationConfig;

/// One route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Where its requests come in; empty where that is the edge alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<&'static str>,
    /// What it takes: hosts, path, methods and how many further conditions.
    pub takes: String,
    /// Who may come in.
    pub auth: String,
    /// The declared phase, or nothing outside the migration.
    pub phase: Option<&'static str>,
    /// What is in force, where a gateway runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
    /// Who gets the service.
    pub split: String,
    /// Who answers.
    pub to: String,
    /// Which team owns it.
    pub owner: Option<String>,
}

impl Row {
    /// Describes a route.
    pub fn new(route: &RouteConfig) -> Self {
        let (phase, split, to) = match &route.target {
            TargetConfig::Upstream(backend) => (None, String::new(), backend.upstream.clone()),
            TargetConfig::Migration(migration) => (
                Some(migration.phase.as_str()),
                split(migration),
                sides(migration),
            ),
            TargetConfig::Own(own) => (None, String::new(), own.to_string()),
        };
        Self {
            name: route.name.clone(),
            listeners: listeners(route),
            takes: takes(route),
            auth: auth(&route.auth),
            phase,
            effective: None,
            split,
            to,
            owner: route.owner.clone(),
        }
    }
}

/// Where a route's requests come in; nothing where that is the edge alone.
pub fn listeners(route: &RouteConfig) -> Vec<&'static str> {
    let all = route.listeners.iter().map(|listener| listener.as_str());
    let all: Vec<_> = all.collect();
    if all == [Listener::Edge.as_str()] {
        Vec::new()
    } else {
        all
    }
}

/// All routes, in the order in which they are asked.
pub fn rows(config: &Config, order: impl Iterator<Item = usize>) -> Vec<Row> {
    let routes: Vec<&RouteConfig> = config.routes.values().collect();
    order
        .filter_map(|index| routes.get(index))
        .map(|route| Row::new(route))
        .collect()
}

/// The same, with what is in force.
pub fn rows_in_force(
    config: &Config,
    order: impl Iterator<Item = usize>,
    standings: &Standings,
) -> Vec<Row> {
    let mut rows = rows(config, order);
    for row in &mut rows {
        let route = config.routes.get(&row.name);
        if let Some(TargetConfig::Migration(migration)) = route.map(|route| &route.target) {
            row.effective = Some(effective(migration, &row.name, standings));
        }
    }
    rows
}

/// The names of the routes that ask nobody who they are.
pub fn public_routes(config: &Config) -> Vec<&str> {
    let public = config
        .routes
        .values()
        .filter(|route| route.auth == AuthConfig::Public);
    public.map(|route| route.name.as_str()).collect()
}

/// A path as the file spells it.
pub fn path(path: &PathConfig) -> String {
    match path {
        PathConfig::Prefix(prefix) if prefix.is_empty() => "/".to_owned(),
        PathConfig::Prefix(prefix) => prefix.clone(),
        PathConfig::Exact(exact) => format!("= {exact}"),
        PathConfig::Pattern(pattern) => pattern.clone(),
        PathConfig::Regex(expression) => format!("~ {expression}"),
    }
}

fn takes(route: &RouteConfig) -> String {
    let mut words = Vec::new();
    if !route.methods.is_empty() {
        let methods: Vec<&str> = route.methods.iter().map(http::Method::as_str).collect();
        words.push(methods.join(","));
    }
    let hosts: Vec<String> = route
        .hosts
        .iter()
        .map(|host| match host {
            HostConfig::Exact(host) => host.clone(),
            HostConfig::Suffix(suffix) => format!("*{suffix}"),
        })
        .collect();
    words.push(format!("{}{}", hosts.join(","), path(&route.path)));
    words.extend(route.headers.iter().map(|(name, _)| format!("+{name}")));
    words.extend(route.query.iter().map(|(name, _)| format!("?{name}")));
    words.join(" ")
}

fn auth(auth: &AuthConfig) -> String {
    match auth {
        AuthConfig::Public => "public".to_owned(),
        AuthConfig::Tokens(tokens) => {
            let mut words = tokens.issuers.join(",");
            for scope in &tokens.scopes {
                words.push_str(" +");
                words.push_str(scope);
            }
            for group in &tokens.groups {
                words.push_str(" @");
                words.push_str(group);
            }
            if tokens.optional {
                words.push_str(" (optional)");
            }
            words
        }
    }
}

/// Who gets the service.
pub fn split(migration: &MigrationConfig) -> String {
    if migration.forced_legacy {
        return "forced to legacy".to_owned();
    }
    match migration.phase {
        Phase::Legacy | Phase::Shadow => "all legacy".to_owned(),
        Phase::Migrated | Phase::Retired => "all service".to_owned(),
        Phase::Canary if !migration.split.enabled => "flag off: all legacy".to_owned(),
        Phase::Canary => {
            let lists = if migration.split.allow.is_empty() {
                ""
            } else {
                " and the allow list"
            };
            let flag = migration
                .flag
                .as_ref()
                .map(|flag| format!(" (flag {flag})"))
                .unwrap_or_default();
            let share = if migration.rollout.steps.is_empty() {
                format!("{} service", migration.split.percent)
            } else {
                migration.shares()
            };
            format!("{share}{lists}{flag}")
        }
    }
}

fn sides(migration: &MigrationConfig) -> String {
    let name = |side: &Option<BackendConfig>| {
        side.as_ref()
            .map_or("-", |side| side.upstream.as_str())
            .to_owned()
    };
    format!("{} | {}", name(&migration.legacy), name(&migration.service))
}
