//! A route as the data path uses it.

use std::sync::Arc;
use std::time::Duration;

use strangler::Side;

use super::config::{RouteConfig, Slashes};
use super::mark::Mark;
use crate::auth::compiled::Policy;
use crate::cors::stage::Cors;
use crate::forward::compiled::{Backend, Fallback};
use crate::forward::config::UnderscoreFields;
use crate::forward::own::Own;
use crate::judge::compiled::Canary;
use crate::metrics::stats::RouteStats;
use crate::rate_limit::compiled::RouteLimits;
use crate::shadow::stage::Shadow;
use crate::side::compiled::Migration;
use crate::side::config::Sticky;

/// What the backend of a route without sides is called.
pub const NO_SIDES: &str = "none";
/// What a fallback's backend is called.
pub const FALLBACK: &str = "fallback";

/// One route.
#[derive(Debug)]
pub struct Route {
    /// Its name.
    pub name: String,
    /// Who may come in.
    pub auth: Policy,
    /// How much they may ask for.
    pub limits: RouteLimits,
    /// The whole request; of a stream only up to the answer's head.
    pub timeout: Duration,
    /// Whether a client's word about how long it waits is believed at the edge.
    pub client_deadline: bool,
    /// The largest request body, bytes.
    pub max_body: u64,
    /// What becomes of slashes in a path.
    pub slashes: Slashes,
    /// What browsers are told about other origins.
    pub cors: Option<Box<Cors>>,
    /// What becomes of fields with `_`.
    pub underscore_fields: UnderscoreFields,
    /// The path prefix that a rewrite replaces; empty for other kinds of paths.
    pub prefix: String,
    /// What keeps a caller on one side.
    pub sticky: Vec<Sticky>,
    /// Who answers.
    pub target: Target,
    /// Who answers when that one does not.
    pub fallback: Option<Box<Fallback>>,
    /// What the internal listener says of it.
    pub mark: Mark,
    /// What is counted.
    pub stats: Arc<RouteStats>,
}

/// Who answers a route.
#[derive(Debug)]
pub enum Target {
    /// One upstream.
    Upstream(Backend),
    /// One of two sides.
    Migration(Box<Migration>),
    /// The file itself.
    Own(Box<Own>),
}

impl Target {
    /// The one upstream.
    pub fn only(&self) -> Option<&Backend> {
        match self {
            Self::Upstream(backend) => Some(backend),
            Self::Migration(_) | Self::Own(_) => None,
        }
    }

    /// One of two sides, where it is declared.
    pub fn side(&self, side: Side) -> Option<&Backend> {
        match self {
            Self::Upstream(_) | Self::Own(_) => None,
            Self::Migration(migration) => migration.declared(side),
        }
    }
}

impl Route {
    /// Joins the parts that other features compiled.
    pub fn new(
        config: &RouteConfig,
        auth: Policy,
        limits: RouteLimits,
        (target, fallback): (Target, Option<Fallback>),
        mark: Mark,
        stats: Arc<RouteStats>,
    ) -> Self {
        Self {
            name: config.name.clone(),
            auth,
            limits,
            timeout: config.timeout,
            client_deadline: config.client_deadline,
            max_body: config.max_body,
            slashes: config.slashes,
            cors: config.cors.as_ref().map(|cors| Box::new(Cors::new(cors))),
            underscore_fields: config.underscore_fields,
            prefix: config.path.prefix().to_owned(),
            sticky: config.sticky.clone(),
            target,
            fallback: fallback.map(Box::new),
            mark,
            stats,
        }
    }

    /// Where its requests may go, each backend at least once.
    pub fn backends(&self) -> impl Iterator<Item = &Backend> {
        let (one, other) = match &self.target {
            Target::Upstream(backend) => (Some(backend), None),
            Target::Migration(migration) => (
                migration.backend(Side::Legacy),
                migration.backend(Side::Service),
            ),
            Target::Own(_) => (None, None),
        };
        let fallback = self.fallback.as_deref().and_then(Fallback::backend);
        one.into_iter().chain(other).chain(fallback)
    }

    /// The backends that the file gives it, each with what it is to the route.
    pub fn declared(&self) -> impl Iterator<Item = (&'static str, &Backend)> {
        let sides =
            [Side::Legacy, Side::Service].map(|side| (side.as_str(), self.target.side(side)));
        let fallback = self.fallback.as_deref().and_then(Fallback::backend);
        let all = [(NO_SIDES, self.target.only())].into_iter().chain(sides);
        all.chain([(FALLBACK, fallback)])
            .filter_map(|(what, backend)| Some((what, backend?)))
    }

    /// How its requests are copied, while they are.
    pub fn shadow(&self) -> Option<&Shadow> {
        match &self.target {
            Target::Upstream(_) | Target::Own(_) => None,
            Target::Migration(migration) => migration.shadow.as_ref(),
        }
    }

    /// Its canary, while one is under way.
    pub fn canary(&self) -> Option<&Canary> {
        match &self.target {
            Target::Upstream(_) | Target::Own(_) => None,
            Target::Migration(migration) => migration.canary.as_ref(),
        }
    }
}
