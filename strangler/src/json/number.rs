//! A JSON number by its text, and its exact value as a decimal.

use std::hash::{Hash, Hasher};

/// A number as it was written. Equal by value, exactly.
#[derive(Clone, Debug)]
pub struct Number {
    text: Box<str>,
}

/// What a number is worth: digits without zeros at either end, times a power of ten. Zero has no digits and no sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Number {
    /// The text must be a number of JSON; its reader has seen to that.
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.into() }
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its value. None for an exponent that no machine can count to.
    pub fn decimal(&self) -> Option<Decimal> {
        Decimal::parse(&self.text)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        if self.text == other.text {
            return true;
        }
        match (self.decimal(), other.decimal()) {
            (Some(left), Some(right)) => left == right,
            // Only one can be counted, or neither: then the text decides, and it differs.
            _ => false,
        }
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self.decimal() {
            Some(decimal) => decimal.hash(state),
            None => self.text.hash(state),
        }
    }
}

impl Decimal {
    /// Reads a JSON number, or a float as Rust writes it.
    fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = format!("{whole}{fraction}");
        let scale = digits.len();
        digits.truncate(digits.trim_end_matches('0').len());
        let trimmed = digits.trim_start_matches('0').to_owned();
        if trimmed.is_empty() {
            return Some(Self::zero());
        }
        let shift = i64::try_from(scale - digits.len()).ok()?;
        let exponent = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(shift)?;
        Some(Self {
            negative,
            digits: trimmed,
            exponent,
        })
    }

    /// The decimal that this float is written as. None if it is no number, or endless.
    pub fn of(float: f64) -> Option<Self> {
        float
            .is_finite()
            .then(|| Self::parse(&format!("{float}")))?
    }

    fn zero() -> Self {
        Self {
            negative: false,
            digits: String::new(),
            exponent: 0,
        }
    }

    /// Whether two numbers are at most `tolerance` apart, exactly. False where they are too far apart in size to say:
    /// what cannot be counted is not tolerated.
    pub fn is_within(&self, other: &Self, tolerance: &Self) -> bool {
        let exponent = self.exponent.min(other.exponent).min(tolerance.exponent);
        let apart = |left: i128, right: i128| Some(left.checked_sub(right)?.unsigned_abs());
        let within = || {
            let apart = apart(self.scaled(exponent)?, other.scaled(exponent)?)?;
            let tolerance = u128::try_from(tolerance.scaled(exponent)?).ok()?;
            Some(apart <= tolerance)
        };
        within().unwrap_or(false)
    }

    /// As a whole number of that power of ten, which is no greater than its own.
    fn scaled(&self, exponent: i64) -> Option<i128> {
        if self.digits.is_empty() {
            return Some(0);
        }
        let power = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        let size: i128 = self.digits.parse().ok()?;
        let size = size.checked_mul(10_i128.checked_pow(power)?)?;
        Some(if self.negative { -size } else { size })
    }

    /// Roughly, to put numbers in order. Never to compare them.
    pub(crate) fn roughly(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        format!("{sign}{}e{}", self.digits_or_zero(), self.exponent)
            .parse()
            .unwrap_or_default()
    }

    fn digits_or_zero(&self) -> &str {
        if self.digits.is_empty() {
            "0"
        } else {
            &self.digits
        }
    }
}
