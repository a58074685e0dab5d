//! One generation of the configuration, compiled: immutable, built whole, swapped at once.
//!
//! What is alive (buckets, keys, endpoints with their connections, counters) is taken over from the generation before
//! wherever its part of the file is as it was.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use chassis::handover::Token;
use http::HeaderValue;
use strangler::{Phase, Side};
use upstream::Upstream;

use crate::auth::compiled::{Issuer, Policy};
use crate::auth::config::AuthConfig;
use crate::auth::ring::KeyRing;
use crate::config::Config;
use crate::forward::compiled::{Backend, Fallback, To, upstream};
use crate::forward::config::BackendConfig;
use crate::forward::finding::Endpoints;
use crate::forward::own::Own;
use crate::forward::via::Via;
use crate::listener::config::Listener;
use crate::metrics::registry::Metrics;
use crate::progress::standing::Standings;
use crate::rate_limit::compiled::{Limit, RouteLimits};
use crate::route::compiled::{FALLBACK, NO_SIDES, Route, Target};
use crate::route::config::{RouteConfig, TargetConfig};
use crate::route::fingerprint;
use crate::route::mark::Mark;
use crate::route::table::Table;
use crate::shadow::stage::Shadow;
use crate::shadow::state::Comparisons;
use crate::side::compiled::Migration;

/// One generation.
#[derive(Debug)]
pub struct Snapshot {
    /// Of the file: counts from 1, over restarts, and does not change with what stands over the file.
    pub generation: u64,
    /// As written.
    pub config: Arc<Config>,
    /// Which route takes a request of a client.
    edge: Table,
    /// Which route takes a request of a caller on the internal listener.
    internal: Table,
    /// The routes, in the order of their names.
    pub routes: Vec<Route>,
    /// Where all routes lead, as whoever a request is handed on to is told.
    pub state: HeaderValue,
    /// What upstreams see of its listeners.
    pub via: Via,
    /// By name.
    pub issuers: BTreeMap<String, Arc<Issuer>>,
    /// By name.
    pub limits: BTreeMap<String, Arc<Limit>>,
    /// By name.
    pub upstreams: BTreeMap<String, Arc<Upstream>>,
    /// By the upstream's name: what keeps looking for its endpoints.
    pub endpoints: BTreeMap<String, Endpoints>,
}

/// A configuration that reads well and yet cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct BuildError {
    path: String,
    reason: String,
}

fn error(path: String, reason: &dyn std::fmt::Display) -> BuildError {
    BuildError {
        path,
        reason: reason.to_string(),
    }
}

impl Snapshot {
    /// Compiles a file for looking at: nothing stands over it.
    pub fn of_file(config: Config) -> Result<Self, BuildError> {
        let nothing = Standings::default();
        let (metrics, comparisons) = (Metrics::new(0), Comparisons::default());
        Self::build(Arc::new(config), &nothing, 1, None, &metrics, &comparisons)
    }

    /// Compiles `config` with what stands over its routes, taking over what `previous` keeps alive.
    pub fn build(
        config: Arc<Config>,
        standings: &Standings,
        generation: u64,
        previous: Option<&Self>,
        metrics: &Metrics,
        comparisons: &Comparisons,
    ) -> Result<Self, BuildError> {
        let in_force = standings.apply(&config);
        let issuers = issuers(&config, previous)?;
        let limits = limits(&config, previous);
        let endpoints = endpoints(&config, previous);
        let upstreams = upstreams(&config, &endpoints, previous);
        let parts = Parts {
            config: &config,
            issuers: &issuers,
            limits: &limits,
            upstreams: &upstreams,
            metrics,
            comparisons,
            previous,
        };
        let matching = fingerprint::matching(in_force.values());
        let token = |route| fingerprint::token(route, matching, &config.upstreams);
        let tokens: Vec<Token> = in_force.values().map(token).collect();
        let names = in_force.keys().map(String::as_str);
        let state = fingerprint::state(names.zip(tokens.iter().copied()));
        let routes = in_force
            .values()
            .zip(tokens)
            .map(|(route, token)| parts.route(route, Mark::new(route, state, token)))
            .collect::<Result<_, _>>()?;
        let table = |listener| {
            Table::compile(listener, config.routes.values())
                .map_err(|bad| error("route".to_owned(), &bad))
        };
        let (edge, internal) = (table(Listener::Edge)?, table(Listener::Internal)?);
        metrics.keep_routes(|name| config.routes.contains_key(name));
        comparisons.keep_routes(|name| config.routes.contains_key(name));
        Ok(Self {
            generation,
            edge,
            internal,
            routes,
            state: state.to_value(),
            via: Via::new(config.edge.via.as_deref()),
            issuers,
            limits,
            upstreams,
            endpoints,
            config,
        })
    }

