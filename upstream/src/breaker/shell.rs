//! The machine among many cores: counted without a lock while it is closed, behind one while it is not.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;

use super::machine::{Counts, Machine, Role, State, Ticket, Verdict};
use super::settings::Settings;
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::window::{Counted, Ticks};

/// The window in this many ticks: it forgets a tenth at a time.
const TICKS: usize = 10;

/// How a call went, as its caller sees it. A call that says nothing of the upstream is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The upstream answered as it should.
    Success,
    /// It did not.
    Failure,
}

/// A breaker as seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct View {
    /// Where it stands.
    pub state: State,
    /// Calls in the window, or during recovery. Of an open breaker: those that it opened for.
    pub calls: u64,
    /// Of these, those that failed.
    pub failed: u64,
    /// Of these, those that were slow.
    pub slow: u64,
    /// How often it opened.
    pub opened: u64,
    /// How many calls it turned away.
    pub refused: u64,
}

/// The breaker of one upstream. It stays when the file is reloaded.
#[derive(Debug)]
pub struct Breaker {
    settings: Settings,
    /// Whose it is, for logs.
    name: String,
    /// What the machine says, for who only needs to know whether it is closed: see [`gate`].
    gate: AtomicU64,
    machine: Mutex<Machine>,
    ticks: Ticks,
    calls: Counted<TICKS>,
    failed: Counted<TICKS>,
    slow: Counted<TICKS>,
    refused: AtomicU64,
}

/// Lets one call through. Dropped without a record it says nothing of the upstream: a probe's place is free again.
#[derive(Debug)]
#[must_use]
pub struct Pass<'a> {
    breaker: &'a Breaker,
    ticket: Ticket,
    is_out: bool,
}

impl Breaker {
    /// Closed, and nothing counted.
    pub fn new(settings: Settings) -> Self {
        let machine = Machine::default();
        Self {
            gate: AtomicU64::new(gate(&machine)),
            machine: Mutex::new(machine),
            // The shortest window is a tenth of a second: ticks are counted in 32 bits for as long as the breaker lives.
            ticks: Ticks::of((settings.window / 10).max(Duration::from_millis(10))),
            calls: Counted::default(),
            failed: Counted::default(),
            slow: Counted::default(),
            refused: AtomicU64::new(0),
            settings,
            name: String::new(),
        }
    }

    /// The same, called so in logs.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }

    /// As written.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets a call through, or says when it is of use to come back.
    pub fn admit(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let admitted = match closed_epoch(self.gate.load(Ordering::Acquire)) {
            Some(epoch) => Ok(Ticket {
                epoch,
                role: Role::Any,
            }),
            None => self.change(|machine| machine.admit(&self.settings, now, fastrand::f64())),
        };
        match admitted {
            Ok(ticket) => Ok(Pass {
                breaker: self,
                ticket,
                is_out: true,
            }),
            Err(come_back_in) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(come_back_in)
            }
        }
    }

    /// As it stands now.
    pub fn view(&self, now: Instant) -> View {
        let (state, epoch, counts, opened) = self.change(|machine| {
            machine.pass_time(&self.settings, now);
            let state = machine.state(now);
            (state, machine.epoch(), machine.counts(), machine.opened())
        });
        let counts = match state {
            State::Closed => self.counts(self.tick(epoch, now)),
            _ => counts,
        };
        View {
            state,
            calls: counts.calls,
            failed: counts.failed,
            slow: counts.slow,
            opened,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    fn record(&self, ticket: Ticket, how: Verdict, now: Instant) {
        if ticket.role == Role::Any {
            self.count(ticket.epoch, how, now);
        } else {
            self.change(|machine| {
                machine.record(&self.settings, ticket, how, now, fastrand::f64());
            });
        }
    }

    fn count(&self, epoch: u64, how: Verdict, now: Instant) {
        if closed_epoch(self.gate.load(Ordering::Acquire)) != Some(epoch) {
            return;
        }
        let tick = self.tick(epoch, now);
        if how.failed {
            self.failed.add(tick);
        }
        if how.slow {
            self.slow.add(tick);
        }
        // Counted last: whoever counts the last of several calls sees how all of them went.
        self.calls.add(tick);
        let is_good_day = self.failed.sum(tick) == 0
            && !(self.settings.minds_slowness() && self.slow.sum(tick) > 0);
        if is_good_day {
            return;
        }
        let counts = self.counts(tick);
        if counts.are_too_bad(&self.settings, self.settings.min_calls) {
            self.change(|machine| {
                machine.trip(&self.settings, epoch, counts, now, fastrand::f64());
            });
        }
    }

    fn counts(&self, tick: u32) -> Counts {
        Counts {
            calls: self.calls.sum(tick),
            failed: self.failed.sum(tick),
            slow: self.slow.sum(tick),
        }
    }

    /// Each epoch's ticks are a whole window away from those of the one before, so that nothing of it is counted.
    fn tick(&self, epoch: u64, now: Instant) -> u32 {
        let skipped = epoch.saturating_mul(TICKS as u64);
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        self.ticks.at(now).saturating_add(skipped)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = machine.epoch();
        let said = change(&mut machine);
        self.gate.store(gate(&machine), Ordering::Release);
        let turned = (machine.epoch() != epoch).then(|| {
            let state = machine.state(Instant::now());
            (state, machine.counts())
        });
        drop(machine);
        if let Some((state, counts)) = turned {
            self.tell(state, counts);
        }
        said
    }

    /// Each of these is at least a part of `open` away from the one before.
    fn tell(&self, state: State, counts: Counts) {
        let breaker = &*self.name;
        let Counts {
            calls,
            failed,
            slow,
        } = counts;
        match state {
            State::Open { left } => tracing::warn!(
                breaker,
                calls,
                failed,
                slow,
                for_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX),
                "a breaker is open: too many of its calls failed or were slow"
            ),
            State::HalfOpen => {}
            State::Recovering => {
                tracing::info!(breaker, "a breaker closes bit by bit: a probe went well");
            }
            State::Closed => tracing::info!(breaker, "a breaker is closed again"),
        }
    }
}

/// The machine's epoch, doubled, and one more unless it is closed.
fn gate(machine: &Machine) -> u64 {
    machine.epoch() << 1 | u64::from(!machine.is_closed())
}

fn closed_epoch(gate: u64) -> Option<u64> {
    (gate & 1 == 0).then_some(gate >> 1)
}

impl Pass<'_> {
    /// Of its breaker, as written.
    pub fn settings(&self) -> &Settings {
        self.breaker.settings()
    }

    /// Whether the call finds out if the upstream is well again.
    pub fn is_probe(&self) -> bool {
        matches!(self.ticket.role, Role::Probe(_))
    }

    /// How the call went, and how long it took.
    pub fn record(mut self, outcome: Outcome, took: Duration, now: Instant) {
        self.is_out = false;
        let how = Verdict {
            failed: outcome == Outcome::Failure,
            slow: took > self.breaker.settings.slower_than,
        };
        self.breaker.record(self.ticket, how, now);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_out && self.is_probe() {
            self.breaker
                .change(|machine| machine.give_back(self.ticket));
        }
    }
}
