//! What stands over the file at run time: kills, rollbacks, holds, and phases that may not be entered yet.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strangler::{Over, Percent, Phase};

use crate::config::Config;
use crate::route::config::{RouteConfig, TargetConfig};

/// Somebody's word: who, why and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who says they said it.
    pub who: String,
    /// Why.
    pub why: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
}

/// What stands over one route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standing {
    /// All to legacy, no shadow.
    pub killed: Option<Word>,
    /// The canary was taken back.
    pub rolled_back: Option<Word>,
    /// Nothing moves it forward.
    pub held: Option<Word>,
    /// How often its canary was taken back, and let in anew with other callers.
    pub epochs: u32,
    /// How often its canary was taken back.
    pub rollbacks: u32,
    /// Only a person lets its canary in again.
    pub blocked: bool,
    /// The share of the step that the judge has got to, where it leads.
    pub share: Option<Percent>,
    /// Counts the steps of its canaries.
    pub step: u32,
    /// Since when the step is in force, milliseconds since 1970.
    pub step_since_ms: u64,
    /// The phase that the file declared when one was last entered for it.
    pub declared: Option<Phase>,
    /// The phase that it has entered; it may be behind the declared one.
    pub entered: Option<Phase>,
    /// Since when, milliseconds since 1970.
    pub since_ms: u64,
    /// Why the declared phase may not be entered yet.
    #[serde(skip)]
    pub waits: Option<String>,
    /// The phase that may be entered whatever speaks against it, for a while, and who said so.
    pub forced: Option<(Phase, Word)>,
    /// The phase that somebody is about to declare in the file, from which address, and why: until then, for a while.
    #[serde(skip)]
    pub announced: Option<(Phase, String, Word)>,
}

/// What stands over all routes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings {
    /// All routes to legacy.
    pub killed: Option<Word>,
    /// By name.
    pub routes: BTreeMap<String, Standing>,
}

impl Word {
    /// Said now.
    pub fn new(who: &str, why: &str, now: Duration) -> Self {
        Self {
            who: who.to_owned(),
            why: why.to_owned(),
            at_ms: millis(now),
        }
    }
}

/// Since 1970.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Standings {
    /// A route's standing; nothing stands over one that nobody spoke of.
    pub fn of(&self, route: &str) -> Standing {
        self.routes.get(route).cloned().unwrap_or_default()
    }

    /// The kill that a route is under: its own, or everybody's.
    pub fn kill(&self, route: &str) -> Option<&Word> {
        let own = self.routes.get(route).and_then(|one| one.killed.as_ref());
        own.or(self.killed.as_ref())
    }

    pub(super) fn over(&self, route: &str, declared: Phase) -> Over {
        let standing = self.routes.get(route);
        let entered = standing.and_then(|one| one.entered);
        let retired = entered.unwrap_or(declared) == Phase::Retired;
        Over {
            phase: entered.filter(|entered| *entered != declared),
            // Once retired, nothing leads to legacy.
            killed: self.kill(route).is_some() && !retired,
            rolled_back: standing.is_some_and(|one| one.rolled_back.is_some()),
            epochs: standing.map_or(0, |one| one.epochs),
            share: standing.and_then(|one| one.share),
            step: standing.map_or(0, |one| one.step),
        }
    }

    /// The routes of the file with what stands over them: what is compiled.
    pub fn apply(&self, config: &Config) -> BTreeMap<String, RouteConfig> {
        let mut routes = config.routes.clone();
        for (name, route) in &mut routes {
            if let TargetConfig::Migration(migration) = &mut route.target {
                migration.over = self.over(name, migration.phase);
            }
        }
        routes
    }
}
