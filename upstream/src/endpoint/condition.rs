//! What is known of an endpoint and seldom changes: whether it is put out, ill, or still growing into its share.

use std::time::Duration;

use tokio::time::Instant;

use crate::ejection::Ejection;
use crate::health::Health;

/// In so many equal steps an endpoint grows into its share.
pub(crate) const STEPS: u32 = 20;

/// Which of it counts, as the file says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The upstream's name, for logs.
    pub(crate) upstream: &'a str,
    /// Whether failures put an endpoint out.
    pub(crate) ejected: bool,
    /// Whether somebody checks it, so that it would be found well again.
    pub(crate) checked: bool,
    /// How long it takes to grow into its share.
    pub(crate) slow_start: Duration,
}

/// What is known of one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    /// Whether its failures have put it out.
    pub(crate) ejection: Ejection,
    /// What checks have said.
    pub(crate) health: Health,
    grows_since: Option<Instant>,
    joined: bool,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It gets its share.
    Up,
    /// It gets `step` of [`STEPS`] of its share until a moment.
    Growing {
        /// How far it has grown.
        step: u32,
        /// When the next step comes.
        until: Instant,
    },
    /// Its failures have put it out until a moment.
    Ejected {
        /// When it comes back.
        until: Instant,
    },
    /// Checks say that it is ill.
    Down,
}

impl Condition {
    /// Whether no fleet has had it yet.
    pub(crate) fn is_new(&self) -> bool {
        !self.joined
    }

    /// A fleet has it now.
    pub(crate) fn join(&mut self) {
        self.joined = true;
    }

    /// It grows into its share from now on.
    pub(crate) fn grow(&mut self, now: Instant) {
        self.grows_since = Some(now);
    }

    /// Lets it in again if its time is over, or if nobody asks any more for its being out. Says whether it came back.
    pub(crate) fn come_back(&mut self, rules: Rules<'_>, now: Instant) -> bool {
        let until = self.ejection.until();
        let over = until.filter(|until| !rules.ejected || *until <= now);
        if let Some(until) = over {
            let at = until.min(now);
            self.ejection.end(at);
            self.grow(at);
        }
        over.is_some()
    }

    /// How it stands.
    pub(crate) fn standing(&mut self, rules: Rules<'_>, now: Instant) -> Standing {
        if let Some(until) = self.ejection.until() {
            Standing::Ejected { until }
        } else if rules.checked && self.health.is_ill() {
            Standing::Down
        } else {
            self.grown(rules.slow_start, now)
        }
    }

    fn grown(&mut self, slow_start: Duration, now: Instant) -> Standing {
        let Some(since) = self.grows_since else {
            return Standing::Up;
        };
        let step = step(now.saturating_duration_since(since), slow_start);
        if step > STEPS {
            self.grows_since = None;
            return Standing::Up;
        }
        let until = since + slow_start * step / STEPS;
        Standing::Growing { step, until }
    }
}

/// The first is 1. More than [`STEPS`] when the time is over.
fn step(passed: Duration, slow_start: Duration) -> u32 {
    let steps = passed.as_nanos() * u128::from(STEPS);
    let step = steps.checked_div(slow_start.as_nanos());
    step.and_then(|step| u32::try_from(step).ok())
        .map_or(u32::MAX, |step| step.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ejection;

    const SECOND: Duration = Duration::from_secs(1);
    const RULES: Rules<'_> = Rules {
        upstream: "",
        ejected: true,
        checked: true,
        slow_start: Duration::from_secs(10),
    };

    #[test]
    fn it_grows_in_equal_steps_until_it_has_its_share() {
        let now = Instant::now();
        let mut condition = Condition::default();
        assert_eq!(condition.standing(RULES, now), Standing::Up);
        condition.grow(now);
        let mut steps = Vec::new();
        let mut at = now;
        while let Standing::Growing { step, until } = condition.standing(RULES, at) {
            steps.push(step);
            at = until;
        }
        assert_eq!(steps, (1..=STEPS).collect::<Vec<_>>());
        assert_eq!(at, now + SECOND * 10);
    }

    #[test]
    fn nothing_grows_where_the_file_says_no_time() {
        let now = Instant::now();
        let mut condition = Condition::default();
        condition.grow(now);
        let rules = Rules {
            slow_start: Duration::ZERO,
            ..RULES
        };
        assert_eq!(condition.standing(rules, now), Standing::Up);
    }

    #[test]
    fn who_was_out_comes_back_by_time_and_grows() {
        let now = Instant::now();
        let mut condition = Condition::default();
        let settings = ejection::Settings::default();
        condition.ejection.begin(5, "connect", &settings, now);
        let until = now + SECOND * 30;
        let before = until - SECOND;
        assert!(!condition.come_back(RULES, before));
        let standing = condition.standing(RULES, before);
        assert_eq!(standing, Standing::Ejected { until });
        assert!(condition.come_back(RULES, until));
        let standing = condition.standing(RULES, until);
        assert!(
            matches!(standing, Standing::Growing { step: 1, .. }),
            "{standing:?}"
        );
    }

    #[test]
    fn what_the_file_no_longer_asks_for_holds_nobody_out() {
        let now = Instant::now();
        let mut condition = Condition::default();
        let health = crate::health::Settings::default();
        for _ in 0..3 {
            let bad = Err("503".to_owned());
            condition.health.checked(bad, &health, now);
        }
        assert_eq!(condition.standing(RULES, now), Standing::Down);
        let settings = ejection::Settings::default();
        condition.ejection.begin(5, "connect", &settings, now);
        let rules = Rules {
            upstream: "",
            ejected: false,
            checked: false,
            slow_start: Duration::ZERO,
        };
        assert!(condition.come_back(rules, now));
        assert_eq!(condition.standing(rules, now), Standing::Up);
    }
}
