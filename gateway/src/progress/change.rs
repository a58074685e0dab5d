//! A change of what is in force: begun with the lock, compiled by whoever began it, then kept.

use std::sync::{Arc, MutexGuard};

use strangler::{GateState, Phase, Refusal, Verdict, entering};

use super::restored::{self, ALL};
use super::standing::{Standing, Standings, Word, millis};
use super::state::{Inner, Progress, Said};
use crate::config::Config;
use crate::route::config::TargetConfig;
use crate::side::config::MigrationConfig;
use crate::store::rows::{Audit, Batch, Event, Generation};

/// What the comparison of a route says about leaving `shadow`; nothing where it compares nothing.
pub type Gate<'a> = &'a dyn Fn(&str, &MigrationConfig) -> Option<GateState>;

/// A change that is not in force yet. Dropped, it never was.
#[derive(Debug)]
pub struct Change<'a> {
    pub(super) progress: &'a Progress,
    pub(super) inner: MutexGuard<'a, Inner>,
    pub(super) standings: Standings,
    pub(super) generation: u64,
    pub(super) batch: Batch,
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

/// Who does something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// What did it: `config`, `api`.
    pub what: &'static str,
    /// Their address, where it came over the network.
    pub peer: String,
    /// Who and why.
    pub word: Word,
}

/// Whether a declared phase that may not be entered is a mistake, or waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// A file that was edited: the edit is refused.
    Refuse,
    /// A file that a process starts with: what was in force before stays so.
    Wait,
}

impl Progress {
    /// Begins a change; nobody else changes anything until it is done or dropped.
    pub fn change(&self) -> Change<'_> {
        let inner = self.lock();
        Change {
            progress: self,
            standings: Standings::clone(&inner.standings),
            generation: inner.generation,
            inner,
            batch: Batch::default(),
        }
    }
}

impl Change<'_> {
    /// What will stand over the routes.
    pub fn standings(&self) -> &Standings {
        &self.standings
    }

    /// The number of the file in force once the change is.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Another file is about to be in force.
    pub fn next_generation(&mut self) {
        self.generation += 1;
    }

    /// Lets routes enter the phases that `config` declares, as far as their history allows. `before` is the file in force,
    /// where there is one: a phase that is declared as it was goes on waiting.
    pub fn admit(
        &mut self,
        config: &Config,
        before: Option<&Config>,
        gate: Gate<'_>,
        patience: Patience,
    ) -> Result<(), NotYet> {
        for (name, route) in &config.routes {
            let TargetConfig::Migration(migration) = &route.target else {
                continue;
            };
            let was = before.and_then(|before| declared(before, name));
            let patience = match was {
                Some(was) if was == migration.phase => Patience::Wait,
                _ => patience,
            };
            self.admit_route(name, migration, config, gate, patience)?;
        }
        Ok(())
    }

    fn admit_route(
        &mut self,
        name: &str,
        migration: &MigrationConfig,
        config: &Config,
        gate: Gate<'_>,
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
        let word = standing.forced.as_ref();
        let word = word.filter(|(phase, _)| *phase == to).map(|(_, word)| word);
        let gate = gate(name, migration);
        let entered = self.entering(name, to, word.is_some(), config, gate.as_ref());
        let Err(refusal) = entered else {
            self.enter(name, &standing, to, word);
            return Ok(());
        };
        let (stays, why) = (refusal.last_allowed(), refusal.to_string());
        if patience == Patience::Refuse {
            return Err(NotYet {
                route: name.to_owned(),
                to,
                stays,
                why,
            });
        }
        // Once: it is looked at again and again.
        if standing.waits.is_none() {
            tracing::warn!(route = name, %to, %stays, why, "a route may not enter its declared phase yet");
        }
        self.stand(name, |standing| {
            standing.entered = Some(stays);
            standing.waits = Some(format!("declared {to}, waits: {why}"));
        });
        Ok(())
    }

    pub(super) fn entering(
        &self,
        route: &str,
        to: Phase,
        forced: bool,
        config: &Config,
        gate: Option<&GateState>,
    ) -> Result<(), Refusal> {
        let from = self.standings.of(route).entered;
        let clock = self.inner.clocks.get(route).cloned().unwrap_or_default();
        let clock: Verdict = clock.verdict(config.state.retire_after);
        entering(from, to, gate, Some(clock), forced)
    }

    /// A changed phase clears what was said of the one before.
    fn enter(&mut self, name: &str, standing: &Standing, to: Phase, word: Option<&Word>) {
        let now = self.progress.now();
        let from = standing.entered.map_or("-", Phase::as_str);
        self.batch.events.push(Event {
            at: now,
            route: name.to_owned(),
            from: from.to_owned(),
            to: to.as_str().to_owned(),
            actor: "config".to_owned(),
            who: word.map(|word| word.who.clone()).unwrap_or_default(),
            why: word.map(|word| word.why.clone()).unwrap_or_default(),
            generation: self.generation,
        });
        self.stand(name, |standing| {
            standing.entered = Some(to);
            standing.since_ms = millis(now);
            standing.waits = None;
            standing.rolled_back = None;
            standing.forced = None;
        });
    }

    pub(super) fn stand(&mut self, name: &str, change: impl FnOnce(&mut Standing)) {
        change(self.standings.routes.entry(name.to_owned()).or_default());
    }

    /// Notes what somebody did, for the audit and the route's story.
    pub(super) fn note(&mut self, what: &str, route: &str, actor: &Actor, from: &str, to: &str) {
        let at = self.progress.now();
        let Actor { peer, word, .. } = actor;
        self.batch.audit.push(Audit {
            at,
            who: word.who.clone(),
            peer: peer.clone(),
            what: what.to_owned(),
            route: route.to_owned(),
            why: word.why.clone(),
            before: from.to_owned(),
            after: to.to_owned(),
            generation: self.generation,
        });
        if from != to {
            self.batch.events.push(Event {
                at,
                route: route.to_owned(),
                from: from.to_owned(),
                to: to.to_owned(),
                actor: actor.what.to_owned(),
                who: word.who.clone(),
                why: word.why.clone(),
                generation: self.generation,
            });
        }
    }

    /// A file was taken over.
    pub fn accepted(&mut self, changes: String, text: String) {
        self.batch.generations.push(Generation {
            number: self.generation,
            at: self.progress.now(),
            changes,
            text,
        });
    }

    /// It is in force now; keeps it.
    pub fn done(mut self) -> Said {
        let changed = restored::changed(&self.inner.standings, &self.standings);
        self.batch.documents.extend(changed);
        self.inner.standings = Arc::new(self.standings);
        self.inner.generation = self.generation;
        drop(self.inner);
        self.progress.write(self.batch)
    }
}

/// The phase that a file declares for a route.
pub(super) fn declared(config: &Config, route: &str) -> Option<Phase> {
    match &config.routes.get(route)?.target {
        TargetConfig::Migration(migration) => Some(migration.phase),
        TargetConfig::Upstream(_) => None,
    }
}

/// What the audit calls all routes.
pub(super) const EVERYTHING: &str = ALL;
