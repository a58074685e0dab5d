//! The endpoint with the fewest requests in flight for its share.

use super::slots::Slots;

/// So many are looked at; of more, as many as follow the one drawn.
const LOOKED_AT: usize = 32;

/// Where the next request goes. There must be somewhere that `tried` does not name.
pub(crate) fn pick(slots: &Slots, tried: &[u32], dice: &mut impl FnMut(usize) -> usize) -> usize {
    // Who is drawn comes first among equals, so that idle endpoints get their shares too.
    let first = slots.untried(slots.draw(dice), tried);
    let following = (0..slots.len().min(LOOKED_AT)).map(|step| (first + step) % slots.len());
    following
        .filter(|at| !tried.contains(&slots.endpoint(*at).id()))
        .min_by(|one, other| slots.load(*one).total_cmp(&slots.load(*other)))
        .unwrap_or(first)
}
