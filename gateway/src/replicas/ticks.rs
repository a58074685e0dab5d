//! Lists of ticks: every replica appends, whoever holds the lease takes, and cuts what it took when it commits.

use std::time::Duration;

use super::board::Board;
use super::error::BoardError;
use super::keys;

/// So long after the last tick a list is forgotten.
pub const LIST_LIFE: Duration = Duration::from_hours(1);

/// So many ticks a list has at most.
pub const LIST_LIMIT: usize = 10_000;

/// What came of appending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is in the list.
    Added,
    /// It was there before: the answer to the first attempt was lost.
    Known,
    /// The list is full: it is not there, and may be merged with what comes next.
    Full,
}

/// The first ticks of a list. They stay there until a commit cuts them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The position behind the last one: see [`super::Trim`].
    pub upto: u64,
    /// The oldest first.
    pub ticks: Vec<Vec<u8>>,
}

impl Board {
    /// Appends to a list. `number` grows with each tick of this replica for this list, from 1: the same one is
    /// appended once, however often it is tried.
    pub async fn push(&self, list: &str, number: u64, tick: &[u8]) -> Result<Pushed, BoardError> {
        let mut script = self.scripts.push.prepare_invoke();
        script.key(keys::ticks(list)).key(keys::ticks_known(list));
        script.arg(&self.me).arg(number).arg(tick);
        script.arg(LIST_LIMIT).arg(LIST_LIFE.as_secs());
        let what: String = self.connection.run(&script).await?;
        Ok(match what.as_str() {
            "added" => Pushed::Added,
            "known" => Pushed::Known,
            _ => Pushed::Full,
        })
    }

    /// Reads the first `at_most` ticks of a list without removing them.
    pub async fn take(&self, list: &str, at_most: usize) -> Result<Taken, BoardError> {
        let mut script = self.scripts.take.prepare_invoke();
        script.key(keys::ticks(list)).key(keys::ticks_known(list));
        script.arg(at_most);
        let (cut, ticks): (u64, Vec<Vec<u8>>) = self.connection.run(&script).await?;
        Ok(Taken {
            upto: cut + ticks.len() as u64,
            ticks,
        })
    }
}
