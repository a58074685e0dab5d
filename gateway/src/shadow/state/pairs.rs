//! One route's: what waits, what was dropped, and what the pairs add up to.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use strangler::compare::{Comparison, Outcome};
use strangler::tally::Tally;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use upstream::breaker::{Breaker, Settings};

use super::{Changed, Kept};
use crate::forward::tap::Memory;
use crate::shadow::compiled::Copying;
use crate::shadow::job::Job;

/// Why a request of the sample came to no comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Its method is not copied.
    Method,
    /// It is a stream or becomes another protocol.
    Stream,
    /// The answer leans on what the client has: 206, 304.
    Partial,
    /// Its body is over `max_body`.
    BodyTooLarge,
    /// An answer is over `max_response`.
    ResponseTooLarge,
    /// An answer is JSON that takes too long to look at.
    TooComplex,
    /// The client left, or the answer broke off.
    Incomplete,
    /// Over what the process may keep for copies.
    Memory,
    /// As many wait already as may.
    QueueFull,
    /// The copy took too long.
    Timeout,
    /// The copy could not be sent.
    Connect,
    /// The copy's connection broke.
    Reset,
    /// The copy's answer is not HTTP.
    Malformed,
    /// The breaker of copies is open: the other side mostly fails.
    Breaker,
    /// The file was changed meanwhile.
    Stale,
}

/// One route's.
#[derive(Debug)]
pub struct Pairs {
    name: String,
    memory: Arc<Memory>,
    queue: UnboundedSender<Job>,
    /// The queue's other end, until somebody serves it.
    unserved: Mutex<Option<UnboundedReceiver<Job>>>,
    waiting: AtomicUsize,
    sent: AtomicU64,
    mirrored: AtomicU64,
    outcomes: [AtomicU64; 3],
    dropped: [AtomicU64; Dropped::ALL.len()],
    /// Something happened that is not written down.
    changed: AtomicBool,
    tally: Mutex<Ruled>,
    /// Clients have their own: a copy is neither kept from the other side by their failures nor tells them of its own.
    breaker: Mutex<Option<Arc<Breaker>>>,
}

/// The pairs, and by which rules they were compared.
#[derive(Debug)]
struct Ruled {
    rules: u32,
    tally: Tally,
    anew: bool,
}

impl Dropped {
    /// All.
    pub const ALL: [Self; 15] = [
        Self::Method,
        Self::Stream,
        Self::Partial,
        Self::BodyTooLarge,
        Self::ResponseTooLarge,
        Self::TooComplex,
        Self::Incomplete,
        Self::Memory,
        Self::QueueFull,
        Self::Timeout,
        Self::Connect,
        Self::Reset,
        Self::Malformed,
        Self::Breaker,
        Self::Stale,
    ];

    /// Whether the side that got the copy failed to answer it, which speaks against that side.
    pub fn is_unanswered(self) -> bool {
        matches!(
            self,
            Self::Timeout | Self::Connect | Self::Reset | Self::Malformed
        )
    }

    /// One word for labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Stream => "stream",
            Self::Partial => "partial",
            Self::BodyTooLarge => "body_too_large",
            Self::ResponseTooLarge => "response_too_large",
            Self::TooComplex => "too_complex",
            Self::Incomplete => "incomplete",
            Self::Memory => "memory",
            Self::QueueFull => "queue_full",
            Self::Timeout => "timeout",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Malformed => "malformed",
            Self::Breaker => "breaker",
            Self::Stale => "stale",
        }
    }
}

impl Pairs {
    pub(super) fn new(name: &str, memory: &Arc<Memory>) -> Self {
        let (queue, unserved) = unbounded_channel();
        Self {
            name: name.to_owned(),
            memory: Arc::clone(memory),
            queue,
            unserved: Mutex::new(Some(unserved)),
            waiting: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            mirrored: AtomicU64::new(0),
            outcomes: Default::default(),
            dropped: Default::default(),
            changed: AtomicBool::new(false),
            tally: Mutex::new(Ruled {
                rules: 0,
                tally: Tally::new(1),
                anew: false,
            }),
            breaker: Mutex::default(),
        }
    }

    /// The route's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What may be kept for copies.
    pub fn memory(&self) -> &Arc<Memory> {
        &self.memory
    }

    /// The breaker of copies, where the other side's upstream has one.
    pub(in crate::shadow) fn breaker(&self, settings: Option<&Settings>) -> Option<Arc<Breaker>> {
        let settings = settings?;
        let mut kept = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        if kept
            .as_ref()
            .is_none_or(|known| known.settings() != settings)
        {
            *kept = Some(Arc::new(
                Breaker::new(settings.clone()).named(format!("{}/copies", self.name)),
            ));
        }
        kept.clone()
    }

