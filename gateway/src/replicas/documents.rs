//! Documents: read by what changed since a mark, written only over the version that was read.

use super::board::Board;
use super::error::BoardError;
use super::keys;
use super::lease::Fence;

/// How much of the board was read. The default: nothing yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// Another one says that all was lost meanwhile.
    era: String,
    /// How often documents had been written.
    count: u64,
}

impl Mark {
    /// Which board it is a mark of: another one that was emptied meanwhile.
    pub fn era(&self) -> &str {
        &self.era
    }
}

/// A document as it stands on the board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// Grows with every writing of any document; 0 where there is none.
    pub version: u64,
    /// What it says.
    pub body: String,
}

/// What changed since a mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// How much is read now.
    pub mark: Mark,
    /// The board knows less than was read before: it was emptied, or lost the last of what was written. What is in
    /// `documents` is all it has, and what else is known is not there any more.
    pub anew: bool,
    /// The changed ones, the one written last at the end.
    pub documents: Vec<Document>,
}

/// A document to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its name.
    pub name: String,
    /// The version that it replaces; 0 where there is none yet.
    pub expected: u64,
    /// What it says from now on.
    pub body: String,
}

/// A list that is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trim {
    /// Its name.
    pub list: String,
    /// Up to which position: [`super::Taken::upto`].
    pub upto: u64,
}

/// What comes to pass as a whole, or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// Whoever commits must hold the lease under this fence.
    pub fence: Option<Fence>,
    /// All of their expected versions must be right.
    pub documents: Vec<Write>,
    /// What was taken and is done with. Cutting twice to one position cuts once.
    pub trims: Vec<Trim>,
    /// Appended to the stream.
    pub events: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Names and new versions of the documents.
    Done(Vec<(String, u64)>),
    /// Somebody else has the lease, or nobody: nothing was changed.
    LostLease,
    /// These have other versions: nothing was changed. After an [`BoardError::Away`] that may be one's own writing.
    Conflict(Vec<Document>),
}

impl Board {
    /// What was written since `mark`: one short question where nothing was.
    pub async fn changed(&self, mark: &Mark) -> Result<Changed, BoardError> {
        let mut script = self.scripts.changed.prepare_invoke();
        for key in [keys::ERA, keys::COUNTER, keys::VERSIONS, keys::BODIES] {
            script.key(key);
        }
        script.arg(&mark.era).arg(mark.count);
        let (era, count, documents): (String, u64, Vec<Row>) = self.connection.run(&script).await?;
        let anew = !mark.era.is_empty() && (mark.era != era || mark.count > count);
        Ok(Changed {
            mark: Mark { era, count },
            anew,
            documents: documents.into_iter().map(Document::from).collect(),
        })
    }

    /// Writes one document, whoever holds the lease.
    pub async fn write(&self, document: Write) -> Result<Committed, BoardError> {
        let commit = Commit {
            documents: vec![document],
            ..Commit::default()
        };
        self.commit(&commit).await
    }

    /// Does all of it or nothing.
    pub async fn commit(&self, commit: &Commit) -> Result<Committed, BoardError> {
        let mut script = self.scripts.commit.prepare_invoke();
        for key in [
            keys::ERA,
            keys::COUNTER,
            keys::VERSIONS,
            keys::BODIES,
            keys::LEASE,
            keys::EVENTS,
        ] {
            script.key(key);
        }
        let Commit {
            fence,
            documents,
            trims,
            events,
        } = commit;
        let held = fence.map(|fence| fence.held_by(&self.me));
        script.arg(keys::new_era()).arg(held.unwrap_or_default());
        script.arg(&self.me).arg(documents.len());
        for Write {
            name,
            expected,
            body,
        } in documents
        {
            script.arg(name).arg(*expected).arg(body);
        }
        script.arg(trims.len());
        for Trim { list, upto } in trims {
            script.key(keys::ticks(list)).key(keys::ticks_known(list));
            script.arg(*upto);
        }
        script.arg(events.len());
        for event in events {
            script.arg(event);
        }
        let (what, rows): (String, Vec<Row>) = self.connection.run(&script).await?;
        let documents = rows.into_iter().map(Document::from);
        match what.as_str() {
            "done" => Ok(Committed::Done(
                documents.map(|one| (one.name, one.version)).collect(),
            )),
            "lost" => Ok(Committed::LostLease),
            _ => Ok(Committed::Conflict(documents.collect())),
        }
    }
}

/// Name, version and body, as scripts give them.
type Row = (String, u64, String);

impl From<Row> for Document {
    fn from((name, version, body): Row) -> Self {
        Self {
            name,
            version,
            body,
        }
    }
}
