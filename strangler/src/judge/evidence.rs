//! How strongly what was seen speaks against the service.
//!
//! A safe test: its evidence may be looked at as often as one likes, and of services as good as legacy at most one in
//! 1/alpha ever brings it to 1/alpha. With legacy beside it the log-rank test (arXiv 2011.06931); at 100 % a ratio of
//! binomials against what legacy did before.

use std::array;

use serde::{Deserialize, Serialize};

/// How many hypotheses there are with a control, and without one.
const BESIDE: usize = 9;
const ALONE: usize = 6;

/// How many times likelier an event is on the service, in the eyes of one hypothesis each.
const RATIOS: [f64; BESIDE] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0];

/// The same without a control.
const FACTORS: [f64; ALONE] = [1.5, 2.0, 3.0, 5.0, 10.0, 30.0];

/// A factor takes a probability no higher.
const MAX_PROBABILITY: f64 = 0.95;

/// The logarithm of each hypothesis' likelihood, over that of a service as good as legacy. Kept bit by bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub(super) enum Evidence {
    /// Against legacy at the same time.
    Beside([f64; BESIDE]),
    /// Against what legacy did before.
    Alone([f64; ALONE]),
}

/// So many could have had the event for the first time, so many had it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct AtRisk {
    pub(super) keys: u64,
    pub(super) events: u64,
}

/// What was kept is no evidence.
#[derive(Debug, thiserror::Error)]
#[error("not a judge's evidence")]
pub(super) struct NoEvidence;

impl Evidence {
    pub(super) fn beside() -> Self {
        Self::Beside([0.0; BESIDE])
    }

    pub(super) fn alone() -> Self {
        Self::Alone([0.0; ALONE])
    }

    /// Adds one tick, `before` being how often the event came on legacy. A tick with one side only says nothing where the
    /// other is compared with; nor does one where nothing is known of before.
    pub(super) fn add(&mut self, service: AtRisk, legacy: AtRisk, before: Option<f64>) {
        match (self, before) {
            (Self::Beside(ll), _) => beside(ll, service, legacy),
            (Self::Alone(ll), Some(before)) => alone(ll, service, before),
            (Self::Alone(_), None) => {}
        }
    }

    /// Stakes a little more on each hypothesis. All stakes of a step together raise its risk by their sum only, and what was
    /// lost before can no longer hide a late fault.
    pub(super) fn stake(&mut self, stake: f64) {
        let ll: &mut [f64] = match self {
            Self::Beside(ll) => ll,
            Self::Alone(ll) => ll,
        };
        let stake = stake.ln();
        for ll in ll {
            let most = ll.max(stake);
            *ll = most + ((*ll - most).exp() + (stake - most).exp()).ln();
        }
    }

    /// The logarithm of the evidence: of the mean over all hypotheses.
    pub(super) fn ln(&self) -> f64 {
        let ll = self.ll();
        let most = ll.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = ll.iter().map(|ll| (ll - most).exp()).sum();
        most + (sum / float(ll.len() as u64)).ln()
    }

    /// It is evidence without legacy beside the service.
    pub(super) fn is_alone(&self) -> bool {
        matches!(self, Self::Alone(_))
    }

    fn ll(&self) -> &[f64] {
        match self {
            Self::Beside(ll) => ll,
            Self::Alone(ll) => ll,
        }
    }
}

fn beside(ll: &mut [f64; BESIDE], service: AtRisk, legacy: AtRisk) {
    let nothing = service.events == 0 && legacy.events == 0;
    if service.keys == 0 || legacy.keys == 0 || nothing {
        return;
    }
    let [n1, n0] = [service, legacy].map(|side| float(side.keys));
    let [s, f] = [service, legacy].map(|side| float(side.events));
    let rho = n1 / (n1 + n0);
    for (ll, ratio) in ll.iter_mut().zip(RATIOS) {
        let scale = rho * ratio + (1.0 - rho);
        // theta / rho and (1 - theta) / (1 - rho), shortened.
        *ll += s * (ratio / scale).ln() - f * scale.ln();
    }
}

fn alone(ll: &mut [f64; ALONE], service: AtRisk, before: f64) {
    let (n, s) = (float(service.keys), float(service.events));
    if n <= 0.0 || before <= 0.0 || before >= MAX_PROBABILITY {
        return;
    }
    for (ll, factor) in ll.iter_mut().zip(FACTORS) {
        let p = (factor * before).min(MAX_PROBABILITY);
        *ll += s * (p / before).ln() + (n - s) * ((1.0 - p) / (1.0 - before)).ln();
    }
}

/// Counts are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

impl From<Evidence> for Vec<String> {
    fn from(evidence: Evidence) -> Self {
        let bits = evidence.ll().iter().map(|ll| ll.to_bits());
        bits.map(|bits| format!("{bits:016x}")).collect()
    }
}

impl TryFrom<Vec<String>> for Evidence {
    type Error = NoEvidence;

    fn try_from(kept: Vec<String>) -> Result<Self, NoEvidence> {
        let ll = kept.iter().map(|bits| from_bits(bits));
        let ll = ll.collect::<Option<Vec<_>>>().ok_or(NoEvidence)?;
        match ll.len() {
            BESIDE => Ok(Self::Beside(array::from_fn(|at| ll[at]))),
            ALONE => Ok(Self::Alone(array::from_fn(|at| ll[at]))),
            _ => Err(NoEvidence),
        }
    }
}

fn from_bits(bits: &str) -> Option<f64> {
    let bits = u64::from_str_radix(bits, 16).ok()?;
    Some(f64::from_bits(bits)).filter(|ll| ll.is_finite())
}

#[cfg(test)]
mod tests;
