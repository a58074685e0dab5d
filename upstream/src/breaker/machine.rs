//! What a breaker does, without clock, dice or locks: they are handed in.
//!
//! Every change of state begins a new epoch. A ticket says in which epoch its call was let through, so that what comes
//! back late changes nothing.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::Settings;

/// A probe that is not back by then is given up, and another may go in its place: whoever held it is stuck.
const LOST_AFTER: Duration = Duration::from_secs(10);

/// Who is turned away although the breaker is not open comes back this soon, or after a shorter `open`.
const SOON: Duration = Duration::from_secs(1);

/// How much of the traffic recovery begins with: from zero, a rarely asked upstream would wait for its turn.
const FIRST_SHARE: f64 = 0.05;

/// While it recovers, it opens again after this part of `min_calls`: it has just been ill.
const RELAPSE_PART: u32 = 4;

/// By how much an open time may fall short of what is written, so that many instances do not come back at once.
const JITTER: f64 = 0.1;

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Every call is let through.
    Closed,
    /// None is.
    Open {
        /// For so long from now.
        left: Duration,
    },
    /// A few find out whether the upstream is well again.
    HalfOpen,
    /// A growing share is let through.
    Recovering,
}

impl State {
    /// All that there are, each in one word.
    pub const WORDS: [&'static str; 4] = ["closed", "open", "half_open", "recovering"];

    /// One word for logs and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen => "half_open",
            Self::Recovering => "recovering",
        }
    }
}

/// How calls went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) calls: u64,
    pub(super) failed: u64,
    pub(super) slow: u64,
}

/// How one call went. It may be both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) failed: bool,
    pub(super) slow: bool,
}

/// Lets one call through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    pub(super) epoch: u64,
    pub(super) role: Role,
}

/// As what a call was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// One of all, while the breaker is closed.
    Any,
    /// One of the few that find out whether the upstream is well again.
    Probe(u64),
    /// One of the growing share during recovery.
    Share,
}

/// The breaker of one upstream.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Machine {
    phase: Phase,
    epoch: u64,
    /// How often in a row it opened without having been closed in between.
    relapses: u32,
    opened: u64,
    /// What it opened for last.
    judged_by: Counts,
}

#[derive(Clone, Debug, PartialEq)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen(Probes),
    Recovering(Recovery),
}

/// The probes that are out.
#[derive(Clone, Debug, Default, PartialEq)]
struct Probes {
    out: Vec<(u64, Instant)>,
    given: u64,
}

#[derive(Clone, Debug, PartialEq)]
struct Recovery {
    began: Instant,
    /// Counted anew after each window, so that early successes do not hide a late relapse.
    counted_from: Instant,
    counts: Counts,
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            phase: Phase::Closed,
            epoch: 0,
            relapses: 0,
            opened: 0,
            judged_by: Counts::default(),
        }
    }
}

