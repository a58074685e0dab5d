//! A change of what is in force: begun with the lock, compiled by whoever began it, then kept.

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use super::evidence::AllJudged;
use super::exchanged::Bases;
use super::restored::{self, ALL};
use super::standing::{Standing, Standings, Word};
use super::state::{Inner, Progress, Said};
use crate::notify::config::WebhookConfig;
use crate::store::rows::{Audit, Batch, Event, Generation};

/// So many events wait until other gateways can hear of them; the oldest are let go.
const UNTOLD_MAX: usize = 10_000;

/// A change that is not in force yet. Dropped, it never was.
#[derive(Debug)]
pub struct Change<'a> {
    pub(super) progress: &'a Progress,
    pub(super) inner: MutexGuard<'a, Inner>,
    pub(super) standings: Standings,
    pub(super) generation: u64,
    pub(super) batch: Batch,
    /// Who is told of it, where another file is about to be in force.
    pub(super) webhooks: Option<BTreeMap<String, WebhookConfig>>,
    pub(super) judged: Arc<AllJudged>,
    /// What all gateways will have.
    pub(super) bases: Bases,
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

impl Progress {
    /// Begins a change; nobody else changes anything until it is done or dropped.
    pub fn change(&self) -> Change<'_> {
        let inner = self.lock();
        Change {
            progress: self,
            standings: Standings::clone(&inner.standings),
            generation: inner.generation,
            judged: Arc::clone(&inner.judged),
            bases: inner.bases.clone(),
            inner,
            batch: Batch::default(),
            webhooks: None,
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
                ..Event::default()
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
        if !changed.is_empty() {
            self.progress.said().notify_one();
        }
        self.batch.documents.extend(changed);
        self.inner.standings = Arc::new(self.standings);
        self.inner.generation = self.generation;
        if let Some(webhooks) = &self.webhooks {
            self.progress.desk().serve(webhooks);
        }
        self.inner.judged = Arc::clone(&self.judged);
        self.inner.bases = self.bases;
        let fresh = self.progress.desk().fill(&mut self.batch);
        if let Some(untold) = &mut self.inner.untold {
            untold.extend(fresh);
            let surplus = untold.len().saturating_sub(UNTOLD_MAX);
            untold.drain(..surplus);
        }
        let whole = self.progress.push(self.batch);
        drop(self.inner);
        let said = self.progress.flush();
        // What was shown is there after a restart.
        self.progress.publish(self.judged);
        match said {
            Said::Kept if !whole => Said::NotKept(self.progress.trouble().unwrap_or_default()),
            said => said,
        }
    }
}

/// What the audit calls all routes.
pub(super) const EVERYTHING: &str = ALL;
