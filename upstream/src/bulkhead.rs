//! How many calls an upstream may have at once: one that hangs holds up its own callers, never the rest.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::sync::{AtomicU32, Ordering};

/// As written: `[upstream.NAME.bulkhead]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Calls at once.
    pub concurrent: u32,
    /// How long a call may wait for a place. As many may wait as there are places.
    pub wait: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            concurrent: 256,
            wait: Duration::ZERO,
        }
    }
}

/// The places of one upstream.
#[derive(Debug)]
pub struct Bulkhead {
    settings: Settings,
    held: AtomicU32,
    waiting: AtomicU32,
    freed: Notify,
}

/// The places that a call may take one of.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// Whose.
    pub bulkhead: &'a Arc<Bulkhead>,
    /// Only while fewer are held: the rest is for others.
    pub up_to: u32,
}

impl<'a> Places<'a> {
    /// Any of them.
    pub fn all(bulkhead: &'a Arc<Bulkhead>) -> Self {
        Self {
            bulkhead,
            up_to: bulkhead.settings.concurrent,
        }
    }
}

/// One call's place. It comes back when dropped, however the call ends.
#[derive(Debug)]
pub struct Permit(Arc<Bulkhead>);

impl Bulkhead {
    /// With so many places.
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            settings,
            held: AtomicU32::new(0),
            waiting: AtomicU32::new(0),
            freed: Notify::new(),
        })
    }

    /// As written.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// A place, if there is one now.
    pub fn enter(self: &Arc<Self>) -> Option<Permit> {
        self.enter_up_to(self.settings.concurrent)
    }

    /// A place, if fewer than `limit` are held now: for callers who leave some to others.
    pub fn enter_up_to(self: &Arc<Self>, limit: u32) -> Option<Permit> {
        take(&self.held, limit).then(|| Permit(Arc::clone(self)))
    }

    /// A place, if fewer than `limit` are held; waited for as the settings say, but not beyond `deadline`.
    pub async fn enter_by(self: &Arc<Self>, limit: u32, deadline: Instant) -> Option<Permit> {
        if let Some(permit) = self.enter_up_to(limit) {
            return Some(permit);
        }
        if self.settings.wait.is_zero() || !take(&self.waiting, self.settings.concurrent) {
            return None;
        }
        let _waiting = Waiting(self);
        let until = deadline.min(Instant::now() + self.settings.wait);
        let enter = async {
            loop {
                let freed = self.freed.notified();
                if let Some(permit) = self.enter_up_to(limit) {
                    return permit;
                }
                freed.await;
            }
        };
        tokio::time::timeout_at(until, enter).await.ok()
    }

    /// How many are held now.
    pub fn held(&self) -> u32 {
        self.held.load(Ordering::Relaxed)
    }
}

fn take(count: &AtomicU32, limit: u32) -> bool {
    let one_more = |held: u32| (held < limit).then_some(held + 1);
    count
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more)
        .is_ok()
}

struct Waiting<'a>(&'a Bulkhead);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
        // Whoever was told of a free place and leaves all the same passes the word on.
        self.0.freed.notify_one();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::SeqCst);
        if self.0.waiting.load(Ordering::SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulkhead(concurrent: u32, wait: u64) -> Arc<Bulkhead> {
        Bulkhead::new(Settings {
            concurrent,
            wait: Duration::from_millis(wait),
        })
    }

    #[test]
    fn who_finds_no_place_is_refused_and_a_place_comes_back() {
        let bulkhead = bulkhead(2, 0);
        let first = bulkhead.enter().unwrap();
        assert!(bulkhead.enter_up_to(1).is_none());
        let second = bulkhead.enter().unwrap();
        assert!(bulkhead.enter().is_none());
        assert_eq!(bulkhead.held(), 2);
        drop(first);
        assert!(bulkhead.enter().is_some());
        drop(second);
        assert_eq!(bulkhead.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_unless_the_file_says_so() {
        let bulkhead = bulkhead(1, 0);
        let _held = bulkhead.enter().unwrap();
        let before = Instant::now();
        let late = before + Duration::from_secs(1);
        assert!(bulkhead.enter_by(1, late).await.is_none());
        assert_eq!(Instant::now(), before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_waited_for_but_not_for_long_nor_by_many() {
        let bulkhead = bulkhead(1, 100);
        let held = bulkhead.enter().unwrap();
        let late = Instant::now() + Duration::from_secs(1);
        let soon = Instant::now() + Duration::from_millis(10);
        let (first, second) = tokio::join!(bulkhead.enter_by(1, late), bulkhead.enter_by(1, late));
        assert!(first.is_none() && second.is_none());
        assert_eq!(bulkhead.waiting.load(Ordering::SeqCst), 0);
        assert!(bulkhead.enter_by(1, soon).await.is_none());
        // The first branch is polled first, so that it waits before the place comes back.
        let (waited, ()) = tokio::join!(bulkhead.enter_by(1, late), async { drop(held) });
        assert!(waited.is_some());
    }
}
