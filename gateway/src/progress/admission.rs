//! Which phases a file may declare: what a route's history allows is entered, the rest is refused or waits.

use strangler::judge::ladder;
use strangler::{GateState, Percent, Phase, Refusal, entering};

use super::change::{Actor, Change};
use super::effective::{said, spoken};
use super::standing::{Standings, Word, millis};
use crate::config::Config;
use crate::route::config::TargetConfig;
use crate::side::config::MigrationConfig;
use crate::store::rows::Event;

/// An edit that was announced, or forced, must come within this time, milliseconds: what nobody wrote is not meant for
/// whoever edits the file next.
const ANNOUNCED: u64 = 5 * 60 * 1_000;

/// What the comparison of a route says about leaving `shadow`; nothing where it compares nothing.
pub type Gate<'a> = &'a dyn Fn(&str, &MigrationConfig) -> Option<GateState>;

/// Whether a declared phase that may not be entered is a mistake, or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// A file that was edited: the edit is refused.
    Refuse,
    /// A file that a process starts with: what was in force before stays so.
    Wait,
}

/// A phase that a route may not enter yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route.{route}.phase: {route} may not enter {to} yet, and stays {stays}: {why}")]
pub struct NotYet {
    /// The route.
    pub route: String,
    /// The phase that the file declares.
    pub to: Phase,
    /// The phase in force.
    pub stays: Phase,
    /// What speaks against it.
    pub why: String,
}

/// A file that declares phases, and what speaks for entering them.
#[derive(Clone, Copy)]
struct Asked<'a> {
    config: &'a Config,
    gate: Gate<'a>,
}