impl Machine {
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// How often it opened.
    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    pub(super) fn state(&self, now: Instant) -> State {
        match &self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { until } => State::Open {
                left: until.saturating_duration_since(now),
            },
            Phase::HalfOpen(_) => State::HalfOpen,
            Phase::Recovering(_) => State::Recovering,
        }
    }

    /// The calls of the recovery; before it, those that it opened for. A closed breaker's are counted elsewhere.
    pub(super) fn counts(&self) -> Counts {
        match &self.phase {
            Phase::Recovering(recovery) => recovery.counts,
            _ => self.judged_by,
        }
    }

    /// What time alone does.
    pub(super) fn pass_time(&mut self, settings: &Settings, now: Instant) {
        match &self.phase {
            Phase::Open { until } if *until <= now => {
                self.enter(Phase::HalfOpen(Probes::default()));
            }
            Phase::Recovering(recovery) if recovery.share(settings, now) >= 1.0 => {
                self.relapses = 0;
                self.enter(Phase::Closed);
            }
            _ => {}
        }
    }

    /// Lets a call through, or says when it may come back. `dice` is between 0 and 1.
    pub(super) fn admit(
        &mut self,
        settings: &Settings,
        now: Instant,
        dice: f64,
    ) -> Result<Ticket, Duration> {
        self.pass_time(settings, now);
        let epoch = self.epoch;
        let soon = SOON.min(settings.open);
        let role = match &mut self.phase {
            Phase::Closed => Role::Any,
            Phase::Open { until } => return Err(until.saturating_duration_since(now)),
            Phase::HalfOpen(probes) => Role::Probe(probes.give(settings.probes, now).ok_or(soon)?),
            Phase::Recovering(recovery) if dice < recovery.share(settings, now) => Role::Share,
            Phase::Recovering(_) => return Err(soon),
        };
        Ok(Ticket { epoch, role })
    }

    /// Opens for what was counted in the closed epoch `epoch`, unless somebody else did already.
    pub(super) fn trip(
        &mut self,
        settings: &Settings,
        epoch: u64,
        counts: Counts,
        now: Instant,
        dice: f64,
    ) {
        if self.epoch == epoch && self.is_closed() {
            self.open(settings, counts, now, dice);
        }
    }

    /// How a call went that was let through while the breaker was not closed.
    pub(super) fn record(
        &mut self,
        settings: &Settings,
        ticket: Ticket,
        how: Verdict,
        now: Instant,
        dice: f64,
    ) {
        if ticket.epoch != self.epoch {
            return;
        }
        match (&mut self.phase, ticket.role) {
            (Phase::HalfOpen(probes), Role::Probe(id)) => {
                let is_lost = !probes.take_back(id);
                let counts = Counts::default().and(how);
                if is_lost {
                    // Somebody else finds out in its place.
                } else if counts.are_too_bad(settings, 1) {
                    self.relapses = self.relapses.saturating_add(1);
                    self.open(settings, counts, now, dice);
                } else {
                    self.enter(Phase::Recovering(Recovery::begin(now)));
                }
            }
            (Phase::Recovering(recovery), Role::Share) => {
                let counts = recovery.count(settings, how, now);
                if counts.are_too_bad(settings, settings.min_calls.div_ceil(RELAPSE_PART)) {
                    self.relapses = self.relapses.saturating_add(1);
                    self.open(settings, counts, now, dice);
                }
            }
            _ => {}
        }
    }

    /// The call of `ticket` ended and says nothing of the upstream.
    pub(super) fn give_back(&mut self, ticket: Ticket) {
        if let (Phase::HalfOpen(probes), Role::Probe(id)) = (&mut self.phase, ticket.role)
            && ticket.epoch == self.epoch
        {
            probes.take_back(id);
        }
    }

    fn open(&mut self, settings: &Settings, counts: Counts, now: Instant, dice: f64) {
        let times = 1_u32.checked_shl(self.relapses).unwrap_or(u32::MAX);
        let written = settings.open.saturating_mul(times).min(settings.open_max);
        self.opened += 1;
        self.judged_by = counts;
        self.enter(Phase::Open {
            until: now + written.mul_f64(1.0 - JITTER * dice),
        });
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.epoch += 1;
    }
}

impl Counts {
    /// With one more call.
    fn and(self, how: Verdict) -> Self {
        Self {
            calls: self.calls + 1,
            failed: self.failed + u64::from(how.failed),
            slow: self.slow + u64::from(how.slow),
        }
    }

    /// Whether the breaker opens for them. Below `floor` calls it never does.
    pub(super) fn are_too_bad(self, settings: &Settings, floor: u32) -> bool {
        let reaches = |count: u64, rate: f64| count > 0 && share(count, self.calls) >= rate;
        self.calls >= u64::from(floor)
            && (reaches(self.failed, settings.failure_rate)
                || settings.minds_slowness() && reaches(self.slow, settings.slow_rate))
    }
}

impl Probes {
    fn give(&mut self, at_once: u32, now: Instant) -> Option<u64> {
        let is_full = |out: &Vec<_>| u32::try_from(out.len()).is_ok_and(|out| out >= at_once);
        if is_full(&self.out) {
            self.out
                .retain(|(_, since)| now.saturating_duration_since(*since) < LOST_AFTER);
        }
        if is_full(&self.out) {
            return None;
        }
        self.given += 1;
        self.out.push((self.given, now));
        Some(self.given)
    }

    /// Whether it was still out.
    fn take_back(&mut self, id: u64) -> bool {
        let before = self.out.len();
        self.out.retain(|(other, _)| *other != id);
        self.out.len() < before
    }
}

impl Recovery {
    fn begin(now: Instant) -> Self {
        Self {
            began: now,
            counted_from: now,
            counts: Counts::default(),
        }
    }

