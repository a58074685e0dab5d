//! A share in steps of a hundredth of a percent, kept as a whole number so that it compares exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

/// 0 % to 100 %, in hundredths of a percent.
///
/// ```
/// use strangler::Percent;
/// assert_eq!(Percent::try_from(12.5).unwrap().hundredths(), 1250);
/// assert_eq!(Percent::try_from(12.5).unwrap().to_string(), "12.5 %");
/// assert_eq!(Percent::try_from(5.0).unwrap().number().to_string(), "5");
/// assert!(Percent::try_from(100.01).is_err());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Percent(u16);

/// A number that is no share.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not a percentage: a number from 0 to 100, in steps of 0.01")]
pub struct NotAPercent(f64);

impl Percent {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everybody.
    pub const ALL: Self = Self(10_000);

    /// The share of ten thousand.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// As a file has it: 12.5.
    pub fn number(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl TryFrom<f64> for Percent {
    type Error = NotAPercent;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be 0 ..= 10 000"
    )]
    fn try_from(percent: f64) -> Result<Self, NotAPercent> {
        let hundredths = (percent * 100.0).round();
        // A float such as 0.07 is not exact; a third digit behind the point is a mistake.
        let in_steps = (percent * 100.0 - hundredths).abs() < 1e-6;
        let valid = (0.0..=10_000.0).contains(&hundredths) && in_steps;
        if valid {
            Ok(Self(hundredths as u16))
        } else {
            Err(NotAPercent(percent))
        }
    }
}

/// As it is kept: hundredths of a percent.
impl TryFrom<u16> for Percent {
    type Error = NotAPercent;

    fn try_from(hundredths: u16) -> Result<Self, NotAPercent> {
        if hundredths <= Self::ALL.0 {
            Ok(Self(hundredths))
        } else {
            Err(NotAPercent(f64::from(hundredths) / 100.0))
        }
    }
}

impl From<Percent> for u16 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_a_hundredth_is_exact() {
        for hundredths in 0..=10_000_u16 {
            let percent: f64 = format!("{}.{:02}", hundredths / 100, hundredths % 100)
                .parse()
                .unwrap();
            assert_eq!(Percent::try_from(percent).unwrap().hundredths(), hundredths);
        }
    }

    #[test]
    fn what_is_no_share_is_refused() {
        for wrong in [-1.0, -0.01, 100.01, 101.0, 0.001, f64::NAN, f64::INFINITY] {
            assert!(Percent::try_from(wrong).is_err(), "{wrong}");
        }
    }
}
