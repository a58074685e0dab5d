//! The one holder of all progress. Whoever changes what is in force, a reload or a verb, has it alone meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::clock::Clock;
use strangler::LegacyClock;
use tokio::sync::Notify;

use super::collecting::Collected;
use super::elsewhere::Elsewhere;
use super::evidence::{AllJudged, Judged};
use super::exchanged::Bases;
use super::queue::Queue;
use super::restored::{self, Documents, Restored, Unreadable};
use super::standing::Standings;
use super::window::Windows;
use crate::decommission::known::Users;
use crate::notify::desk::Desk;
use crate::replicas::Company;
use crate::store::config::StateConfig;
use crate::store::rows::{Batch, Diff, Document, Event, Generation, Known};
use crate::store::{Store, StoreError};

/// All progress.
#[derive(Debug)]
pub struct Progress {
    inner: Mutex<Inner>,
    queue: Queue,
    /// Nothing where it cannot be used.
    store: Option<Arc<Store>>,
    /// Where messages about changes are left.
    desk: Desk,
    /// Why nothing is kept, if so.
    trouble: Mutex<Option<String>>,
    /// Rows that are not written over, because they could not be read.
    unreadable: Unreadable,
    /// What was seen of canaries, as it is kept.
    published: Mutex<Arc<AllJudged>>,
    /// How it stands with other gateways, where there are any.
    company: Mutex<Option<Company>>,
    /// Rings when something was said.
    said: Arc<Notify>,
    clock: Clock,
}

/// What is behind the lock.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) standings: Arc<Standings>,
    pub(super) clocks: BTreeMap<String, LegacyClock>,
    pub(super) users: Users,
    pub(super) windows: Windows,
    /// What other gateways counted lately.
    pub(super) elsewhere: Vec<Elsewhere>,
    /// What was seen of canaries.
    pub(super) judged: Arc<AllJudged>,
    /// And since the last look.
    pub(super) collected: Collected,
    /// What all gateways have, where there are several.
    pub(super) bases: Bases,
    /// Events that the others have not heard of; nothing where there are none.
    pub(super) untold: Option<Vec<Event>>,
    /// The name that this gateway keeps over restarts; empty until it needs one.
    pub(super) replica: String,
    /// The number of the last file that was taken over.
    pub(super) generation: u64,
}

/// What a change came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It will be there after a restart.
    Kept,
    /// It is in force, and ends with this process: why.
    NotKept(String),
}

fn opened(config: &StateConfig, now: Duration) -> Result<(Store, Known), StoreError> {
    let store = Store::open(&config.path)?;
    let known = store.known(now)?;
    Ok((store, known))
}

impl Progress {
    /// Opens the store and takes over what it knows; `text` is the file that is about to be in force. A store that cannot
    /// be used is trouble, and nothing else.
    pub fn open(config: &StateConfig, clock: Clock, text: &str) -> (Self, Vec<Diff>, Documents) {
        let now = clock.unix();
        let (store, known, trouble) = match opened(config, now) {
            Ok((store, known)) => (Some(Arc::new(store)), known, None),
            Err(error) => (None, Known::default(), Some(error.to_string())),
        };
        let last = known.generation.clone();
        let Restored {
            standings,
            clocks,
            judged,
            bases,
            replica,
            others,
            unreadable,
        } = restored::read(known.documents);
        let mut inner = Inner {
            standings: Arc::new(standings),
            clocks,
            users: Users::restore(known.uses),
            windows: Windows::restore(known.windows),
            judged: Arc::new(judged),
            bases,
            replica,
            generation: last.as_ref().map_or(0, |last| last.number),
            ..Inner::default()
        };
        let mut first = Batch::default();
        if last.is_none_or(|last| last.text != text) {
            inner.generation += 1;
            first.generations.push(Generation {
                number: inner.generation,
                at: now,
                changes: "read at the start".to_owned(),
                text: text.to_owned(),
            });
        }
        if let Some(trouble) = &trouble {
            tracing::error!(trouble, "state cannot be used; the declared phases rule");
        }
        let published = Mutex::new(Arc::clone(&inner.judged));
        let progress = Self {
            inner: Mutex::new(inner),
            queue: Queue::default(),
            desk: Desk::default(),
            store,
            trouble: Mutex::new(trouble),
            unreadable,
            published,
            company: Mutex::default(),
            said: Arc::default(),
            clock,
        };
        progress.push(first);
        (progress, known.diffs, others)
    }

