//! Takes over an edited file, and what an operator says over it: read all, validate all, build a new snapshot, swap. A
//! file that does not load changes nothing but the log line and what readiness says.

mod spoken;
mod judging;
mod sharing;
mod watch;

pub use judging::judge;
pub use spoken::{Unsaid, keep};
pub use watch::watch;

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use strangler::GateState;

use crate::auth::config::KeySource;
use crate::auth::jwks;
use crate::config::changes;
use crate::config::source::Source;
use crate::config::{Config, load};
use crate::forward::finding::Finder;
use crate::per_core::Shared;
use crate::progress::{Change, NotYet, Patience, Progress};
use crate::shadow::runner::Runner;
use crate::side::config::MigrationConfig;
use crate::snapshot::{BuildError, Snapshot};

/// Where `${NAME}` comes from.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Takes over edited files.
pub struct Reloader {
    path: PathBuf,
    environment: Environment,
    shared: Arc<Shared>,
    progress: Arc<Progress>,
    copies: Runner,
    finder: Finder,
    /// Held while a file is looked at.
    last: Mutex<Last>,
    /// Apart from it, so that readiness never waits for a disk.
    trouble: Mutex<Option<String>>,
}

impl std::fmt::Debug for Reloader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloader")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The file that was looked at last.
#[derive(Debug, Default)]
struct Last {
    /// None when there was no file.
    text: Option<String>,
    /// It was refused for what may change without an edit, a route's history or a file that it names: it is looked at
    /// again.
    waits: bool,
}

/// Who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The file, or something beside it, changed.
    Saved,
    /// SIGHUP.
    Signal,
    /// `POST /reload`.
    Admin,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The file says what is in force.
    Unchanged {
        /// The generation in force.
        generation: u64,
    },
    /// It is in force.
    Applied {
        /// The new generation.
        generation: u64,
        /// What changed, in words.
        changes: Vec<String>,
        /// What changes only with a restart.
        restart: Vec<String>,
    },
    /// It is not; what was in force still is.
    Refused {
        /// The generation in force.
        generation: u64,
        /// Why: how many mistakes, and the first with its place.
        why: String,
        /// All of them, as `check` prints them.
        report: String,
    },
}

impl Reloader {
    /// `text` is what the snapshot in force was made from.
    pub fn new(
        path: PathBuf,
        environment: Environment,
        text: String,
        shared: Arc<Shared>,
        progress: Arc<Progress>,
        copies: Runner,
        finder: Finder,
    ) -> Self {
        let last = Mutex::new(Last {
            text: Some(text),
            waits: false,
        });
        Self {
            path,
            environment,
            shared,
            progress,
            copies,
            finder,
            last,
            trouble: Mutex::default(),
        }
    }

    /// Who sends the copies of requests.
    pub fn copies(&self) -> &Runner {
        &self.copies
    }

    /// Begins to look for the endpoints of these upstreams.
    pub fn look_for_endpoints(&self, snapshot: &Snapshot) {
        let servers = &snapshot.config.dns.servers;
        self.finder.serve(servers, snapshot.endpoints.values());
    }

    /// Where state is kept, which may be beside the file.
    fn state_file(&self) -> PathBuf {
        self.shared.current.load().config.state.path.clone()
    }

