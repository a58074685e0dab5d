//! Who of a fleet is asked, worked out once until something changes.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Held, Member, Settings};
use crate::balance::ring::Ring;
use crate::balance::slots::{Slot, Slots};
use crate::balance::turns::Turns;
use crate::balance::{Balance, least, p2c};
use crate::endpoint::Endpoint;
use crate::endpoint::condition::{STEPS, Standing};
use crate::sync::{AtomicU64, Ordering};

/// Who is asked.
#[derive(Debug)]
pub(super) struct Rotation {
    slots: Slots,
    order: Order,
    panic: bool,
    until: Option<Instant>,
}

/// In which order.
#[derive(Debug)]
enum Order {
    PowerOfTwo,
    RoundRobin(Turns),
    Random,
    LeastRequest,
    Hash(Callers),
}

/// Which caller belongs where.
#[derive(Debug)]
struct Callers {
    ring: Arc<Ring>,
    /// For each number of the ring the slot, and how many [`STEPS`] of its callers it has already.
    asked: Box<[Option<(usize, u32)>]>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            slots: Slots::new(Vec::new()),
            order: Order::PowerOfTwo,
            panic: false,
            until: None,
        }
    }
}

impl Rotation {
    /// As those of `held` stand now.
    pub(super) fn new(held: &Held, (upstream, settings): (&str, &Settings), now: Instant) -> Self {
        let rules = settings.rules(upstream);
        let members = &held.members;
        let standings: Vec<Standing> = members
            .iter()
            .map(|member| member.endpoint.standing(rules, now))
            .collect();
        let well = standings.iter().filter(|s| is_well(**s)).count();
        let panic = settings.ejection.is_panic(members.len(), well);
        let steps = |standing: &Standing| match standing {
            Standing::Up => Some(STEPS),
            Standing::Growing { step, .. } => Some(*step),
            Standing::Ejected { .. } | Standing::Down => panic.then_some(STEPS),
        };
        let steps: Vec<Option<u32>> = standings.iter().map(steps).collect();
        let asked = std::iter::zip(members, &steps);
        let slots: Vec<Slot> = asked
            .filter_map(|(member, steps)| Some(slot(member, (*steps)?)))
            .collect();
        Self {
            order: Order::new(held, settings, &steps, &slots),
            slots: Slots::new(slots),
            panic,
            until: standings.iter().filter_map(|s| until(*s)).min(),
        }
    }

    /// Whether somebody's standing has changed by time alone.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether `endpoint` is asked because it is well.
    pub(super) fn trusts(&self, endpoint: &Arc<Endpoint>) -> bool {
        let is_asked = |at| Arc::ptr_eq(self.slots.endpoint(at), endpoint);
        !self.panic && (0..self.slots.len()).any(is_asked)
    }

    /// Whether all are asked, whatever is known of them.
    pub(super) fn is_panic(&self) -> bool {
        self.panic
    }

    /// Where the next request goes.
    pub(super) fn pick(
        &self,
        now: Instant,
        tried: &[u32],
        key: Option<u64>,
        turns: &AtomicU64,
        mut dice: impl FnMut(usize) -> usize,
    ) -> Option<&Arc<Endpoint>> {
        let slots = &self.slots;
        if slots.is_empty() {
            return None;
        }
        // Whoever has tried all of them tries them again rather than one that is ill.
        let tried = if slots.are_in(tried) { &[] } else { tried };
        let at = match (&self.order, key) {
            (Order::Hash(callers), Some(key)) => callers.slot(key, slots, tried)?,
            (Order::PowerOfTwo | Order::Hash(_), _) => p2c::pick(slots, tried, now, &mut dice),
            (Order::RoundRobin(round), _) => {
                let turn = turns.fetch_add(1, Ordering::Relaxed);
                slots.untried(round.at(turn), tried)
            }
            (Order::Random, _) => slots.untried(slots.draw(&mut dice), tried),
            (Order::LeastRequest, _) => least::pick(slots, tried, &mut dice),
        };
        Some(slots.endpoint(at))
    }
}

impl Order {
    fn new(held: &Held, settings: &Settings, steps: &[Option<u32>], slots: &[Slot]) -> Self {
        match (&settings.balance, &held.ring) {
            (Balance::RoundRobin, _) => {
                let shares: Vec<u32> = slots.iter().map(|slot| slot.share).collect();
                Self::RoundRobin(Turns::new(&shares))
            }
            (Balance::Random, _) => Self::Random,
            (Balance::LeastRequest, _) => Self::LeastRequest,
            (Balance::Hash(_), Some(ring)) => Self::Hash(Callers::new(ring, steps)),
            (Balance::PowerOfTwo | Balance::Hash(_), _) => Self::PowerOfTwo,
        }
    }
}

impl Callers {
    fn new(ring: &Arc<Ring>, steps: &[Option<u32>]) -> Self {
        let mut slots = 0..;
        let asked = steps
            .iter()
            .map(|steps| steps.and_then(|steps| Some((slots.next()?, steps))));
        Self {
            ring: Arc::clone(ring),
            asked: asked.collect(),
        }
    }

    fn slot(&self, key: u64, slots: &Slots, tried: &[u32]) -> Option<usize> {
        let untried = || {
            let asked = self.ring.from(key).filter_map(|number| self.asked[number]);
            asked.filter(|(at, _)| !tried.contains(&slots.endpoint(*at).id()))
        };
        // A growing endpoint takes over its callers bit by bit, and each of them once.
        let has_grown = |(_, steps): &(usize, u32)| key % u64::from(STEPS) < u64::from(*steps);
        let found = untried().find(has_grown).or_else(|| untried().next());
        found.map(|(at, _)| at)
    }
}

fn is_well(standing: Standing) -> bool {
    matches!(standing, Standing::Up | Standing::Growing { .. })
}

fn slot(member: &Member, steps: u32) -> Slot {
    Slot {
        endpoint: Arc::clone(&member.endpoint),
        share: member.weight.max(1).saturating_mul(steps),
    }
}

fn until(standing: Standing) -> Option<Instant> {
    match standing {
        Standing::Growing { until, .. } | Standing::Ejected { until } => Some(until),
        Standing::Up | Standing::Down => None,
    }
}
