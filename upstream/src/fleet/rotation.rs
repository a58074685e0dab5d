//! Who of a fleet is asked, worked out once until something changes.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Member, Settings};
use crate::balance::p2c;
use crate::balance::slots::{Slot, Slots};
use crate::endpoint::Endpoint;
use crate::endpoint::condition::{STEPS, Standing};
use crate::sync::AtomicU64;

/// Who is asked.
#[derive(Debug)]
pub(super) struct Rotation {
    slots: Slots,
    panic: bool,
    until: Option<Instant>,
}

impl Default for Rotation {
    fn default() -> Self {
        Self {
            slots: Slots::new(Vec::new()),
            panic: false,
            until: None,
        }
    }
}

impl Rotation {
    /// As `members` stand now.
    pub(super) fn new(members: &[Member], settings: &Settings, now: Instant) -> Self {
        let rules = settings.rules();
        let standings: Vec<Standing> = members
            .iter()
            .map(|member| member.endpoint.condition().standing(rules, now))
            .collect();
        let well = standings.iter().filter(|s| is_asked(**s)).count();
        let panic = settings.ejection.is_panic(members.len(), well);
        let asked = std::iter::zip(members, &standings).filter(|(_, s)| panic || is_asked(**s));
        let slots = asked.map(|(member, standing)| slot(member, *standing));
        Self {
            slots: Slots::new(slots.collect()),
            panic,
            until: standings.iter().filter_map(|s| until(*s)).min(),
        }
    }

    /// Whether somebody's standing has changed by time alone.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
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
        _key: Option<u64>,
        _turns: &AtomicU64,
        mut dice: impl FnMut(usize) -> usize,
    ) -> Option<&Arc<Endpoint>> {
        if self.slots.len() == 0 {
            return None;
        }
        let at = p2c::pick(&self.slots, tried, now, &mut dice);
        Some(self.slots.endpoint(at))
    }
}

fn is_asked(standing: Standing) -> bool {
    matches!(standing, Standing::Up | Standing::Growing { .. })
}

fn slot(member: &Member, standing: Standing) -> Slot {
    let steps = match standing {
        Standing::Growing { step, .. } => step,
        _ => STEPS,
    };
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
