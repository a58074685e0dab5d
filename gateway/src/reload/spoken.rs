//! What an operator says at run time, and what time brings: the same file, compiled anew with what stands over it.

use std::sync::Arc;

use chassis::tasks::Tasks;
use strangler::Phase;

use super::Reloader;
use crate::progress::keeping::{Counted, EVERY};
use crate::progress::verb::{Spoken, Verb, VerbError, migration};
use crate::progress::{Actor, Change, Patience, Said};
use crate::shadow::kept;
use crate::snapshot::BuildError;

/// How often routes that wait for their phase are looked at.
const WAITING: u64 = 10;

/// What does not come to pass.
#[derive(Debug, thiserror::Error)]
pub enum Unsaid {
    /// It cannot be said.
    #[error(transparent)]
    Verb(#[from] VerbError),
    /// It cannot be compiled.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl Reloader {
    /// Says it of one route.
    pub fn say(&self, verb: Verb, route: &str, actor: &Actor) -> Result<(Spoken, Said), Unsaid> {
        let mut change = self.progress.change();
        let config = Arc::clone(&self.shared.current.load().config);
        let spoken = change.say(verb, route, &config, actor)?;
        Ok((spoken, self.in_force(change)?))
    }

    /// Kills all routes, or takes that back.
    pub fn say_of_all(&self, kill: bool, actor: &Actor) -> Result<(Spoken, Said), Unsaid> {
        let mut change = self.progress.change();
        let spoken = change.say_of_all(kill, actor)?;
        Ok((spoken, self.in_force(change)?))
    }

    /// Somebody is about to declare `to` for `route` in the file, perhaps with a share that moves it `forward`. What speaks
    /// against it, if something does. With `force` it may be declared in any case, which is kept.
    pub fn may_enter(
        &self,
        route: &str,
        (to, forward): (Phase, bool),
        force: bool,
        actor: &Actor,
    ) -> Result<Option<String>, Unsaid> {
        let mut change = self.progress.change();
        let config = Arc::clone(&self.shared.current.load().config);
        let gate = |route: &str, migration: &_| self.gate(route, migration);
        migration(&config, route)?;
        let against = change.against(route, (to, forward), &config, &gate);
        if against.is_some() && !force {
            return Ok(against);
        }
        if against.is_some() {
            change.force(route, to, &config, actor)?;
        }
        change.announce(route, to, actor);
        self.in_force(change)?;
        Ok(None)
    }

    /// Compiles anew what the change moves, swaps, and keeps it.
    pub(super) fn in_force(&self, change: Change<'_>) -> Result<Said, BuildError> {
        let current = self.shared.current.load_full();
        if change.moves(&current.config) {
            let next = self.build(&change, Arc::clone(&current.config), &current)?;
            self.copies.serve(next.shadows());
            self.shared.current.store(Arc::new(next));
        }
        Ok(change.done())
    }

    /// Routes whose declared phase had to wait enter it as soon as they may, or come nearer to it.
    pub(super) fn look_at_waiting(&self) {
        let mut change = self.progress.change();
        let mut routes = change.standings().routes.values();
        if routes.all(|standing| standing.waits.is_none()) {
            return;
        }
        let config = Arc::clone(&self.shared.current.load().config);
        let gate = |route: &str, migration: &_| self.gate(route, migration);
        // Nothing is refused that only waits.
        let _ = change.admit(&config, Some(&config), &gate, Patience::Wait);
        let moves = change.moves(&config);
        match self.in_force(change) {
            Ok(_) if moves => tracing::info!("a route enters a phase that it waited for"),
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "a route cannot enter its phase"),
        }
    }

    fn tick(&self, tick: u64) {
        let config = Arc::clone(&self.shared.current.load().config);
        let counted = Counted {
            config: &config,
            stats: &self.shared.metrics.routes(),
            notes: self.shared.notes.take(),
            tick,
        };
        let comparisons = &self.shared.comparisons;
        self.progress
            .keep(counted, |batch| kept::write(comparisons, batch));
        if tick.is_multiple_of(WAITING) {
            self.look_at_waiting();
        }
    }
}

/// Keeps what was counted, every second and once more at the end.
pub fn keep(reloader: &Arc<Reloader>, tasks: &Tasks) {
    let (reloader, stopping) = (Arc::clone(reloader), tasks.stopping());
    tasks.spawn("state", async move {
        let mut ticks = 1..;
        let once = |tick| {
            let reloader = Arc::clone(&reloader);
            tokio::task::spawn_blocking(move || reloader.tick(tick))
        };
        let always = async {
            let mut every = tokio::time::interval(EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            for tick in ticks.by_ref() {
                every.tick().await;
                if once(tick).await.is_err() {
                    return;
                }
            }
        };
        tokio::select! { () = always => {}, () = stopping => {} }
        let _ = once(1).await;
    });
}
