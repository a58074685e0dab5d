//! Tells a regression from noise: legacy, asked twice, often differs from itself.
//!
//! On such noise pairs a place can differ between the sides only (b), between legacy's two answers only (c), or both.
//! If the service is no worse than legacy is with itself, b and c come from one coin.

use serde::{Deserialize, Serialize};

/// A place that was never noisy is a regression only after so many noise pairs.
const QUIET_PAIRS: u64 = 200;

/// And after so many differences.
const QUIET_DIFFERENCES: u64 = 3;

/// Noise has been seen so often before it is believed.
const MIN_NOISY: u64 = 3;

/// And the place has differed in so many noise pairs: with fewer the sign test cannot reject at all.
const MIN_DIFFERING: u64 = 10;

/// Up to so many coins the tail is summed term by term; beyond, the normal curve is as good.
const EXACT: u64 = 2000;

/// Where a place differed, over the noise pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discord {
    /// Only between the sides.
    pub b: u64,
    /// Only between legacy's two answers.
    pub c: u64,
    /// Between both.
    pub both: u64,
}

/// All that is known of a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Pairs in which the sides differed there.
    pub differences: u64,
    /// Pairs for which legacy was asked twice, whether they differed there or not.
    pub noise_pairs: u64,
    /// How those differed there.
    pub discord: Discord,
}

/// What a place's differences are taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The service is wrong there.
    Regression,
    /// Legacy is as unsteady with itself.
    Noise,
    /// Too little is known. Counts against the service, as a regression does.
    Undecided,
}

/// How sure to be, as a probability and as the point on the normal curve that leaves so much above it.
#[derive(Clone, Copy, Debug)]
struct Level {
    p: f64,
    z: f64,
}

/// At this level a place is a regression.
const REJECT: Level = Level {
    p: 0.001,
    z: 3.090_232,
};

/// Up to this level it is not yet called noise.
const DOUBT: Level = Level {
    p: 0.01,
    z: 2.326_348,
};

/// Up to this level recent pairs do not speak for a service that has been mended.
const MENDED: Level = Level {
    p: 0.1,
    z: 1.281_552,
};

/// The one-sided sign test: whether `b` of `b + c` fair coins or more are that improbable, below 0.001.
///
/// ```
/// use strangler::noise::is_regression;
/// assert!(!is_regression(9, 0) && is_regression(10, 0));
/// ```
pub fn is_regression(b: u64, c: u64) -> bool {
    is_rarer(b, c, REJECT)
}

impl Evidence {
    /// What the place's differences are taken for.
    pub fn class(&self) -> Class {
        let Discord { b, c, both } = self.discord;
        let noisy = c.saturating_add(both);
        let steady = noisy == 0 && self.noise_pairs >= QUIET_PAIRS;
        if is_regression(b, c) || (steady && self.differences >= QUIET_DIFFERENCES) {
            Class::Regression
        } else if self.discord.is_noise() {
            Class::Noise
        } else {
            Class::Undecided
        }
    }

    /// The same, where what `recent` pairs show weighs more than what was long ago: a service that has broken a noisy
    /// place is found out at once, and one that has been mended is no longer held against.
    pub fn class_today(&self, recent: &Discord) -> Class {
        if is_regression(recent.b, recent.c) {
            return Class::Regression;
        }
        match self.class() {
            Class::Noise => Class::Noise,
            _ if recent.is_noise() && !is_rarer(recent.b, recent.c, MENDED) => Class::Noise,
            other => other,
        }
    }
}

impl Discord {
    /// Counts one noise pair: where it differed.
    pub(crate) fn count(&mut self, between_sides: bool, within_legacy: bool) {
        let count = match (between_sides, within_legacy) {
            (true, false) => &mut self.b,
            (false, true) => &mut self.c,
            (true, true) => &mut self.both,
            (false, false) => return,
        };
        *count = count.saturating_add(1);
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            b: self.b.saturating_add(other.b),
            c: self.c.saturating_add(other.c),
            both: self.both.saturating_add(other.both),
        }
    }

    /// Seen often enough, and the sides differ no more often than legacy from itself.
    fn is_noise(&self) -> bool {
        let noisy = self.c.saturating_add(self.both);
        let differing = noisy.saturating_add(self.b);
        noisy >= MIN_NOISY && differing >= MIN_DIFFERING && !is_rarer(self.b, self.c, DOUBT)
    }
}

impl Class {
    /// One word for tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regression => "regression",
            Self::Noise => "noise",
            Self::Undecided => "undecided",
        }
    }
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// P(Bin(b + c, 1/2) >= b) < p.
fn is_rarer(b: u64, c: u64, level: Level) -> bool {
    if b <= c {
        return false;
    }
    let coins = b.saturating_add(c);
    match (u32::try_from(coins), u32::try_from(c)) {
        (Ok(coins), Ok(c)) if u64::from(coins) <= EXACT => ln_tail(coins, c) < level.p.ln(),
        _ => {
            // Half a coin, because coins are whole and the curve is not.
            let above = (float(b) - float(c) - 1.0) / 2.0;
            above > level.z * float(coins).sqrt() / 2.0
        }
    }
}

/// ln P(Bin(n, 1/2) <= c), which is ln P(Bin(n, 1/2) >= n - c): the largest term, and the others relative to it.
fn ln_tail(n: u32, c: u32) -> f64 {
    let (coins, few) = (f64::from(n), f64::from(c));
    let ln_choose: f64 = (1..=c)
        .map(f64::from)
        .map(|i| ((coins - few + i) / i).ln())
        .sum();
    let mut term = 1.0;
    let mut sum = 1.0;
    for j in (1..=c).rev().map(f64::from) {
        term *= j / (coins - j + 1.0);
        sum += term;
    }
    ln_choose + sum.ln() - coins * std::f64::consts::LN_2
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts this large need no last digit"
)]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
