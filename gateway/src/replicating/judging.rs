//! Judges for all gateways, while this one has the lease.

use std::collections::BTreeMap;
use std::sync::Arc;

use strangler::judge::Tick;

use super::Replica;
use super::exchange::blocking;
use super::seen::list;
use crate::progress::Canary;
use crate::progress::exchanged::{Adopted, Decision};
use crate::replicas::{BoardError, Commit, Committed, Fence, Trim};

/// So many ticks are taken at once; what is left comes with the next look.
const AT_ONCE: usize = 1_000;

/// By route and step.
type Seen = BTreeMap<(String, u32), Tick>;

impl Replica {
    /// Looks at the canaries whose interval is over. A verdict is in force nowhere before it is on the board.
    pub(super) async fn judge(&mut self, fence: Fence) -> Result<(), BoardError> {
        let reloader = Arc::clone(&self.reloader);
        let canaries = blocking(move || reloader.canaries())
            .await
            .unwrap_or_default();
        let due = self.due(canaries);
        if due.is_empty() {
            return Ok(());
        }
        let (seen, trims) = self.taken(&due).await?;
        let reloader = Arc::clone(&self.reloader);
        let decision = blocking(move || reloader.judge_for_all(&seen)).await;
        let Some(Decision { shared, events }) = decision else {
            return Ok(());
        };
        let commit = Commit {
            fence: Some(fence),
            documents: shared.iter().filter_map(|one| self.write(one)).collect(),
            trims,
            events: events
                .iter()
                .filter_map(|one| serde_json::to_string(one).ok())
                .collect(),
        };
        let told: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        match self.board.commit(&commit).await? {
            Committed::Done(versions) => {
                let slots = due.into_iter().map(|(canary, slot)| (canary.route, slot));
                self.slots.extend(slots);
                self.adopt(Adopted {
                    shared,
                    own: events,
                    ..Adopted::default()
                })
                .await?;
                // Only now is it known here: where it is not in force, the next round hears of it like the others.
                self.versions.extend(versions);
                self.own.extend(told);
            }
            Committed::LostLease | Committed::Conflict(_) => {}
        }
        Ok(())
    }

    /// Those whose interval is over, with the number of the new one.
    fn due(&self, canaries: Vec<Canary>) -> Vec<(Canary, u128)> {
        let numbered = canaries.into_iter().map(|canary| {
            let slot = canary.now.as_nanos() / canary.interval.as_nanos().max(1);
            (canary, slot)
        });
        let new = |(canary, slot): &(Canary, u128)| self.slots.get(&canary.route) != Some(slot);
        numbered.filter(new).collect()
    }

    /// What all gateways saw of them, and what of the lists that is.
    async fn taken(&self, due: &[(Canary, u128)]) -> Result<(Seen, Vec<Trim>), BoardError> {
        let (mut seen, mut trims) = (Seen::new(), Vec::new());
        for (canary, _) in due {
            let list = list(&canary.route, canary.step);
            let taken = self.board.take(&list, AT_ONCE).await?;
            let mut all = Tick::default();
            for bytes in &taken.ticks {
                match serde_json::from_slice(bytes) {
                    Ok(tick) => all.merge(&tick),
                    Err(error) => tracing::error!(list, %error, "a tick cannot be read"),
                }
            }
            let upto = taken.upto;
            trims.push(Trim { list, upto });
            seen.insert((canary.route.clone(), canary.step), all);
        }
        Ok((seen, trims))
    }
}
