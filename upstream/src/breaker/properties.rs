//! What holds of the machine whatever happens to it, in any order.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::Instant;

use super::machine::{Counts, Machine, Role, Ticket, Verdict};
use super::{Settings, State};

/// So long a probe holds its place.
const LOST_AFTER: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
enum Event {
    Wait(Duration),
    Admit(f64),
    /// The calls of the window were so bad that it opens.
    Trip(f64),
    /// One of the calls that are out ends, drawn by its number.
    End(usize, Verdict, f64),
    Drop(usize),
}

fn event() -> impl Strategy<Value = Event> {
    let dice = || 0.0..1.0;
    let how = (any::<bool>(), any::<bool>()).prop_map(|(failed, slow)| Verdict { failed, slow });
    prop_oneof![
        2 => (0..7000_u64).prop_map(|millis| Event::Wait(Duration::from_millis(millis))),
        6 => dice().prop_map(Event::Admit),
        1 => dice().prop_map(Event::Trip),
        4 => (any::<usize>(), how, dice()).prop_map(|(n, how, dice)| Event::End(n, how, dice)),
        2 => any::<usize>().prop_map(Event::Drop),
    ]
}

fn settings() -> impl Strategy<Value = Settings> {
    let slow_rate = prop_oneof![Just(1.0), 0.1..1.0];
    (slow_rate, 1..40_u32, 100..9000_u64, 1..6_u32).prop_map(
        |(slow_rate, min_calls, open, probes)| Settings {
            slow_rate,
            min_calls,
            open: Duration::from_millis(open),
            probes,
            ..Settings::default()
        },
    )
}

/// A machine, its clock, and the calls that are out.
struct World {
    settings: Settings,
    machine: Machine,
    now: Instant,
    out: Vec<(Ticket, Instant)>,
}

impl World {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            machine: Machine::default(),
            now: Instant::now(),
            out: Vec::new(),
        }
    }

    fn state(&self) -> State {
        self.machine.state(self.now)
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Wait(passed) => self.now += passed,
            Event::Admit(dice) => self.admit(dice),
            Event::Trip(dice) => {
                let counts = Counts {
                    calls: 20,
                    failed: 20,
                    slow: 0,
                };
                let epoch = self.machine.epoch();
                self.machine
                    .trip(&self.settings, epoch, counts, self.now, dice);
            }
            Event::End(n, how, dice) => self.end(n, how, dice),
            Event::Drop(n) => {
                if let Some(ticket) = self.take(n) {
                    let was = self.machine.clone();
                    self.machine.give_back(ticket);
                    assert_eq!(self.machine.epoch(), was.epoch());
                }
            }
        }
    }

    /// A refused call changes nothing but what time does.
    fn admit(&mut self, dice: f64) {
        let mut waited = self.machine.clone();
        waited.pass_time(&self.settings, self.now);
        match self.machine.admit(&self.settings, self.now, dice) {
            Ok(ticket) => {
                assert_eq!(ticket.epoch, self.machine.epoch());
                assert!(!matches!(self.state(), State::Open { .. }));
                self.out.push((ticket, self.now));
            }
            Err(come_back_in) => {
                assert_eq!(self.machine, waited);
                assert_ne!(self.state(), State::Closed);
                assert!(!come_back_in.is_zero() && come_back_in <= self.settings.open_max);
            }
        }
    }

    fn end(&mut self, n: usize, how: Verdict, dice: f64) {
        let Some(ticket) = self.take(n) else { return };
        let was = self.machine.clone();
        self.machine
            .record(&self.settings, ticket, how, self.now, dice);
        if ticket.epoch != was.epoch() {
            assert_eq!(self.machine, was, "a late result changed something");
        }
    }

    fn take(&mut self, n: usize) -> Option<Ticket> {
        let at = n.checked_rem(self.out.len())?;
        Some(self.out.swap_remove(at).0)
    }

    /// The probes of this epoch that are out and not given up.
    fn probes(&self) -> usize {
        let counts = |(ticket, since): &&(Ticket, Instant)| {
            matches!(ticket.role, Role::Probe(_))
                && ticket.epoch == self.machine.epoch()
                && self.now - *since < LOST_AFTER
        };
        self.out.iter().filter(counts).count()
    }

    fn check(&self) {
        assert!(
            self.probes() <= self.settings.probes as usize,
            "{} probes are out",
            self.probes()
        );
        if let State::Open { left } = self.state() {
            assert!(left <= self.settings.open_max);
        }
        assert_eq!(self.machine.is_closed(), self.state() == State::Closed);
    }
}

proptest! {
    #[test]
    fn never_more_probes_than_allowed_nor_a_trace_of_who_was_refused(
        settings in settings(),
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut world = World::new(settings);
        for event in &events {
            let (epoch, opened) = (world.machine.epoch(), world.machine.opened());
            world.happen(event);
            world.check();
            prop_assert!(world.machine.epoch() >= epoch);
            prop_assert!(world.machine.opened() - opened <= 1);
        }
    }

    #[test]
    fn time_and_successes_lead_back_to_closed_from_anywhere(
        settings in settings(),
        events in prop::collection::vec(event(), 0..200),
    ) {
        let mut world = World::new(settings);
        for event in &events {
            world.happen(event);
        }
        // Whoever is still out stays out: nobody waits for them.
        let well = Verdict { failed: false, slow: false };
        for _ in 0..3 {
            world.now += world.settings.open_max + LOST_AFTER;
            let ticket = world.machine.admit(&world.settings, world.now, 0.99);
            let ticket = ticket.expect("who waited long enough is let through");
            world.machine.record(&world.settings, ticket, well, world.now, 0.5);
        }
        prop_assert_eq!(world.state(), State::Closed);
    }

    #[test]
    fn each_open_time_is_as_written_or_up_to_a_tenth_less(
        settings in settings(),
        dice in prop::collection::vec(0.0..1.0, 1..12),
    ) {
        let mut world = World::new(settings);
        world.happen(&Event::Trip(dice[0]));
        let mut written = world.settings.open;
        for dice in &dice[1..] {
            let State::Open { left } = world.state() else {
                return Err(TestCaseError::fail("it is not open"));
            };
            prop_assert!(left <= written && left >= written.mul_f64(0.899));
            world.now += left;
            world.admit(0.0);
            world.end(0, Verdict { failed: true, slow: false }, *dice);
            written = (written * 2).min(world.settings.open_max);
        }
    }
}
