//! The less busy and faster of two drawn at random (Mitzenmacher 2001; the measure is Finagle's peak EWMA).

use tokio::time::Instant;

use super::slots::Slots;

/// By how much dearer the first drawn must be than the second where shares differ. The draw itself gives each its
/// share, and of few endpoints nearly every two are compared: without a margin the faster one would get everything.
const MARGIN: f64 = 2.0;

/// Where the next request goes. There must be somewhere that `tried` does not name.
pub(crate) fn pick(
    slots: &Slots,
    tried: &[u32],
    now: Instant,
    dice: &mut impl FnMut(usize) -> usize,
) -> usize {
    let first = slots.untried(slots.draw(dice), tried);
    if slots.len() == 1 {
        return first;
    }
    let second = slots.untried(slots.draw_other(first, dice), tried);
    let (mut dear, mut cheap) = (slots.load(first) + 1.0, slots.load(second) + 1.0);
    let latency = |at: usize| slots.endpoint(at).latency(now);
    // Of an endpoint that nobody has measured only its load is known, and loads compare with loads.
    if let (Some(one), Some(other)) = (latency(first), latency(second)) {
        dear *= f64::from(one);
        cheap *= f64::from(other);
    }
    let margin = if slots.is_even() { 1.0 } else { MARGIN };
    if cheap * margin < dear { second } else { first }
}
