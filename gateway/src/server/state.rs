//! Where a client's connection stands: what the sweep looks at, and how it says that it is enough.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use futures::task::AtomicWaker;

/// One connection. Its socket must be `Send` for upgrades, so this is made of atomics; all of them stay on one core.
#[derive(Debug)]
pub(super) struct ConnectionState {
    phase: AtomicU8,
    /// The sweep's count when the phase began, or when the client last took some bytes.
    since: AtomicU32,
    /// The sweep's count: one a second.
    now: Arc<AtomicU32>,
    write_blocked: AtomicBool,
    /// The sweep's count when a head among running requests began, and one more: zero is none.
    head_since: AtomicU32,
    /// Whoever serves the connection looks after its requests with each sweep.
    looks_after: AtomicBool,
    verdict: AtomicU8,
    pub(super) waker: AtomicWaker,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Between requests.
    Idle = 0,
    /// A request's first byte has come, the end of its head has not.
    Head = 1,
    /// A request is being answered.
    Busy = 2,
    /// Another protocol is spoken; its own idle time-out rules.
    Tunnel = 3,
}

/// What the sweep decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    None = 0,
    /// It ends when what runs is done.
    Close = 1,
    /// 408, and it ends.
    HeadTimeout = 2,
    /// It ends now.
    Abort = 3,
}

/// Time-outs in counts of the sweep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) idle: u32,
    pub(super) head: u32,
    pub(super) blocked: u32,
}

impl ConnectionState {
    pub(super) fn new(now: Arc<AtomicU32>) -> Self {
        Self {
            phase: AtomicU8::new(Phase::Idle as u8),
            since: AtomicU32::new(now.load(Ordering::Relaxed)),
            now,
            write_blocked: AtomicBool::new(false),
            head_since: AtomicU32::new(0),
            looks_after: AtomicBool::new(false),
            verdict: AtomicU8::new(Verdict::None as u8),
            waker: AtomicWaker::new(),
        }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        self.restart();
    }

    fn restart(&self) {
        self.since.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Head,
            2 => Phase::Busy,
            _ => Phase::Tunnel,
        }
    }

    /// The client took bytes, or takes none. What goes out between requests makes a connection no younger.
    pub(super) fn wrote(&self, blocked: bool) {
        self.write_blocked.store(blocked, Ordering::Relaxed);
        if !blocked && self.phase() != Phase::Idle {
            self.restart();
        }
    }

    /// The sweep's count.
    pub(super) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Whether a head has begun and not ended, beside requests that may be running.
    pub(super) fn in_head(&self, is_in: bool) {
        let since = self.head_since.load(Ordering::Relaxed);
        if is_in != (since != 0) {
            let now = if is_in {
                self.now().wrapping_add(1).max(1)
            } else {
                0
            };
            self.head_since.store(now, Ordering::Relaxed);
        }
    }

    /// From now on each sweep wakes whoever serves the connection, as long as it is busy.
    pub(super) fn look_after(&self) {
        self.looks_after.store(true, Ordering::Relaxed);
    }

    /// Since when, where it waits for a next request.
    pub(super) fn idle_since(&self) -> Option<u32> {
        (self.phase() == Phase::Idle).then(|| self.since.load(Ordering::Relaxed))
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.verdict.load(Ordering::Relaxed) {
            0 => Verdict::None,
            1 => Verdict::Close,
            2 => Verdict::HeadTimeout,
            _ => Verdict::Abort,
        }
    }

    pub(super) fn judge(&self, verdict: Verdict) {
        self.verdict.store(verdict as u8, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Ends what has taken too long. The header timeout runs from a request's first byte; before that only the idle
    /// timeout does.
    pub(super) fn sweep(&self, limits: Limits) {
        let waited = self.now().wrapping_sub(self.since.load(Ordering::Relaxed));
        let head_since = self.head_since.load(Ordering::Relaxed);
        let in_head = match head_since {
            0 => 0,
            since => self.now().wrapping_add(1).wrapping_sub(since),
        };
        let blocked = self.write_blocked.load(Ordering::Relaxed);
        let verdict = match self.phase() {
            Phase::Tunnel => return,
            _ if blocked && waited > limits.blocked => Verdict::Abort,
            Phase::Idle if waited > limits.idle => Verdict::Close,
            Phase::Head if waited > limits.head => Verdict::HeadTimeout,
            _ if in_head > limits.head => Verdict::HeadTimeout,
            _ => {
                if self.looks_after.load(Ordering::Relaxed) {
                    self.waker.wake();
                }
                return;
            }
        };
        self.judge(verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        idle: 75,
        head: 10,
        blocked: 30,
    };

    fn at(now: &Arc<AtomicU32>, count: u32) {
        now.store(count, Ordering::Relaxed);
    }

    fn after(phase: Phase, counts: u32) -> Verdict {
        let now = Arc::new(AtomicU32::new(100));
        let state = ConnectionState::new(Arc::clone(&now));
        state.enter(phase);
        at(&now, 100 + counts);
        state.sweep(LIMITS);
        state.verdict()
    }

    #[test]
    fn each_phase_has_its_own_patience() {
        assert_eq!(after(Phase::Idle, 75), Verdict::None);
        assert_eq!(after(Phase::Idle, 76), Verdict::Close);
        assert_eq!(after(Phase::Head, 10), Verdict::None);
        assert_eq!(after(Phase::Head, 11), Verdict::HeadTimeout);
        assert_eq!(after(Phase::Busy, 10_000), Verdict::None);
        assert_eq!(after(Phase::Tunnel, 10_000), Verdict::None);
    }

    #[test]
    fn a_head_among_running_requests_has_its_time_too() {
        let now = Arc::new(AtomicU32::new(7));
        let state = ConnectionState::new(Arc::clone(&now));
        state.enter(Phase::Busy);
        state.in_head(true);
        at(&now, 17);
        state.in_head(true);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::None);
        at(&now, 18);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::HeadTimeout);
    }

    #[test]
    fn a_head_that_ended_has_no_time_out() {
        let now = Arc::new(AtomicU32::new(7));
        let state = ConnectionState::new(Arc::clone(&now));
        state.enter(Phase::Busy);
        state.in_head(true);
        state.in_head(false);
        at(&now, 100);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::None);
    }

    #[test]
    fn what_goes_out_between_requests_keeps_nobody() {
        let now = Arc::new(AtomicU32::new(0));
        let state = ConnectionState::new(Arc::clone(&now));
        at(&now, 76);
        state.wrote(false);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::Close);
    }

    #[test]
    fn a_client_that_takes_nothing_is_left() {
        let now = Arc::new(AtomicU32::new(50));
        let state = ConnectionState::new(Arc::clone(&now));
        state.enter(Phase::Busy);
        state.wrote(false);
        at(&now, 60);
        state.wrote(true);
        at(&now, 80);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::None);
        at(&now, 81);
        state.sweep(LIMITS);
        assert_eq!(state.verdict(), Verdict::Abort);
    }
}