    /// The route of this name.
    pub fn route(&self, name: &str) -> Option<&Route> {
        let by_name = |route: &Route| route.name.as_str().cmp(name);
        let at = self.routes.binary_search_by(by_name).ok()?;
        self.routes.get(at)
    }

    /// Which route takes a request that came in there.
    pub fn table(&self, listener: Listener) -> &Table {
        match listener {
            Listener::Edge => &self.edge,
            Listener::Internal => &self.internal,
        }
    }

    /// All routes: those of the edge in the order in which they are asked, then those of the internal listener alone.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        let mut seen = HashSet::new();
        let all = Listener::ALL
            .into_iter()
            .flat_map(|listener| self.table(listener).order());
        all.filter(move |route| seen.insert(*route))
    }

    /// The routes whose requests are copied.
    pub fn shadows(&self) -> impl Iterator<Item = &Shadow> {
        self.routes.iter().filter_map(Route::shadow)
    }

    /// Rings whose keys have to be fetched, each once.
    pub fn rings(&self) -> impl Iterator<Item = &Arc<KeyRing>> {
        self.issuers.values().map(|issuer| &issuer.ring)
    }
}

fn issuers(
    config: &Config,
    previous: Option<&Snapshot>,
) -> Result<BTreeMap<String, Arc<Issuer>>, BuildError> {
    let compile = |(name, config): (&String, &crate::auth::config::IssuerConfig)| {
        let known = previous.and_then(|previous| previous.issuers.get(name));
        let kept = known.filter(|known| known.ring.serves(config));
        let issuer = match kept {
            Some(known) if known.config == *config => Arc::clone(known),
            Some(known) => Arc::new(Issuer {
                config: config.clone(),
                ring: Arc::clone(&known.ring),
            }),
            None => {
                let ring = KeyRing::open(config)
                    .map_err(|bad| error(format!("auth.issuer.{name}"), &bad))?;
                Arc::new(Issuer {
                    config: config.clone(),
                    ring: Arc::new(ring),
                })
            }
        };
        Ok((name.clone(), issuer))
    };
    config.issuers.iter().map(compile).collect()
}

fn limits(config: &Config, previous: Option<&Snapshot>) -> BTreeMap<String, Arc<Limit>> {
    let compile = |(name, config): (&String, &crate::rate_limit::config::RateLimitConfig)| {
        let known = previous.and_then(|previous| previous.limits.get(name));
        let limit = match known {
            Some(known) if known.config == *config => Arc::clone(known),
            _ => Arc::new(Limit::new(config)),
        };
        (name.clone(), limit)
    };
    config.rate_limits.iter().map(compile).collect()
}

fn endpoints(config: &Config, previous: Option<&Snapshot>) -> BTreeMap<String, Endpoints> {
    let open = |(name, config): (&String, &crate::forward::config::UpstreamConfig)| {
        let known = previous.and_then(|previous| previous.endpoints.get(name));
        (name.clone(), Endpoints::new(config, known))
    };
    config.upstreams.iter().map(open).collect()
}

/// Both have the names of the file.
fn upstreams(
    config: &Config,
    endpoints: &BTreeMap<String, Endpoints>,
    previous: Option<&Snapshot>,
) -> BTreeMap<String, Arc<Upstream>> {
    let both = config.upstreams.iter().zip(endpoints.values());
    let compile = |((name, config), endpoints): ((&String, _), &Endpoints)| {
        let known = previous.and_then(|previous| previous.upstreams.get(name));
        let known = known.map(|known| &**known);
        let made = upstream(config, endpoints.discovery.fleet(), known);
        (name.clone(), Arc::new(made))
    };
    both.map(compile).collect()
}

