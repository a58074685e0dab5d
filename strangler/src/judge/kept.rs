//! Reads what was kept, and refuses what disagrees with itself: of such a step the judge would say nothing, or wrong things.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Parts that must agree.
pub(super) trait Consistent {
    /// The first thing that cannot be.
    fn check(&self) -> Result<(), &'static str>;
}

/// For serde's `deserialize_with`.
pub(super) fn read<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Consistent,
{
    let kept = T::deserialize(from)?;
    match kept.check() {
        Ok(()) => Ok(kept),
        Err(what) => Err(D::Error::custom(format_args!(
            "what was kept of the step disagrees with itself: {what}"
        ))),
    }
}

impl<T: Consistent> Consistent for [T; 2] {
    fn check(&self) -> Result<(), &'static str> {
        self.iter().try_for_each(T::check)
    }
}

/// Says what cannot be where it is.
pub(super) fn must(holds: bool, else_what: &'static str) -> Result<(), &'static str> {
    if holds { Ok(()) } else { Err(else_what) }
}
