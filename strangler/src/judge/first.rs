//! Who has an event for the first time: whoever had it in the step already, on either side, is not at risk.

use super::evidence::AtRisk;
use super::keys::Keys;

/// With fewer active keys on a side nobody is put at risk anew.
const MIN_ACTIVE: u64 = 20;

/// A side in a tick: who was active, and who of them had the event.
pub(super) type Seen<'a> = (&'a Keys, &'a Keys);

/// Of those who were active, who could have had the event for the first time, and who had it. From then on they are among
/// those who `had` it.
pub(super) fn take(had: &mut Keys, sides: [Seen<'_>; 2]) -> [AtRisk; 2] {
    let active = count(&Keys::default(), sides, had.limit());
    let mut first = count(had, sides, had.limit());
    // In a long step, or after an outage, hardly anybody is left at risk: a later fault would not be seen.
    if is_worn(active.map(|side| side.keys), first.map(|side| side.keys)) {
        *had = Keys::default();
        first = count(had, sides, had.limit());
    }
    for (_, events) in sides {
        had.merge(events);
    }
    first
}

/// Fewer than half of those who are active are at risk; where only one side is, all would not be compared with anybody.
pub(super) fn is_worn(active: [u64; 2], at_risk: [u64; 2]) -> bool {
    let enough = active.iter().all(|keys| *keys >= MIN_ACTIVE);
    let [active, at_risk] = [active, at_risk].map(|sides| sides.iter().sum::<u64>());
    enough && at_risk < active.div_ceil(2)
}

/// Where one set is a sample, all are looked at below its limit.
fn count(had: &Keys, sides: [Seen<'_>; 2], limit: u32) -> [AtRisk; 2] {
    let limits = sides.iter().map(|(active, _)| active.limit());
    let limit = limits.fold(limit, u32::min);
    sides.map(|(active, events)| {
        let keys = active.outside(had, limit);
        // What another replica says need not be a part of what it says.
        let events = events.outside(had, limit).min(keys);
        AtRisk { keys, events }
    })
}

#[cfg(test)]
mod tests;
