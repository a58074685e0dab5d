//! What this gateway counted, for the others, and what they counted, for this one.

use super::elsewhere::{Elsewhere, Told};
use super::restored;
use super::state::Progress;
use crate::store::rows::Batch;

impl Progress {
    /// What the others may hear of what was counted here.
    pub fn counted(&self) -> Told {
        let inner = self.lock();
        Told::of(&inner.windows, &inner.clocks, self.now())
    }

    /// So the others counted; what they told before is of the past.
    pub fn hear(&self, others: Vec<Elsewhere>) {
        let now = self.now();
        let mut inner = self.lock();
        let mut batch = Batch::default();
        for (route, theirs) in others.iter().flat_map(|other| &other.clocks) {
            if let Some(clock) = inner.clocks.get_mut(route) {
                let before = clock.clone();
                clock.hear(theirs, now);
                if *clock != before {
                    batch.documents.push(restored::clock(route, clock));
                }
            }
        }
        inner.elsewhere = others;
        // Written with the next that is kept, within a second.
        self.push(batch);
    }
}