    /// Has it alone.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wall time since 1970.
    pub fn now(&self) -> Duration {
        self.clock.unix()
    }

    /// What stands over all routes.
    pub fn standings(&self) -> Arc<Standings> {
        Arc::clone(&self.lock().standings)
    }

    /// What was seen of canaries: only what is kept, so that a restart changes nothing that was shown.
    pub fn judged(&self) -> Arc<AllJudged> {
        let published = self.published.lock();
        Arc::clone(&published.unwrap_or_else(PoisonError::into_inner))
    }

    /// The same of the step that a route is in; what was seen of an earlier one says nothing of what is in force.
    pub fn judged_now(&self, route: &str) -> Option<Arc<Judged>> {
        let step = self.standings().of(route).step;
        let judged = self.judged().get(route).cloned();
        judged.filter(|judged| judged.number == step)
    }

    pub(super) fn publish(&self, judged: Arc<AllJudged>) {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *published = judged;
    }

    /// How it stands with other gateways; nothing where there are none.
    pub fn company(&self) -> Option<Company> {
        let company = self.company.lock();
        company.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// So it stands now.
    pub fn is_in(&self, company: Company) {
        *self.company.lock().unwrap_or_else(PoisonError::into_inner) = Some(company);
    }

    /// Rings when something was said that others may want to hear.
    pub fn said(&self) -> Arc<Notify> {
        Arc::clone(&self.said)
    }

    /// The number of the file in force.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Why nothing is kept, or not all of it, if so.
    pub fn trouble(&self) -> Option<String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let unreadable = self.unreadable.iter();
        let unreadable = unreadable.map(|(kind, name)| {
            format!("what is kept as {kind} of {name} cannot be read, is not in force, and is left as it is")
        });
        let all: Vec<String> = trouble.iter().cloned().chain(unreadable).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// The store, for questions about the past.
    pub fn store(&self) -> Result<&Arc<Store>, String> {
        let trouble = || self.trouble().unwrap_or_default();
        self.store.as_ref().ok_or_else(trouble)
    }

    /// Where messages about changes are left.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The process is about to end.
    pub fn close(&self) {
        if let Some(Err(error)) = self.store.as_deref().map(Store::close) {
            tracing::warn!(%error, "state is not in one file");
        }
    }

    /// Adds rows to what is written next; to be called by whoever has it alone. Says whether all of them may be written.
    pub(super) fn push(&self, mut batch: Batch) -> bool {
        let documents = batch.documents.len();
        if !self.unreadable.is_empty() {
            let readable = |one: &Document| {
                let row = (one.kind.to_owned(), one.name.clone());
                !self.unreadable.contains(&row)
            };
            batch.documents.retain(readable);
        }
        let whole = batch.documents.len() == documents;
        self.desk.fill(&mut batch);
        // Without a store nothing of it will ever be written.
        if self.store.is_some() {
            self.queue.push(batch);
        }
        whole
    }

    /// Writes what was added, without keeping anybody from changing something meanwhile.
    pub(super) fn flush(&self) -> Said {
        let Some(store) = &self.store else {
            return Said::NotKept(self.trouble().unwrap_or_default());
        };
        let written = self.queue.flush(store);
        if written == Ok(true) {
            self.desk.written();
        }
        let trouble = written.as_ref().err().map(StoreError::to_string);
        self.note_trouble(trouble.clone());
        trouble.map_or(Said::Kept, Said::NotKept)
    }

    fn note_trouble(&self, trouble: Option<String>) {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match (&*known, &trouble) {
            (None, Some(trouble)) => tracing::error!(trouble, "state cannot be written"),
            (Some(_), None) => tracing::info!("state is written again"),
            _ => {}
        }
        *known = trouble;
    }
}
