//! What stands over the file at run time: kills, rollbacks, holds, and phases that may not be entered yet.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strangler::{Over, Percent, Phase};

use crate::config::Config;
use crate::route::config::{RouteConfig, TargetConfig};
use crate::side::config::MigrationConfig;

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
    /// The judge has let its canary through: the service answers everybody, the file still says canary.
    pub promoted: bool,
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

impl Standing {
    /// The phase in force of a route that declares `declared`.
    pub fn in_force(&self, declared: Phase) -> Phase {
        match self.entered.unwrap_or(declared) {
            Phase::Canary if self.promoted => Phase::Migrated,
            entered => entered,
        }
    }

    /// Another gateway's file has gone back from the canary that this one's is still in: nobody is in it any more.
    pub(super) fn is_left(&self) -> bool {
        let left = self.declared.is_some_and(|phase| phase < Phase::Canary);
        self.entered == Some(Phase::Canary) && left
    }

    /// Another share of the callers, or the same one anew: what was seen so far says nothing of it.
    pub(super) fn begin_step(&mut self, share: Option<Percent>, now: Duration) {
        self.share = share;
        self.step += 1;
        self.step_since_ms = millis(now);
        self.promoted = false;
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

    pub(super) fn over(&self, route: &str, migration: &MigrationConfig) -> Over {
        let declared = migration.phase;
        let standing = self.routes.get(route);
        let entered = standing.and_then(|one| one.entered);
        let in_force = standing.map_or(declared, |one| one.in_force(declared));
        let led = in_force == Phase::Canary && !migration.rollout.steps.is_empty();
        Over {
            phase: (entered.is_some() && in_force != declared).then_some(in_force),
            // Once retired, nothing leads to legacy.
            killed: self.kill(route).is_some() && in_force != Phase::Retired,
            rolled_back: standing.is_some_and(|one| one.rolled_back.is_some() || one.is_left()),
            epochs: standing.map_or(0, |one| one.epochs),
            share: standing.and_then(|one| one.share).filter(|_| led),
            step: standing.map_or(0, |one| one.step),
        }
    }

    /// The share of a canary's callers that the service answers by bucket; nothing where its canary is not in force.
    pub fn share(&self, route: &str, migration: &MigrationConfig) -> Option<Percent> {
        let over = self.over(route, migration);
        let canary = over.phase.unwrap_or(migration.phase) == Phase::Canary;
        let back = migration.forced_legacy || over.killed || over.rolled_back;
        let share = over.share.unwrap_or(migration.split.percent);
        canary.then_some(if back { Percent::NONE } else { share })
    }

    /// The routes of the file with what stands over them: what is compiled.
    pub fn apply(&self, config: &Config) -> BTreeMap<String, RouteConfig> {
        let mut routes = config.routes.clone();
        for (name, route) in &mut routes {
            if let TargetConfig::Migration(migration) = &mut route.target {
                migration.over = self.over(name, migration);
            }
        }
        routes
    }
}
