//! Whether enough pairs match to let users onto the service.

use std::fmt;

use super::totals::share;

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// At least so many recent pairs.
    pub min_compared: u64,
    /// Of them, at most this share may differ: not ignored, not noise.
    pub max_mismatch_rate: f64,
}

/// What its comparison says to that.
#[derive(Clone, Debug, PartialEq)]
pub enum GateState {
    /// Enough pairs, and they match.
    Open,
    /// Not yet.
    Closed {
        /// Recent pairs.
        compared: u64,
        /// How many are asked for.
        needed: u64,
        /// The share of them that differs.
        rate: f64,
        /// In words: `1 204 of 2 000 pairs compared`.
        reason: String,
    },
}

impl Gate {
    pub(super) fn state(&self, compared: u64, mismatched: u64) -> GateState {
        let rate = share(mismatched, compared);
        let reason = if compared < self.min_compared {
            let (compared, needed) = (Grouped(compared), Grouped(self.min_compared));
            format!("{compared} of {needed} pairs compared")
        } else if rate > self.max_mismatch_rate {
            let (rate, most) = (percent(rate), percent(self.max_mismatch_rate));
            format!("mismatch rate {rate}, at most {most}")
        } else {
            return GateState::Open;
        };
        GateState::Closed {
            compared,
            needed: self.min_compared,
            rate,
            reason,
        }
    }
}

impl fmt::Display for GateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Closed { reason, .. } => f.write_str(reason),
        }
    }
}

/// `12 345`
struct Grouped(u64);

impl fmt::Display for Grouped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// `3.1 %`: to a hundredth of a percent, or finer where less would be nothing.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent >= 0.01 { 2 } else { 5 };
    let text = format!("{percent:.digits$}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{short} %")
}
