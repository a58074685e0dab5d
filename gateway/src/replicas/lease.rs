//! The lease: one replica has it at a time, and loses it unless it renews it.

use std::time::Duration;

use super::board::Board;
use super::error::BoardError;
use super::keys;

/// Tells one holding of the lease from all others. Whoever commits under it must still have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence(u64);

/// Who has the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// This replica.
    Ours(Fence),
    /// Another one.
    Theirs(String),
}

impl Fence {
    /// The lease's value while `holder` has it under this fence.
    pub(super) fn held_by(self, holder: &str) -> String {
        format!("{} {holder}", self.0)
    }
}

impl Board {
    /// Takes the lease if nobody has it, renews it if this replica does; it then holds for `life`.
    pub async fn lease(&self, life: Duration) -> Result<Lease, BoardError> {
        let mut script = self.scripts.lease.prepare_invoke();
        script.key(keys::LEASE).key(keys::FENCE).key(keys::ERA);
        let life = u64::try_from(life.as_millis()).unwrap_or(u64::MAX);
        script.arg(&self.me).arg(life).arg(keys::new_era());
        let (holder, fence): (String, u64) = self.connection.run(&script).await?;
        Ok(if holder == self.me {
            Lease::Ours(Fence(fence))
        } else {
            Lease::Theirs(holder)
        })
    }

    /// Gives the lease back if this replica has it, so that another need not wait.
    pub async fn release(&self) -> Result<(), BoardError> {
        let mut script = self.scripts.release.prepare_invoke();
        script.key(keys::LEASE).arg(&self.me);
        let _: String = self.connection.run(&script).await?;
        Ok(())
    }
}
