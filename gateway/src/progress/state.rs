//! The one holder of all progress. Whoever changes what is in force, a reload or a verb, has it alone meanwhile.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chassis::clock::Clock;
use strangler::LegacyClock;

use super::restored::{self, Documents, Restored, Unreadable};
use super::standing::Standings;
use super::window::Windows;
use crate::decommission::known::Users;
use crate::store::config::StateConfig;
use crate::store::rows::{Batch, Diff, Document, Generation};
use crate::store::{Store, StoreError};

/// So many rows of a kind wait for a store that cannot be written.
const WAITING_MAX: usize = 10_000;

/// All progress.
#[derive(Debug)]
pub struct Progress {
    inner: Mutex<Inner>,
    /// What could not be written yet. Held while it is written, so that rows come in order.
    pending: Mutex<Batch>,
    /// Nothing where it cannot be used.
    store: Option<Store>,
    /// Why nothing is kept, if so.
    trouble: Mutex<Option<String>>,
    /// Rows that are not written over, because they could not be read.
    unreadable: Unreadable,
    clock: Clock,
}

/// What is behind the lock.
#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) standings: Arc<Standings>,
    pub(super) clocks: BTreeMap<String, LegacyClock>,
    pub(super) users: Users,
    pub(super) windows: Windows,
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

impl Progress {
    /// Opens the store and takes over what it knows; `text` is the file that is about to be in force. A store that cannot
    /// be used is trouble, and nothing else.
    pub fn open(config: &StateConfig, clock: Clock, text: &str) -> (Self, Vec<Diff>, Documents) {
        let now = clock.unix();
        let opened = Store::open(&config.path).and_then(|store| {
            let known = store.known(now)?;
            Ok((store, known))
        });
        let (store, known, trouble) = match opened {
            Ok((store, known)) => (Some(store), known, None),
            Err(error) => (
                None,
                crate::store::rows::Known::default(),
                Some(error.to_string()),
            ),
        };
        let last = known.generation.clone();
        let Restored {
            standings,
            clocks,
            others,
            unreadable,
        } = restored::read(known.documents);
        let mut inner = Inner {
            standings: Arc::new(standings),
            clocks,
            users: Users::restore(known.uses),
            windows: Windows::restore(known.windows),
            generation: last.as_ref().map_or(0, |last| last.number),
        };
        let mut pending = Batch::default();
        if last.is_none_or(|last| last.text != text) {
            inner.generation += 1;
            pending.generations.push(Generation {
                number: inner.generation,
                at: now,
                changes: "read at the start".to_owned(),
                text: text.to_owned(),
            });
        }
        if let Some(trouble) = &trouble {
            tracing::error!(trouble, "state cannot be used; the declared phases rule");
        }
        let progress = Self {
            inner: Mutex::new(inner),
            pending: Mutex::new(pending),
            store,
            trouble: Mutex::new(trouble),
            unreadable,
            clock,
        };
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
    pub fn store(&self) -> Result<&Store, String> {
        let trouble = || self.trouble().unwrap_or_default();
        self.store.as_ref().ok_or_else(trouble)
    }

    /// The process is about to end.
    pub fn close(&self) {
        if let Some(Err(error)) = self.store.as_ref().map(Store::close) {
            tracing::warn!(%error, "state is not in one file");
        }
    }

    /// Writes `batch` and whatever waits. What cannot be written waits for the next time.
    pub(super) fn write(&self, mut batch: Batch) -> Said {
        let unreadable = |one: &Document| {
            let row = (one.kind.to_owned(), one.name.clone());
            self.unreadable.contains(&row)
        };
        let documents = batch.documents.len();
        if !self.unreadable.is_empty() {
            batch.documents.retain(|one| !unreadable(one));
        }
        let whole = batch.documents.len() == documents;
        let mut waiting = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pending = std::mem::take(&mut *waiting);
        append(&mut pending, batch);
        if pending.is_empty() {
            return Said::Kept;
        }
        let Some(store) = &self.store else {
            return Said::NotKept(self.trouble().unwrap_or_default());
        };
        let written = store.write(pending.clone());
        let trouble = written.as_ref().err().map(StoreError::to_string);
        self.note_trouble(trouble.clone());
        match trouble {
            None if !whole => Said::NotKept(self.trouble().unwrap_or_default()),
            None => Said::Kept,
            Some(trouble) => {
                bound(&mut pending);
                *waiting = pending;
                Said::NotKept(trouble)
            }
        }
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

fn append(to: &mut Batch, mut batch: Batch) {
    to.documents.append(&mut batch.documents);
    to.windows.append(&mut batch.windows);
    to.uses.append(&mut batch.uses);
    to.compared_anew.append(&mut batch.compared_anew);
    to.diffs.append(&mut batch.diffs);
    to.events.append(&mut batch.events);
    to.audit.append(&mut batch.audit);
    to.generations.append(&mut batch.generations);
}

/// The oldest are let go; of documents and differences the newest of each is enough.
fn bound(batch: &mut Batch) {
    fn newest<T>(rows: &mut Vec<T>) {
        let surplus = rows.len().saturating_sub(WAITING_MAX);
        rows.drain(..surplus);
    }
    let documents: BTreeMap<_, _> = std::mem::take(&mut batch.documents)
        .into_iter()
        .map(|one| ((one.kind, one.name.clone()), one))
        .collect();
    batch.documents = documents.into_values().collect();
    let diffs: BTreeMap<_, _> = std::mem::take(&mut batch.diffs)
        .into_iter()
        .map(|one| ((one.route.clone(), one.key.clone()), one))
        .collect();
    batch.diffs = diffs.into_values().collect();
    newest(&mut batch.windows);
    newest(&mut batch.uses);
    newest(&mut batch.compared_anew);
    newest(&mut batch.events);
    newest(&mut batch.audit);
    newest(&mut batch.generations);
}
