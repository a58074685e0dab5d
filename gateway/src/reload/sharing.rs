//! What other gateways say is a change like any other; what this one says they hear of here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use strangler::judge::Tick;

use super::Reloader;
use crate::config::Config;
use crate::progress::Canary;
use crate::progress::exchanged::{Adopted, Decision, Shared};
use crate::snapshot::BuildError;
use crate::store::rows::Event;

/// By route and step.
type Ticks = Vec<(String, u32, Tick)>;

impl Reloader {
    /// Puts in force what others say. What cannot be is not known here either: it is asked for again.
    pub fn adopt(&self, adopted: Adopted) -> Result<(), BuildError> {
        let mut change = self.progress.change();
        change.adopt(adopted);
        self.in_force(change).map(drop)
    }

    /// What is in force here, and the events of it, that others have not heard of.
    pub fn unheard(&self) -> (Vec<Shared>, Vec<Event>) {
        let unheard = self.progress.change().unheard();
        (unheard, self.progress.untold())
    }

    /// They have heard of it, and of so many events.
    pub fn heard(&self, shared: Vec<Shared>, events: usize) {
        let mut change = self.progress.change();
        for one in shared {
            change.agreed(one);
        }
        change.done();
        self.progress.told(events);
    }

    /// What came in of canaries since the last time, and the steps that are under way.
    pub fn take_collected(&self) -> (Ticks, BTreeSet<(String, u32)>) {
        let ticks = self.progress.take_collected();
        let canaries = self.canaries().into_iter();
        (
            ticks,
            canaries.map(|canary| (canary.route, canary.step)).collect(),
        )
    }

    /// The canaries that are judged now.
    pub fn canaries(&self) -> Vec<Canary> {
        self.progress.change().canaries(&self.config())
    }

    /// Judges those in `seen`, for all gateways: nothing of it is in force before all can hear of it.
    pub fn judge_for_all(&self, seen: &BTreeMap<(String, u32), Tick>) -> Decision {
        let mut change = self.progress.change();
        change.judge_for_all(&self.config(), seen);
        change.decision()
    }

    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.shared.current.load().config)
    }
}
