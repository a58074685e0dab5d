//! What each replica says of itself: who is there, and what it counted lately.

use std::time::Duration;

use super::board::Board;
use super::error::BoardError;
use super::keys;

/// So long it holds: a replica that says nothing for longer is gone.
const LIFE: Duration = Duration::from_secs(10);

/// Another replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub body: String,
}

impl Board {
    /// Says something of this replica, in place of what it said before.
    pub async fn publish(&self, body: &str) -> Result<(), BoardError> {
        let mut script = self.scripts.present.prepare_invoke();
        script.key(keys::PRESENT).arg(&self.me).arg(body);
        script.arg(u64::try_from(LIFE.as_millis()).unwrap_or(u64::MAX));
        let _: String = self.connection.run(&script).await?;
        Ok(())
    }

    /// Takes it back: this replica goes.
    pub async fn leave(&self) -> Result<(), BoardError> {
        self.publish("").await
    }

    /// What the others say of themselves, by name.
    pub async fn others(&self) -> Result<Vec<Other>, BoardError> {
        let mut script = self.scripts.others.prepare_invoke();
        script.key(keys::PRESENT).arg(&self.me);
        let others: Vec<(String, String)> = self.connection.run(&script).await?;
        let mut others: Vec<Other> = others
            .into_iter()
            .map(|(name, body)| Other { name, body })
            .collect();
        others.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(others)
    }
}
