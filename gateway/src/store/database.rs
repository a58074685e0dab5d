//! The file and the thread that has it.

use std::collections::BTreeSet;
use std::fmt;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::error::StoreError;
use super::outbox::{MessageRow, MessageState, Outbox, Outcome, Waiting};
use super::rows::{Audit, Batch, Event, Generation, Known};
use super::{messages, read, schema, write};

/// Another process at the same file, such as the one that this one takes over from, gets this long.
const BUSY: Duration = Duration::from_secs(2);

/// A disk that does not answer keeps nobody longer.
const PATIENCE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// State that survives. Everything here blocks until the file's thread has done it.
pub struct Store {
    path: PathBuf,
    /// The file that was opened: its device and number there.
    opened: Option<(u64, u64)>,
    jobs: Sender<Job>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.path).finish()
    }
}

impl Store {
    /// Opens the file, or makes it. A file that is damaged, of a newer version, or something else stays as it is.
    ///
    /// The thread ends when the store is dropped, with all that was asked of it done.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let connection = connect(path)?;
        let (jobs, asked): (Sender<Job>, Receiver<Job>) = channel();
        let mut connection = connection;
        let work = move || {
            for job in asked {
                job(&mut connection);
            }
        };
        std::thread::Builder::new()
            .name("state".to_owned())
            .spawn(work)
            .map_err(|error| StoreError::Open {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
        Ok(Self {
            path: path.to_owned(),
            opened: identity(path),
            jobs,
        })
    }

    /// What was known before.
    pub fn known(&self, now: Duration) -> Result<Known, StoreError> {
        self.ask(move |connection| read::known(connection, now))
    }

    /// Writes all of it or nothing.
    pub fn write(&self, batch: Batch) -> Result<(), StoreError> {
        self.change(move |tx| write::batch(tx, &batch))
    }

    /// Makes old rows coarser and lets the oldest go.
    pub fn tidy(&self, now: Duration) -> Result<(), StoreError> {
        self.change(move |tx| write::tidy(tx, now))
    }

    /// Brings everything into the one file, so that a copy of it is whole.
    pub fn close(&self) -> Result<(), StoreError> {
        self.ask(|connection| {
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        })
    }

    /// What happened to a route, or to all; the newest first.
    pub fn events(&self, route: Option<String>, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.ask(move |connection| read::events(connection, route.as_deref(), limit))
    }

    /// Those of these events that are there, by name.
    pub fn known_events(&self, names: Vec<String>) -> Result<BTreeSet<String>, StoreError> {
        self.ask(move |connection| read::known_events(connection, &names))
    }

    /// Who did what; the newest first.
    pub fn audit(&self, limit: u32) -> Result<Vec<Audit>, StoreError> {
        self.ask(move |connection| read::audit(connection, limit))
    }

    /// Files that were taken over; the newest first.
    pub fn generations(&self, limit: u32) -> Result<Vec<Generation>, StoreError> {
        self.ask(move |connection| read::generations(connection, limit))
    }

    /// Messages whose time has come, at most so many of `each` webhook.
    pub fn due(
        &self,
        webhooks: Vec<String>,
        each: usize,
        now: Duration,
    ) -> Result<Waiting, StoreError> {
        self.ask(move |connection| messages::due(connection, &webhooks, each, now))
    }

    /// Keeps what a try to deliver a message came to.
    pub fn settle(&self, id: String, outcome: Outcome, now: Duration) -> Result<(), StoreError> {
        self.change(move |tx| messages::settle(tx, &id, &outcome, now))
    }

    /// Gives messages up whose webhook is not one of these. How many.
    pub fn abandon(
        &self,
        webhooks: Vec<String>,
        why: &'static str,
        now: Duration,
    ) -> Result<usize, StoreError> {
        self.change(move |tx| messages::abandon(tx, &webhooks, why, now))
    }

    /// A dead message is tried again, and somebody said so. Whether there is one.
    pub fn revive(&self, id: String, said: Audit) -> Result<bool, StoreError> {
        self.change(move |tx| {
            let revived = messages::revive(tx, &id, said.at)?;
            if revived {
                write::audit(tx, &said)?;
            }
            Ok(revived)
        })
    }

    /// What became of messages: counts, and so many of those in `state`.
    pub fn outbox(&self, state: MessageState, limit: u32) -> Result<Outbox, StoreError> {
        self.ask(move |connection| messages::outbox(connection, state.as_str(), limit))
    }

    /// What became of one.
    pub fn message(&self, id: String) -> Result<Option<MessageRow>, StoreError> {
        self.ask(move |connection| messages::one(connection, &id))
    }

    fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if identity(&self.path) != self.opened {
            let path = self.path.clone();
            return Err(StoreError::Gone { path });
        }
        self.ask(move |connection| {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = change(&tx)?;
            tx.commit()?;
            Ok(done)
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = channel();
        let job = move |connection: &mut Connection| {
            let _ = tell.send(job(connection));
        };
        let ended = || self.failed("its thread has ended".to_owned());
        self.jobs.send(Box::new(job)).map_err(|_| ended())?;
        let late = |error| match error {
            RecvTimeoutError::Timeout => self.failed("the disk does not answer".to_owned()),
            RecvTimeoutError::Disconnected => ended(),
        };
        let done = told.recv_timeout(PATIENCE).map_err(late)?;
        done.map_err(|error| self.failed(error.to_string()))
    }

    fn failed(&self, why: String) -> StoreError {
        StoreError::Write {
            path: self.path.clone(),
            why,
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let failed = |error: rusqlite::Error| {
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => corrupt(path, why),
            _ => StoreError::Open {
                path: path.to_owned(),
                why,
            },
        }
    };
    // Addresses of clients are in it, and what backends said.
    let private = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path);
    drop(private);
    let mut connection = Connection::open(path).map_err(failed)?;
    connection.busy_timeout(BUSY).map_err(failed)?;
    let found = schema::found(&connection).map_err(failed)?;
    let known = schema::known();
    if found > known {
        let path = path.to_owned();
        return Err(StoreError::Newer { path, found, known });
    }
    if let Some(why) = damage(&connection, found).map_err(failed)? {
        return Err(corrupt(path, why));
    }
    let prepare = |connection: &mut Connection| {
        connection.pragma_update(None, "journal_mode", "wal")?;
        // What a person said must be there after a power cut, too; there are few transactions a second.
        connection.pragma_update(None, "synchronous", "full")?;
        schema::bring_up(connection)
    };
    prepare(&mut connection).map_err(failed)?;
    Ok(connection)
}

/// What is wrong with a file that opens.
fn damage(connection: &Connection, version: i64) -> rusqlite::Result<Option<String>> {
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    if version == 0 && count("SELECT count(*) FROM sqlite_master")? > 0 {
        return Ok(Some("it has tables of somebody else".to_owned()));
    }
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((sound != "ok").then_some(sound))
}

fn corrupt(path: &Path, why: String) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        why,
    }
}

#[cfg(test)]
mod tests;
