//! Whether an endpoint answers when it is only asked how it is: active health.

use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;

/// As written: `[upstream.NAME.health]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What is asked for, behind the endpoint's base path.
    pub path: String,
    /// Which answers are good.
    pub statuses: Vec<Statuses>,
    /// How long between two checks of one endpoint; drawn a tenth around it.
    pub interval: Duration,
    /// How long a check may take.
    pub timeout: Duration,
    /// So many good checks in a row make an ill endpoint well.
    pub healthy: u32,
    /// So many bad checks in a row make it ill.
    pub unhealthy: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            statuses: vec![Statuses::Class(2)],
            interval: Duration::from_secs(5),
            timeout: Duration::from_secs(2),
            healthy: 2,
            unhealthy: 3,
        }
    }
}

/// `200` or `2xx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statuses {
    /// This one.
    One(StatusCode),
    /// All that begin with this digit.
    Class(u16),
}

impl Statuses {
    /// Whether it is one of them.
    pub fn contain(self, status: StatusCode) -> bool {
        match self {
            Self::One(one) => one == status,
            Self::Class(class) => status.as_u16() / 100 == class,
        }
    }
}

/// What checks have said of an endpoint. Unknown is well.
#[derive(Clone, Debug, Default)]
pub(crate) struct Health {
    good: u32,
    bad: u32,
    ill: Option<Ill>,
}

#[derive(Clone, Debug)]
struct Ill {
    why: String,
    since: Instant,
}

impl Health {
    /// A check came out so. Says whether it is another endpoint now than before: ill, or well again.
    pub(crate) fn checked(
        &mut self,
        outcome: Result<(), String>,
        settings: &Settings,
        now: Instant,
    ) -> bool {
        match outcome {
            Ok(()) => {
                self.bad = 0;
                self.good = self.good.saturating_add(1);
                self.is_good(settings) && self.ill.take().is_some()
            }
            Err(why) => {
                self.good = 0;
                self.bad = self.bad.saturating_add(1);
                self.failed(why, settings, now)
            }
        }
    }

    fn failed(&mut self, why: String, settings: &Settings, now: Instant) -> bool {
        if let Some(ill) = &mut self.ill {
            ill.why = why;
            return false;
        }
        let falls_ill = self.bad >= settings.unhealthy;
        if falls_ill {
            self.ill = Some(Ill { why, since: now });
        }
        falls_ill
    }

    /// Whether so many checks in a row were good that an ill endpoint is well.
    pub(crate) fn is_good(&self, settings: &Settings) -> bool {
        self.good >= settings.healthy.max(1)
    }

    /// Good checks count from now on.
    pub(crate) fn begin_row(&mut self) {
        self.good = 0;
    }

    /// Whether it is ill.
    pub(crate) fn is_ill(&self) -> bool {
        self.ill.is_some()
    }

    /// Why it is ill, in words, and since when.
    pub(crate) fn reason(&self) -> Option<(String, Instant)> {
        let Ill { why, since } = self.ill.as_ref()?;
        Some((format!("health: {why}"), *since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(health: &mut Health, checks: &[bool]) -> Vec<bool> {
        let settings = Settings::default();
        let check = |good: &bool| {
            let outcome = good.then_some(()).ok_or_else(|| "503".to_owned());
            health.checked(outcome, &settings, Instant::now())
        };
        checks.iter().map(check).collect()
    }

    #[test]
    fn three_bad_checks_in_a_row_make_it_ill_and_two_good_ones_well() {
        let mut health = Health::default();
        assert!(!health.is_ill());
        let checks = [false, false, true, false, false, false, false];
        assert_eq!(
            changes(&mut health, &checks),
            [false, false, false, false, false, true, false]
        );
        assert_eq!(health.reason().unwrap().0, "health: 503");
        assert_eq!(
            changes(&mut health, &[true, false, true, true, true]),
            [false, false, false, true, false]
        );
        assert!(!health.is_ill() && health.reason().is_none());
    }

    #[test]
    fn the_newest_reason_is_told() {
        let (mut health, settings) = (Health::default(), Settings::default());
        for why in ["503", "503", "503", "refused"] {
            health.checked(Err(why.to_owned()), &settings, Instant::now());
        }
        assert_eq!(health.reason().unwrap().0, "health: refused");
    }
}