    /// Which file.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Why the file is not what is in force, if it is not.
    pub fn trouble(&self) -> Option<String> {
        self.trouble
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_trouble(&self, trouble: Option<String>) -> Option<String> {
        std::mem::replace(
            &mut *self.trouble.lock().unwrap_or_else(PoisonError::into_inner),
            trouble,
        )
    }

    /// Reads the file again. One at a time; requests go on meanwhile.
    pub fn reload(&self, cause: Cause) -> Outcome {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.shared.current.load_full();
        let generation = current.generation;
        let source = match self.read() {
            Ok(source) => source,
            Err(error) => {
                *last = Last::default();
                return self.refuse(generation, error.to_string(), String::new());
            }
        };
        // Who only looked at the file, or wrote the same again, need not hear about it.
        let same = cause == Cause::Saved && last.text.as_ref() == Some(&source.text);
        if same && !last.waits {
            return Outcome::Unchanged { generation };
        }
        last.text = Some(source.text.clone());
        let waited = std::mem::take(&mut last.waits) && same;
        let loaded = match load(&source, &*self.environment) {
            Ok(loaded) => loaded,
            Err(report) => {
                // The mistake may stand in a file that this one names, and be mended there.
                last.waits = true;
                let (why, report) = (report.summary(), report.render(false));
                if waited && self.trouble().as_ref() == Some(&why) {
                    return refused(generation, why, report);
                }
                return self.refuse(generation, why, report);
            }
        };
        if loaded.config == *current.config && !has_key_files(&loaded.config) {
            if self.set_trouble(None).is_some() {
                tracing::info!(generation, "the file again says what is in force");
            }
            self.look_at_waiting();
            return Outcome::Unchanged { generation };
        }
        match self.take_over(loaded.config, source.text) {
            Ok(outcome) => outcome,
            Err(Refusal::Build(error)) => self.refuse(generation, error.to_string(), String::new()),
            Err(Refusal::NotYet(not_yet)) => {
                last.waits = true;
                let why = not_yet.to_string();
                if waited {
                    self.set_trouble(Some(why.clone()));
                    return refused(generation, why, String::new());
                }
                self.refuse(generation, why, String::new())
            }
        }
    }

    /// Lets the routes enter the phases that the file declares, and swaps.
    fn take_over(&self, config: Config, text: String) -> Result<Outcome, Refusal> {
        let mut change = self.progress.change();
        let current = self.shared.current.load_full();
        change.next_generation();
        change.admit(
            &config,
            Some(&current.config),
            &|route, migration| self.gate(route, migration),
            Patience::Refuse,
        )?;
        let next = self.build(&change, Arc::new(config), &current)?;
        self.set_trouble(None);
        let outcome = self.apply(&current, next);
        if let Outcome::Applied { changes, .. } = &outcome {
            change.accepted(changes.join("; "), text);
        }
        change.done();
        Ok(outcome)
    }

    fn gate(&self, route: &str, migration: &MigrationConfig) -> Option<GateState> {
        let comparisons = &self.shared.comparisons;
        comparisons.gate(route, migration.shadow.as_deref())
    }

    fn build(
        &self,
        change: &Change<'_>,
        config: Arc<Config>,
        current: &Snapshot,
    ) -> Result<Snapshot, BuildError> {
        Snapshot::build(
            config,
            change.standings(),
            change.generation(),
            Some(current),
            &self.shared.metrics,
            &self.shared.comparisons,
        )
    }

    /// A pipe or a device in the file's place could be read for ever.
    fn read(&self) -> std::io::Result<Source> {
        if std::fs::metadata(&self.path).is_ok_and(|found| !found.is_file()) {
            let said = format!("{}: is not a file", self.path.display());
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, said));
        }
        Source::read(&self.path)
    }

    fn apply(&self, current: &Snapshot, next: Snapshot) -> Outcome {
        let mut changes = changes::between(&current.config, &next.config);
        if changes.said.is_empty() {
            changes.said.push("key files read again".to_owned());
        }
        let generation = next.generation;
        for ring in next
            .rings()
            .filter(|ring| !current.rings().any(|known| Arc::ptr_eq(known, ring)))
        {
            jwks::keep_fresh(ring, self.finder.tasks());
        }
        self.look_for_endpoints(&next);
        let next = Arc::new(next);
        self.shared.current.store(Arc::clone(&next));
        self.copies.serve(next.shadows());
        self.shared.metrics.reloads.fetch_add(1, Ordering::Relaxed);
        tracing::info!(
            generation,
            changes = changes.said.join("; "),
            "configuration taken over"
        );
        if !changes.restart.is_empty() {
            tracing::warn!(
                keys = changes.restart.join(", "),
                "these change only with a restart"
            );
        }
        Outcome::Applied {
            generation,
            changes: changes.said,
            restart: changes.restart,
        }
    }

    fn refuse(&self, generation: u64, why: String, report: String) -> Outcome {
        self.shared
            .metrics
            .reload_failures
            .fetch_add(1, Ordering::Relaxed);
        if self.set_trouble(Some(why.clone())).as_ref() != Some(&why) {
            tracing::error!(
                generation,
                why,
                "configuration refused; the one in force stays"
            );
        }
        refused(generation, why, report)
    }
}

/// Why a file that reads well is not taken over.
enum Refusal {
    Build(BuildError),
    NotYet(NotYet),
}

impl From<BuildError> for Refusal {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl From<NotYet> for Refusal {
    fn from(not_yet: NotYet) -> Self {
        Self::NotYet(not_yet)
    }
}

fn refused(generation: u64, why: String, report: String) -> Outcome {
    Outcome::Refused {
        generation,
        why,
        report,
    }
}

fn has_key_files(config: &Config) -> bool {
    config
        .issuers
        .values()
        .any(|issuer| matches!(issuer.keys, KeySource::File(_)))
}
