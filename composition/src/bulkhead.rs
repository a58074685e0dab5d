//! How many calls a backend may have of this process at once: one that hangs holds up its own parts, never the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Of the permits, optional parts may hold so many hundredths; the rest is for those without which there is no screen.
const OPTIONAL_PERCENT: usize = 80;

/// Whether a screen can do without a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// No.
    Required,
    /// Yes.
    Optional,
}

/// The permits of one backend. Nobody queues: who finds none is refused at once.
#[derive(Debug)]
pub struct Bulkhead {
    limit: usize,
    held: AtomicUsize,
}

/// One call's place. It comes back when dropped, however the call ends.
#[derive(Debug)]
pub struct Permit(Arc<Bulkhead>);

impl Bulkhead {
    /// With so many permits.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            held: AtomicUsize::new(0),
        })
    }

    /// A place, if there is one.
    pub fn enter(self: &Arc<Self>, need: Need) -> Option<Permit> {
        let limit = match need {
            Need::Required => self.limit,
            Need::Optional => self.limit * OPTIONAL_PERCENT / 100,
        };
        let one_more = |held: usize| (held < limit).then_some(held + 1);
        self.held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()?;
        Some(Permit(Arc::clone(self)))
    }

    /// How many are held now.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn optional_parts_leave_a_fifth_to_required_ones() {
        let bulkhead = Bulkhead::new(10);
        let optional: Vec<_> = (0..8)
            .map(|_| bulkhead.enter(Need::Optional).unwrap())
            .collect();
        assert!(bulkhead.enter(Need::Optional).is_none());
        let required: Vec<_> = (0..2)
            .map(|_| bulkhead.enter(Need::Required).unwrap())
            .collect();
        assert!(bulkhead.enter(Need::Required).is_none());
        assert_eq!(bulkhead.held(), 10);
        drop((optional, required));
        assert_eq!(bulkhead.held(), 0);
        assert!(bulkhead.enter(Need::Optional).is_some());
    }
}
