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
    let margin = if slots.is_even() {
        1.0
    } else {
        // Who has a tenth of a share, because it is small or because it grows, is asked in the place of a whole one only
        // if that is ten times as dear: else it would have most of the requests for as long as it is fast.
        MARGIN.max(slots.share(first) / slots.share(second))
    };
    if cheap * margin < dear { second } else { first }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::balance::slots::Slot;
    use crate::endpoint::{Endpoint, InFlight, Place};

    fn slots(shares: &[u32]) -> Slots {
        let slot = |(port, share): (u16, &u32)| Slot {
            endpoint: Arc::new(Endpoint::new(Place::new("x", port, "")).unwrap()),
            share: *share,
        };
        Slots::new(std::iter::zip(0.., shares).map(slot).collect())
    }

    #[test]
    fn of_two_that_nobody_has_measured_the_less_busy_is_picked() {
        let (slots, now) = (slots(&[1, 1]), Instant::now());
        let first_of = |first| pick(&slots, &[], now, &mut |n| if n == 2 { first } else { 0 });
        assert_eq!([first_of(0), first_of(1)], [0, 1]);
        let busy = InFlight::at(slots.endpoint(0));
        assert_eq!([first_of(0), first_of(1)], [1, 1]);
        // What is known of one alone does not count.
        slots.endpoint(1).succeeded(Duration::from_secs(9), now);
        assert_eq!([first_of(0), first_of(1)], [1, 1]);
        drop(busy);
    }

    #[test]
    fn a_fast_one_may_have_more_in_flight() {
        let (slots, now) = (slots(&[1, 1]), Instant::now());
        let first_of = |first| pick(&slots, &[], now, &mut |n| if n == 2 { first } else { 0 });
        slots.endpoint(0).succeeded(Duration::from_millis(10), now);
        slots.endpoint(1).succeeded(Duration::from_millis(35), now);
        let mut held = vec![
            InFlight::at(slots.endpoint(0)),
            InFlight::at(slots.endpoint(0)),
        ];
        assert_eq!([first_of(0), first_of(1)], [0, 0]);
        held.push(InFlight::at(slots.endpoint(0)));
        assert_eq!([first_of(0), first_of(1)], [1, 1]);
    }

    #[test]
    fn where_shares_differ_the_draw_stands_unless_the_other_is_much_cheaper() {
        let (slots, now) = (slots(&[3, 1]), Instant::now());
        let first_of = |first| pick(&slots, &[], now, &mut |n| if n == 4 { first } else { 0 });
        slots.endpoint(0).succeeded(Duration::from_millis(10), now);
        slots.endpoint(1).succeeded(Duration::from_millis(19), now);
        assert_eq!([first_of(0), first_of(3)], [0, 1]);
        slots.endpoint(1).succeeded(Duration::from_millis(21), now);
        assert_eq!([first_of(0), first_of(3)], [0, 0]);
    }

    #[test]
    fn a_small_share_is_not_made_a_large_one_by_speed() {
        let (slots, now) = (slots(&[10, 1]), Instant::now());
        let first_of = |first| pick(&slots, &[], now, &mut |n| if n == 11 { first } else { 0 });
        slots.endpoint(0).succeeded(Duration::from_millis(18), now);
        slots.endpoint(1).succeeded(Duration::from_millis(2), now);
        assert_eq!([first_of(0), first_of(10)], [0, 1]);
        slots.endpoint(0).succeeded(Duration::from_millis(21), now);
        assert_eq!([first_of(0), first_of(10)], [1, 1]);
    }
}