    /// How much of the traffic is let through: it grows evenly over `open`.
    fn share(&self, settings: &Settings, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.began);
        if passed >= settings.open {
            return 1.0;
        }
        passed.div_duration_f64(settings.open).max(FIRST_SHARE)
    }

    fn count(&mut self, settings: &Settings, how: Verdict, now: Instant) -> Counts {
        if now.saturating_duration_since(self.counted_from) >= settings.window {
            self.counted_from = now;
            self.counts = Counts::default();
        }
        self.counts = self.counts.and(how);
        self.counts
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share, not an amount: more than 2^52 calls are not counted"
)]
fn share(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAD: Verdict = Verdict {
        failed: true,
        slow: false,
    };
    const GOOD: Verdict = Verdict {
        failed: false,
        slow: false,
    };
    const SLOW: Verdict = Verdict {
        failed: false,
        slow: true,
    };

    /// A machine with the usual settings and a clock that is moved by hand.
    struct Bench {
        machine: Machine,
        settings: Settings,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self {
                machine: Machine::default(),
                settings: Settings::default(),
                now: Instant::now(),
            }
        }

        fn open() -> Self {
            let mut bench = Self::new();
            bench.trip();
            bench
        }

        fn half_open() -> Self {
            let mut bench = Self::open();
            bench.wait(5);
            bench
        }

        fn recovering() -> Self {
            let mut bench = Self::half_open();
            let probe = bench.admit().unwrap();
            bench.record(probe, GOOD);
            bench
        }

        fn wait(&mut self, seconds: u64) {
            self.now += Duration::from_secs(seconds);
        }

        fn trip(&mut self) {
            let epoch = self.machine.epoch();
            let counts = Counts::default().and(BAD);
            self.machine
                .trip(&self.settings, epoch, counts, self.now, 0.0);
        }

        fn admit(&mut self) -> Result<Ticket, Duration> {
            self.draw(0.0)
        }

        fn draw(&mut self, dice: f64) -> Result<Ticket, Duration> {
            self.machine.admit(&self.settings, self.now, dice)
        }

        fn record(&mut self, ticket: Ticket, how: Verdict) {
            self.machine
                .record(&self.settings, ticket, how, self.now, 0.0);
        }

        fn state(&self) -> State {
            self.machine.state(self.now)
        }

        fn left(&self) -> u64 {
            match self.state() {
                State::Open { left } => left.as_secs(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn counts(calls: u64, failed: u64, slow: u64) -> Counts {
        Counts {
            calls,
            failed,
            slow,
        }
    }

    #[test]
    fn the_rate_is_reached_at_the_rate_and_not_below_the_floor() {
        let settings = Settings::default();
        assert!(counts(20, 10, 0).are_too_bad(&settings, 20));
        assert!(!counts(20, 9, 0).are_too_bad(&settings, 20));
        assert!(!counts(19, 19, 0).are_too_bad(&settings, 20));
        let tenth = Settings {
            failure_rate: 0.3,
            ..settings
        };
        assert!(counts(10, 3, 0).are_too_bad(&tenth, 10));
        let all = Settings {
            failure_rate: 1.0,
            ..tenth
        };
        assert!(!counts(100, 99, 0).are_too_bad(&all, 20));
        assert!(counts(100, 100, 0).are_too_bad(&all, 20));
    }

    #[test]
    fn slowness_counts_only_when_it_is_asked_for() {
        let deaf = Settings::default();
        assert!(!counts(20, 0, 20).are_too_bad(&deaf, 20));
        let settings = Settings {
            slow_rate: 0.8,
            ..deaf
        };
        assert!(counts(20, 0, 16).are_too_bad(&settings, 20));
        assert!(!counts(20, 9, 15).are_too_bad(&settings, 20));
        let both = Counts::default().and(Verdict {
            failed: true,
            slow: true,
        });
        assert_eq!(both, counts(1, 1, 1));
    }

    #[test]
    fn open_lets_nobody_through_and_says_when_to_come_back() {
        let mut bench = Bench::open();
        assert_eq!(bench.admit(), Err(Duration::from_secs(5)));
        bench.wait(3);
        assert_eq!(bench.admit(), Err(Duration::from_secs(2)));
        assert_eq!(
            bench.state(),
            State::Open {
                left: Duration::from_secs(2)
            }
        );
        bench.wait(2);
        assert!(matches!(bench.admit().unwrap().role, Role::Probe(_)));
    }

    #[test]
    fn a_tenth_of_the_open_time_is_left_to_the_dice() {
        let mut bench = Bench::new();
        let counts = counts(20, 10, 0);
        bench
            .machine
            .trip(&bench.settings, 0, counts, bench.now, 1.0);
        assert_eq!(
            bench.state(),
            State::Open {
                left: Duration::from_millis(4500)
            }
        );
    }

    #[test]
    fn it_opens_once_for_one_epoch() {
        let mut bench = Bench::new();
        bench.trip();
        let was = bench.machine.clone();
        bench
            .machine
            .trip(&bench.settings, 0, counts(20, 20, 0), bench.now, 0.0);
        assert_eq!(bench.machine, was);
        assert_eq!(was.opened(), 1);
    }

    #[test]
    fn a_few_probes_at_once_and_their_places_come_back() {
        let mut bench = Bench::half_open();
        let probes: Vec<Ticket> = (0..5).map(|_| bench.admit().unwrap()).collect();
        assert_eq!(bench.admit(), Err(SOON));
        for probe in probes {
            bench.machine.give_back(probe);
        }
        assert_eq!(bench.state(), State::HalfOpen);
        let next = bench.admit().unwrap();
        bench.record(next, GOOD);
        assert_eq!(bench.state(), State::Recovering);
    }

    #[test]
    fn a_place_given_back_twice_is_one_place() {
        let mut bench = Bench::half_open();
        let probes: Vec<Ticket> = (0..5).map(|_| bench.admit().unwrap()).collect();
        bench.machine.give_back(probes[0]);
        bench.machine.give_back(probes[0]);
        assert!(bench.admit().is_ok());
        assert!(bench.admit().is_err());
    }

    #[test]
    fn a_probe_that_does_not_come_back_is_given_up() {
        let mut bench = Bench::half_open();
        let lost: Vec<Ticket> = (0..5).map(|_| bench.admit().unwrap()).collect();
        bench.wait(9);
        assert!(bench.admit().is_err());
        bench.wait(1);
        let next = bench.admit().unwrap();
        bench.record(lost[0], BAD);
        bench.machine.give_back(lost[1]);
        assert_eq!(bench.state(), State::HalfOpen);
        bench.record(next, GOOD);
        assert_eq!(bench.state(), State::Recovering);
    }

    #[test]
    fn a_failed_probe_opens_for_twice_as_long_up_to_the_most() {
        let mut bench = Bench::open();
        let mut open_for = vec![bench.left()];
        for _ in 0..40 {
            bench.wait(bench.left());
            let probe = bench.admit().unwrap();
            bench.record(probe, BAD);
            open_for.push(bench.left());
        }
        assert_eq!(open_for[..6], [5, 10, 20, 40, 60, 60]);
        assert_eq!(open_for.last(), Some(&60));
        assert_eq!(bench.machine.opened(), 41);
    }

    #[test]
    fn a_slow_probe_has_failed_when_slowness_counts() {
        for (slow_rate, expected) in [(1.0, 1), (0.8, 2)] {
            let mut bench = Bench::half_open();
            bench.settings.slow_rate = slow_rate;
            let probe = bench.admit().unwrap();
            bench.record(probe, SLOW);
            assert_eq!(bench.machine.opened(), expected);
        }
    }

    #[test]
    fn recovery_lets_a_growing_share_through() {
        let mut bench = Bench::recovering();
        assert!(bench.draw(0.04).is_ok());
        assert_eq!(bench.draw(0.06), Err(SOON));
        bench.wait(1);
        assert!(bench.draw(0.19).is_ok() && bench.draw(0.21).is_err());
        bench.wait(3);
        assert!(bench.draw(0.79).is_ok() && bench.draw(0.81).is_err());
        bench.wait(1);
        assert_eq!(bench.draw(0.99).unwrap().role, Role::Any);
        assert_eq!(bench.state(), State::Closed);
    }

    #[test]
    fn a_relapse_opens_after_few_calls_and_for_twice_as_long() {
        let mut bench = Bench::recovering();
        for how in [GOOD, GOOD, BAD, BAD, BAD] {
            assert_eq!(bench.state(), State::Recovering);
            let ticket = bench.admit().unwrap();
            bench.record(ticket, how);
        }
        assert_eq!(bench.left(), 10);
        assert_eq!(bench.machine.counts(), counts(5, 3, 0));
    }

    #[test]
    fn early_successes_do_not_hide_a_late_relapse() {
        let mut bench = Bench::recovering();
        bench.settings.open = Duration::from_mins(1);
        for _ in 0..100 {
            let ticket = bench.admit().unwrap();
            bench.record(ticket, GOOD);
        }
        bench.wait(11);
        for _ in 0..5 {
            let ticket = bench.admit().unwrap();
            bench.record(ticket, BAD);
        }
        assert_eq!(bench.machine.opened(), 2);
    }

    #[test]
    fn once_it_is_closed_doubling_begins_anew() {
        let mut bench = Bench::half_open();
        let probe = bench.admit().unwrap();
        bench.record(probe, BAD);
        assert_eq!(bench.left(), 10);
        bench.wait(10);
        let probe = bench.admit().unwrap();
        bench.record(probe, GOOD);
        bench.wait(5);
        assert_eq!(bench.admit().unwrap().role, Role::Any);
        bench.trip();
        assert_eq!(bench.left(), 5);
    }

    #[test]
    fn what_comes_back_from_an_earlier_epoch_changes_nothing() {
        let mut bench = Bench::half_open();
        let [first, second] = [bench.admit().unwrap(), bench.admit().unwrap()];
        bench.record(first, GOOD);
        let recovering = bench.machine.clone();
        bench.record(second, BAD);
        bench.machine.give_back(second);
        assert_eq!(bench.machine, recovering);
        let share = bench.admit().unwrap();
        bench.wait(5);
        bench.machine.pass_time(&bench.settings, bench.now);
        let closed = bench.machine.clone();
        bench.record(share, BAD);
        assert_eq!(bench.machine, closed);
    }
}