impl Change<'_> {
    /// Lets routes enter the phases that `config` declares, as far as their history allows. `before` is the file in force,
    /// where there is one: a phase that is declared as it was goes on waiting.
    pub fn admit(
        &mut self,
        config: &Config,
        before: Option<&Config>,
        gate: Gate<'_>,
        patience: Patience,
    ) -> Result<(), NotYet> {
        let asked = Asked { config, gate };
        self.forget_wishes(config);
        self.webhooks = Some(config.webhooks.clone());
        for (name, migration) in migrations(config) {
            let was = before.and_then(|before| migration_of(before, name));
            match was {
                Some(was) if was.phase == migration.phase => {
                    self.admit_route(name, migration, asked, Patience::Wait)?;
                }
                _ => self.admit_route(name, migration, asked, patience)?,
            }
            self.follow_share(name, migration);
        }
        Ok(())
    }

    /// Routes that are gone, or have one side only, wait for nothing. What was said over them stays, for when they are back.
    fn forget_wishes(&mut self, config: &Config) {
        for (name, standing) in &mut self.standings.routes {
            if migration_of(config, name).is_none() {
                standing.waits = None;
                standing.forced = None;
                standing.announced = None;
            }
        }
    }

    /// Whether what is compiled from `config` is another thing with it.
    pub fn moves(&self, config: &Config) -> bool {
        let mut names = config.routes.keys();
        let (old, new) = (&self.inner.standings, &self.standings);
        names.any(|name| {
            let over = |standings: &Standings| {
                let migration = migration_of(config, name)?;
                Some(standings.over(name, migration))
            };
            over(old) != over(new)
        })
    }

    fn admit_route(
        &mut self,
        name: &str,
        migration: &MigrationConfig,
        asked: Asked<'_>,
        patience: Patience,
    ) -> Result<(), NotYet> {
        let to = migration.phase;
        let standing = self.standings.of(name);
        if standing.entered == Some(to) {
            if standing.waits.is_some() {
                self.stand(name, |standing| standing.waits = None);
            }
            return Ok(());
        }
        let forced = standing.forced.clone();
        let forced = forced.filter(|(phase, word)| *phase == to && self.is_fresh(word));
        let against = self.refusal(name, migration, to, forced.is_some(), asked);
        let Some((stays, why)) = against else {
            let forced = forced.map(|(_, word)| (String::new(), word));
            let who = self.announced(name, to).or(forced);
            self.enter(name, migration, to, who);
            return Ok(());
        };
        if patience == Patience::Refuse {
            return Err(NotYet {
                route: name.to_owned(),
                to,
                stays,
                why,
            });
        }
        if standing.entered != Some(stays) {
            self.enter(name, migration, stays, None);
        }
        self.stand(name, |standing| {
            standing.waits = Some(format!("declared {to}, waits: {why}"));
        });
        Ok(())
    }

    /// What speaks against entering a phase, and the phase that stays in force.
    fn refusal(
        &self,
        route: &str,
        migration: &MigrationConfig,
        to: Phase,
        forced: bool,
        asked: Asked<'_>,
    ) -> Option<(Phase, String)> {
        let standing = self.standings.of(route);
        if let (Phase::Retired, Some(kill)) = (to, self.standings.kill(route)) {
            let stays = standing.entered.unwrap_or(Phase::Migrated);
            return Some((stays, format!("{}; resume it first", said("killed", kill))));
        }
        let clock = self.inner.clocks.get(route).cloned().unwrap_or_default();
        let clock = clock.verdict(asked.config.state.retire_after);
        let gate = (asked.gate)(route, migration);
        let entered = entering(standing.entered, to, gate.as_ref(), Some(clock), forced);
        let refusal = entered.err()?;
        let hint = match refusal {
            Refusal::Mismatch { .. } => format!("; see `banyan diffs {route}`"),
            Refusal::TooFew { .. } | Refusal::InUse { .. } | Refusal::Unwatched => String::new(),
        };
        Some((refusal.last_allowed(), format!("{refusal}{hint}")))
    }

    /// What speaks against a file that declares `to` for `route`: its history, or what somebody said over it. A share that
    /// grows moves a route `forward` within its phase.
    pub fn against(
        &self,
        route: &str,
        (to, forward): (Phase, bool),
        config: &Config,
        gate: Gate<'_>,
    ) -> Option<String> {
        let migration = migration_of(config, route)?;
        let standing = self.standings.of(route);
        let from = standing.in_force(migration.phase);
        if to < from || (to == from && !forward) {
            return None;
        }
        if let Some(spoken) = spoken(&self.standings, route) {
            return Some(format!("{route} is {spoken}; resume it first"));
        }
        let refusal = self.refusal(route, migration, to, false, Asked { config, gate });
        refusal.map(|(_, why)| why)
    }

    /// Somebody is about to declare `to` in the file.
    pub fn announce(&mut self, route: &str, to: Phase, actor: &Actor) {
        self.stand(route, |standing| {
            standing.announced = Some((to, actor.peer.clone(), actor.word.clone()));
        });
    }

    fn is_fresh(&self, word: &Word) -> bool {
        let now = millis(self.progress.now());
        now.saturating_sub(word.at_ms) <= ANNOUNCED
    }

    /// Who said, and from where, that the file would declare this.
    fn announced(&self, route: &str, to: Phase) -> Option<(String, Word)> {
        let (phase, peer, word) = self.standings.of(route).announced?;
        (phase == to && self.is_fresh(&word)).then_some((peer, word))
    }

    /// A changed phase clears what was said and seen of the one before.
    fn enter(
        &mut self,
        name: &str,
        migration: &MigrationConfig,
        to: Phase,
        who: Option<(String, Word)>,
    ) {
        let now = self.progress.now();
        let standing = self.standings.of(name);
        // Another gateway may have entered it, and told so, before. One that knows nothing of its own yet and has a file
        // that others have left behind changes nothing for them.
        let left_behind = standing.entered.is_none() && standing.declared > Some(to);
        let first = standing.declared != Some(to) && !left_behind;
        if first {
            let from = standing.entered.map_or("-", Phase::as_str);
            self.tell(name, (from, to.as_str()), who);
        }
        let share = (to == Phase::Canary).then(|| first_share(migration));
        self.stand(name, |standing| {
            standing.entered = Some(to);
            standing.since_ms = millis(now);
            standing.waits = None;
            standing.forced = None;
            standing.announced = None;
            if first {
                standing.declared = Some(to);
                standing.rolled_back = None;
                standing.blocked = false;
                standing.rollbacks = 0;
                // Others whose file still says canary keep its callers where they are until they have this one.
                if to <= Phase::Canary {
                    standing.begin_step(share, now);
                }
            }
        });
    }

    /// The share that a canary's file wants: its percent, or of its steps the largest that is not above the share reached.
    /// Another one is a new step.
    fn follow_share(&mut self, name: &str, migration: &MigrationConfig) {
        let standing = self.standings.of(name);
        if standing.entered != Some(Phase::Canary) {
            return;
        }
        let steps = &migration.rollout.steps;
        // It is through: other steps than it took move nobody back.
        if standing.promoted && !steps.is_empty() {
            return;
        }
        let wanted = match standing.share {
            Some(share) if !steps.is_empty() => ladder::rejoin(steps, share),
            _ => first_share(migration),
        };
        if standing.share == Some(wanted) && !standing.promoted {
            return;
        }
        if let Some(share) = standing.share {
            let from = if standing.promoted {
                Phase::Migrated.as_str().to_owned()
            } else {
                canary_at(share)
            };
            let who = self.announced(name, Phase::Canary);
            self.tell(name, (&from, &canary_at(wanted)), who);
        }
        let now = self.progress.now();
        self.stand(name, |standing| {
            standing.announced = None;
            standing.begin_step(Some(wanted), now);
        });
    }

    /// Adds to the route's story, and to the audit where it is known who edited the file.
    fn tell(&mut self, route: &str, (from, to): (&str, &str), who: Option<(String, Word)>) {
        if let Some((peer, word)) = who {
            let actor = Actor {
                what: "config",
                peer,
                word,
            };
            return self.note("cutover", route, &actor, from, to);
        }
        self.batch.events.push(Event {
            at: self.progress.now(),
            route: route.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            actor: "config".to_owned(),
            who: String::new(),
            why: String::new(),
            generation: self.generation,
            ..Event::default()
        });
    }
}

/// The share that a canary begins with.
pub(super) fn first_share(migration: &MigrationConfig) -> Percent {
    let first = migration.rollout.steps.first();
    first.copied().unwrap_or(migration.split.percent)
}

/// A step in words.
pub(super) fn canary_at(share: Percent) -> String {
    format!("canary {share}")
}

pub(super) fn migrations(config: &Config) -> impl Iterator<Item = (&String, &MigrationConfig)> {
    config.routes.keys().filter_map(|name| {
        let migration = migration_of(config, name)?;
        Some((name, migration))
    })
}

fn migration_of<'c>(config: &'c Config, route: &str) -> Option<&'c MigrationConfig> {
    match &config.routes.get(route)?.target {
        TargetConfig::Migration(migration) => Some(migration),
        TargetConfig::Upstream(_) | TargetConfig::Own(_) => None,
    }
}
