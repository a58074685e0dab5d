//! A JSON number by its text, and its exact value as a decimal.

use std::hash::{Hash, Hasher};

/// A number as it was written. Equal by value, exactly.
#[derive(Clone, Debug)]
pub struct Number {
    text: Box<str>,
}

/// What a number is worth: digits without zeros at either end, times a power of ten. Zero has no sign and no power.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: Digits,
    exponent: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Digits {
    /// As a number, where a machine can hold it.
    Few(u128),
    /// Only where it cannot.
    Many(String),
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
        let (digits, zeros) = Digits::of(whole, fraction);
        if digits == Digits::Few(0) {
            return Some(Self {
                negative: false,
                digits,
                exponent: 0,
            });
        }
        let exponent = exponent
            .parse::<i64>()
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .checked_add(zeros)?;
        Some(Self {
            negative,
            digits,
            exponent,
        })
    }

    /// The decimal that this float is written as. None if it is no number, or endless.
    pub fn of(float: f64) -> Option<Self> {
        float
            .is_finite()
            .then(|| Self::parse(&format!("{float}")))?
    }

    /// Whether two numbers are at most `tolerance` apart, exactly. False where they are too far apart in size to say:
    /// what cannot be counted is not tolerated.
    pub fn is_within(&self, other: &Self, tolerance: &Self) -> bool {
        let numbers = [self, other, tolerance];
        let within = || {
            // Zero has no power of ten to go by.
            let powers = numbers.iter().filter(|number| !number.is_zero());
            let exponent = powers.map(|number| number.exponent).min().unwrap_or(0);
            let apart = self
                .scaled(exponent)?
                .checked_sub(other.scaled(exponent)?)?;
            let tolerance = u128::try_from(tolerance.scaled(exponent)?).ok()?;
            Some(apart.unsigned_abs() <= tolerance)
        };
        within().unwrap_or(false)
    }

    /// As a whole number of that power of ten, which is no greater than its own.
    fn scaled(&self, exponent: i64) -> Option<i128> {
        let Digits::Few(size) = self.digits else {
            return None;
        };
        if size == 0 {
            return Some(0);
        }
        let power = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        let size = i128::try_from(size).ok()?;
        let size = size.checked_mul(10_i128.checked_pow(power)?)?;
        Some(if self.negative { -size } else { size })
    }

    fn is_zero(&self) -> bool {
        self.digits == Digits::Few(0)
    }

    /// Roughly, to put numbers in order. Never to compare them.
    pub(crate) fn roughly(&self) -> f64 {
        let sign = if self.negative { "-" } else { "" };
        let written = match &self.digits {
            Digits::Few(size) => format!("{sign}{size}e{}", self.exponent),
            Digits::Many(digits) => format!("{sign}{digits}e{}", self.exponent),
        };
        written.parse().unwrap_or_default()
    }
}

impl Digits {
    /// The digits of both parts without zeros at either end, and how many there were at the end.
    fn of(whole: &str, fraction: &str) -> (Self, i64) {
        let mut size = Some(0_u128);
        let mut zeros = 0_u32;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if digit == b'0' {
                zeros += 1;
                continue;
            }
            size = size.and_then(|size| {
                let shifted = match size {
                    0 => 0,
                    size => size.checked_mul(10_u128.checked_pow(zeros + 1)?)?,
                };
                shifted.checked_add(u128::from(digit - b'0'))
            });
            zeros = 0;
        }
        let digits = size.map_or_else(
            || {
                let all = format!("{whole}{fraction}");
                Self::Many(all.trim_matches('0').to_owned())
            },
            Self::Few,
        );
        (digits, zeros.into())
    }
}
