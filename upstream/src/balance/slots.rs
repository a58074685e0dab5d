//! The endpoints to choose from, each with its share of the draws.

use std::sync::Arc;

use crate::endpoint::Endpoint;

/// An endpoint and its share, in whatever unit all of them have.
#[derive(Debug)]
pub(crate) struct Slot {
    /// The endpoint.
    pub(crate) endpoint: Arc<Endpoint>,
    /// Its part of the draws; at least 1.
    pub(crate) share: u32,
}

/// All there are to choose from.
#[derive(Debug)]
pub(crate) struct Slots {
    all: Box<[Slot]>,
    /// Sums of the shares up to each; `None` when all are alike, so that a draw needs no search.
    sums: Option<Box<[usize]>>,
    /// The mean share.
    mean: f64,
}

impl Slots {
    /// With the sums that draws need.
    pub(crate) fn new(all: Vec<Slot>) -> Self {
        let is_even = all.windows(2).all(|pair| pair[0].share == pair[1].share);
        let mut sum = 0_usize;
        let sums: Box<[usize]> = all
            .iter()
            .map(|slot| {
                sum = sum.saturating_add(usize::try_from(slot.share).unwrap_or(usize::MAX));
                sum
            })
            .collect();
        let shares: f64 = all.iter().map(|slot| f64::from(slot.share)).sum();
        let count = u32::try_from(all.len()).unwrap_or(u32::MAX).max(1);
        Self {
            all: all.into_boxed_slice(),
            sums: (!is_even).then_some(sums),
            mean: shares / f64::from(count),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is nobody.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether `tried` names all of them.
    pub(crate) fn are_in(&self, tried: &[u32]) -> bool {
        let is_tried = |slot: &Slot| tried.contains(&slot.endpoint.id());
        tried.len() >= self.len() && self.all.iter().all(is_tried)
    }

    /// Whether all have the same share.
    pub(crate) fn is_even(&self) -> bool {
        self.sums.is_none()
    }

    /// The endpoint at `at`.
    pub(crate) fn endpoint(&self, at: usize) -> &Arc<Endpoint> {
        &self.all[at].endpoint
    }

    /// The share of the one at `at`, in the unit of all.
    pub(crate) fn share(&self, at: usize) -> f64 {
        f64::from(self.all[at].share)
    }

    /// How busy the one at `at` is for its share: its requests in flight, over what its share is beside the others'.
    pub(crate) fn load(&self, at: usize) -> f64 {
        let slot = &self.all[at];
        f64::from(slot.endpoint.in_flight()) * self.mean / f64::from(slot.share)
    }

    /// One, drawn by share. `dice(n)` gives a number below `n`. There must be one.
    pub(crate) fn draw(&self, dice: &mut impl FnMut(usize) -> usize) -> usize {
        match &self.sums {
            None => dice(self.len()),
            Some(sums) => {
                let total = sums.last().copied().unwrap_or(1);
                let at = dice(total);
                sums.partition_point(|sum| *sum <= at)
            }
        }
    }

    /// Another than `first`, drawn by share. There must be two.
    pub(crate) fn draw_other(&self, first: usize, dice: &mut impl FnMut(usize) -> usize) -> usize {
        let Some(sums) = &self.sums else {
            return (first + 1 + dice(self.len() - 1)) % self.len();
        };
        // The draw is over a line from which the share of the first is cut out.
        let before = first.checked_sub(1).map_or(0, |at| sums[at]);
        let share = sums[first] - before;
        let total = sums.last().copied().unwrap_or(1);
        let drawn = dice(total - share);
        let at = if drawn < before { drawn } else { drawn + share };
        sums.partition_point(|sum| *sum <= at)
    }

    /// The one at `at`, or the next that `tried` does not name.
    pub(crate) fn untried(&self, at: usize, tried: &[u32]) -> usize {
        if tried.is_empty() {
            return at;
        }
        let len = self.len();
        let mut following = (0..len).map(|step| (at + step) % len);
        let is_untried = |at: &usize| !tried.contains(&self.endpoint(*at).id());
        following.find(is_untried).unwrap_or(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::{InFlight, Place};

    fn slots(shares: &[u32]) -> Slots {
        let slot = |(port, share): (u16, &u32)| Slot {
            endpoint: Arc::new(Endpoint::new(Place::new("x", port, "")).unwrap()),
            share: *share,
        };
        Slots::new(std::iter::zip(0.., shares).map(slot).collect())
    }

    /// Whom each throw of the dice gives.
    fn drawn(sides: usize, draw: impl Fn(&mut dyn FnMut(usize) -> usize) -> usize) -> Vec<usize> {
        let throw = |side| {
            draw(&mut |n| {
                assert_eq!(n, sides);
                side
            })
        };
        (0..sides).map(throw).collect()
    }

    #[test]
    fn each_is_drawn_as_often_as_its_share() {
        let slots = slots(&[1, 3, 2]);
        let all = drawn(6, |mut dice| slots.draw(&mut dice));
        assert_eq!(all, [0, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn the_second_is_another_by_its_share_of_the_rest() {
        let slots = slots(&[1, 3, 2]);
        let others = |first, sides| drawn(sides, |mut dice| slots.draw_other(first, &mut dice));
        assert_eq!(others(0, 5), [1, 1, 1, 2, 2]);
        assert_eq!(others(1, 3), [0, 2, 2]);
        assert_eq!(others(2, 4), [0, 1, 1, 1]);
    }

    #[test]
    fn equals_need_no_search() {
        let slots = slots(&[20, 20, 20]);
        assert!(slots.is_even());
        assert_eq!(drawn(3, |mut dice| slots.draw(&mut dice)), [0, 1, 2]);
        assert_eq!(drawn(2, |mut dice| slots.draw_other(1, &mut dice)), [2, 0]);
    }

    #[test]
    fn load_is_what_is_in_flight_beside_the_share() {
        let slots = slots(&[10, 30]);
        let held: Vec<InFlight> = [0, 1, 1, 1]
            .map(|at| InFlight::at(slots.endpoint(at)))
            .into();
        assert!((slots.load(0) - slots.load(1)).abs() < 1e-9);
        drop(held);
        assert!(slots.load(0) < 1e-9);
    }

    #[test]
    fn the_next_that_was_not_tried_stands_in() {
        let slots = slots(&[1, 1, 1]);
        let ids = [0, 1, 2].map(|at| slots.endpoint(at).id());
        assert_eq!(slots.untried(1, &ids[1..]), 0);
        assert_eq!(slots.untried(0, &ids[1..]), 0);
        assert!(slots.are_in(&ids) && !slots.are_in(&ids[1..]));
    }
}
