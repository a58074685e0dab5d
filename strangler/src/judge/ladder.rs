//! The steps that a canary climbs: shares, each larger than the one before.

use crate::percent::Percent;

/// Where a canary goes on whose share is known: at the largest step that is no larger, else at the first.
///
/// ```
/// use strangler::{Percent, judge::ladder};
/// let steps = [1.0, 5.0, 25.0].map(|step| Percent::try_from(step).unwrap());
/// assert_eq!(ladder::rejoin(&steps, Percent::try_from(10.0).unwrap()), steps[1]);
/// assert_eq!(ladder::next(&steps, steps[1]), Some(steps[2]));
/// assert_eq!(ladder::next(&steps, steps[2]), None);
/// ```
pub fn rejoin(steps: &[Percent], share: Percent) -> Percent {
    let reached = steps.iter().rev().find(|step| **step <= share);
    reached.or(steps.first()).copied().unwrap_or(share)
}

/// The step after a share; nothing after the last.
pub fn next(steps: &[Percent], share: Percent) -> Option<Percent> {
    steps.iter().copied().find(|step| *step > share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percents<const N: usize>(steps: [f64; N]) -> [Percent; N] {
        steps.map(|step| Percent::try_from(step).unwrap())
    }

    #[test]
    fn changed_steps_go_on_at_the_largest_that_is_not_above_the_share() {
        let steps = percents([2.0, 10.0, 50.0]);
        let [below, on, between, above] = percents([1.0, 10.0, 49.99, 100.0]);
        assert_eq!(rejoin(&steps, below), steps[0]);
        assert_eq!(rejoin(&steps, on), steps[1]);
        assert_eq!(rejoin(&steps, between), steps[1]);
        assert_eq!(rejoin(&steps, above), steps[2]);
        assert_eq!(rejoin(&[], on), on);
    }

    #[test]
    fn after_a_share_between_two_steps_comes_the_larger() {
        let steps = percents([2.0, 10.0]);
        let [none, between, last] = percents([0.0, 5.0, 10.0]);
        assert_eq!(next(&steps, none), Some(steps[0]));
        assert_eq!(next(&steps, between), Some(steps[1]));
        assert_eq!(next(&steps, last), None);
    }
}