struct Parts<'a> {
    config: &'a Config,
    issuers: &'a BTreeMap<String, Arc<Issuer>>,
    limits: &'a BTreeMap<String, Arc<Limit>>,
    upstreams: &'a BTreeMap<String, Arc<Upstream>>,
    metrics: &'a Metrics,
    comparisons: &'a Comparisons,
    previous: Option<&'a Snapshot>,
}

impl Parts<'_> {
    fn route(&self, route: &RouteConfig, mark: Mark) -> Result<Route, BuildError> {
        let limits = route
            .rate_limit
            .iter()
            .filter_map(|name| self.limits.get(name))
            .cloned();
        let known = self
            .previous
            .and_then(|previous| previous.route(&route.name));
        let target = match &route.target {
            TargetConfig::Upstream(config) => {
                let known = known.and_then(|known| known.target.only());
                Target::Upstream(self.backend((route, NO_SIDES), config, known)?)
            }
            TargetConfig::Own(config) => Target::Own(Box::new(Own::new(config))),
            TargetConfig::Migration(migration) => {
                let side = |side, config: &Option<BackendConfig>| {
                    let known = known.and_then(|known| known.target.side(side));
                    config
                        .as_ref()
                        .map(|config| self.backend((route, side.as_str()), config, known))
                        .transpose()
                };
                // Once a route is retired, nothing leads to legacy any more.
                let legacy = match migration.phase_in_force() {
                    Phase::Retired => None,
                    _ => side(Side::Legacy, &migration.legacy)?,
                };
                let service = side(Side::Service, &migration.service)?;
                let pairs = || self.comparisons.route(&route.name);
                let compiled = Migration::new(migration, legacy, service);
                Target::Migration(Box::new(compiled.copying(
                    migration,
                    route.path.prefix(),
                    pairs,
                )))
            }
        };
        if let Target::Migration(migration) = &target
            && migration.backend(Side::Legacy).is_none()
        {
            return Err(error(
                format!("route.{}", route.name),
                &"it has neither legacy nor service",
            ));
        }
        let fallback = route.fallback.as_ref().map(|config| {
            let known = known.and_then(|known| known.fallback.as_deref()?.backend());
            Fallback::new(config, |config| {
                self.backend((route, FALLBACK), config, known)
            })
        });
        let fallback = fallback.transpose()?;
        let stats = self.metrics.route(&route.name);
        Ok(Route::new(
            route,
            self.policy(route)?,
            RouteLimits::new(limits),
            (target, fallback),
            mark,
            stats,
        ))
    }

    fn backend(
        &self,
        (route, side): (&RouteConfig, &str),
        config: &BackendConfig,
        previous: Option<&Backend>,
    ) -> Result<Backend, BuildError> {
        let name = &config.upstream;
        let undefined = || {
            error(
                format!("route.{}", route.name),
                &format!("upstream {name:?} is not defined"),
            )
        };
        let upstream = self.upstreams.get(name).ok_or_else(undefined)?;
        let written = self.config.upstreams.get(name).ok_or_else(undefined)?;
        let retry = route.retry.over(&written.retry);
        let to = To {
            route: &route.name,
            side,
            written,
            upstream,
        };
        Ok(Backend::new(config, &to, retry, previous))
    }

    fn policy(&self, route: &RouteConfig) -> Result<Policy, BuildError> {
        let AuthConfig::Tokens(auth) = &route.auth else {
            return Ok(Policy::Public);
        };
        let issuer = |name: &String| {
            let undefined = || {
                error(
                    format!("route.{}.auth", route.name),
                    &format!("issuer {name:?} is not defined"),
                )
            };
            self.issuers.get(name).cloned().ok_or_else(undefined)
        };
        Ok(Policy::Tokens {
            issuers: auth.issuers.iter().map(issuer).collect::<Result<_, _>>()?,
            scopes: auth.scopes.clone(),
            groups: auth.groups.clone(),
            optional: auth.optional,
        })
    }
}