    /// Hands a request over to be copied, if there is room. Never waits.
    pub fn send(&self, job: Job) {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let fits = before < job.copying.config.queue;
        if !(fits && self.queue.send(job).is_ok()) {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.dropped(Dropped::QueueFull);
        }
    }

    /// One that waited is now under way.
    pub(in crate::shadow) fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// The queue, for the first who asks.
    pub(in crate::shadow) fn queue(&self) -> Option<UnboundedReceiver<Job>> {
        let mut unserved = self.unserved.lock().unwrap_or_else(PoisonError::into_inner);
        unserved.take()
    }

    /// Counts what was dropped.
    pub fn dropped(&self, why: Dropped) {
        self.count(&self.dropped[why as usize]);
    }

    /// Counts a copy that is sent.
    pub(in crate::shadow) fn sent(&self) {
        self.count(&self.sent);
    }

    /// Counts an answer that is not to be compared.
    pub(in crate::shadow) fn mirrored(&self) {
        self.count(&self.mirrored);
    }

    fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.changed.store(true, Ordering::Relaxed);
    }

    /// From now on pairs are compared so. By other rules than before, they are counted from nothing.
    pub(in crate::shadow) fn ruled_by(&self, copying: &Copying) {
        let (rules, least) = (copying.rules, copying.config.gate.min_compared);
        let mut ruled = self.ruled();
        if ruled.rules == rules {
            ruled.tally.set_min_compared(least);
            return;
        }
        *ruled = Ruled {
            rules,
            tally: Tally::new(least),
            anew: true,
        };
        self.changed.store(true, Ordering::Relaxed);
    }

    /// By which rules they are compared; 0 before the first.
    pub(super) fn rules(&self) -> u32 {
        self.ruled().rules
    }

    /// Adds a pair, and perhaps how the side that answered differs from itself.
    pub(in crate::shadow) fn compared(
        &self,
        copying: &Copying,
        (pair, noise): (&Comparison, Option<&Comparison>),
        at: Duration,
    ) {
        let mut ruled = self.ruled();
        if ruled.rules != copying.rules {
            drop(ruled);
            return self.dropped(Dropped::Stale);
        }
        ruled.tally.record(pair, noise, at);
        drop(ruled);
        self.count(&self.outcomes[pair.outcome() as usize]);
    }

    /// What the pairs add up to.
    pub fn see<T>(&self, see: impl FnOnce(&Tally) -> T) -> T {
        see(&self.ruled().tally)
    }

    /// How many copies wait.
    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many copies were sent.
    pub fn copies(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many answers were not to be compared.
    pub fn mirrors(&self) -> u64 {
        self.mirrored.load(Ordering::Relaxed)
    }

    /// Pairs by what they came to, and those that were only mirrored; since the process started.
    pub fn outcomes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [Outcome::Matched, Outcome::Ignored, Outcome::Mismatched];
        let counts = all.into_iter().zip(&self.outcomes);
        counts
            .map(|(outcome, count)| (outcome.as_str(), count.load(Ordering::Relaxed)))
            .chain([("mirrored", self.mirrors())])
    }

    /// What was dropped, by reason; what never was is left out.
    pub fn drops(&self) -> Vec<(&'static str, u64)> {
        let counts = Dropped::ALL.into_iter().zip(&self.dropped);
        counts
            .map(|(why, count)| (why.as_str(), count.load(Ordering::Relaxed)))
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    pub(super) fn changes(&self) -> Option<Changed> {
        if !self.changed.swap(false, Ordering::Relaxed) {
            return None;
        }
        let mut ruled = self.ruled();
        Some(Changed {
            route: self.name.clone(),
            rules: ruled.rules,
            anew: std::mem::take(&mut ruled.anew) | ruled.tally.take_anew(),
            totals: ruled.tally.totals().clone(),
            diffs: ruled.tally.take_changed(),
            removed: ruled.tally.take_removed(),
            dropped: self.drops(),
            sent: self.copies(),
            mirrored: self.mirrors(),
        })
    }

    pub(super) fn restore(&self, kept: Kept) {
        for (why, count) in kept.dropped {
            let known = Dropped::ALL.into_iter().find(|one| one.as_str() == why);
            if let Some(known) = known {
                self.dropped[known as usize].store(count, Ordering::Relaxed);
            }
        }
        self.sent.store(kept.sent, Ordering::Relaxed);
        self.mirrored.store(kept.mirrored, Ordering::Relaxed);
        *self.ruled() = Ruled {
            rules: kept.rules,
            tally: Tally::from_parts(kept.totals, kept.diffs),
            anew: false,
        };
    }

    fn ruled(&self) -> MutexGuard<'_, Ruled> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
