//! Sets of hashed keys: whom an answer went to, without who it was.
//!
//! A set is bounded. Beyond that it keeps the keys below a limit only: a sample, the same in every set and on every replica.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::murmur3::Murmur3;

/// A set never has more members.
const MAX_MEMBERS: u64 = 65_536;

/// Of a mixed hash the upper 22 bits count: few keys share them, and a set stays small.
const DROPPED_BITS: u32 = 10;

/// All units lie below.
const UNITS: u32 = 1 << (u32::BITS - DROPPED_BITS);

/// Of the standard format without runs, the only one that is written here: the cookie, and how many containers of 65,536
/// units there can be.
const COOKIE: u32 = 12_346;
const MAX_CONTAINERS: u32 = UNITS >> 16;

/// A bounded set of hashed keys.
///
/// ```
/// let mut keys = strangler::judge::Keys::default();
/// keys.insert(0x248b_fa47);
/// keys.insert(0x248b_fa47);
/// assert_eq!(keys.len(), 1);
/// ```
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept", into = "Kept")]
pub struct Keys {
    /// Only units below it are kept.
    limit: u32,
    units: RoaringBitmap,
}

/// What was kept is not a set of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a set of keys")]
pub struct NoKeys;

/// As it is kept: the units in Roaring's standard format, base64.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Keys")]
struct Kept {
    limit: u32,
    units: String,
}

impl Keys {
    /// Adds a key by its hash.
    pub fn insert(&mut self, hash: u32) {
        let unit = mixed(hash) >> DROPPED_BITS;
        if unit < self.limit && self.units.insert(unit) {
            self.bound();
        }
    }

    /// Adds all of another set.
    pub fn merge(&mut self, other: &Self) {
        self.limit = self.limit.min(other.limit);
        self.units |= &other.units;
        self.units.remove_range(self.limit..);
        self.bound();
    }

    /// How many are kept.
    pub fn len(&self) -> u64 {
        self.units.len()
    }

    /// Nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// About how many there were.
    pub fn estimate(&self) -> u64 {
        self.len() * u64::from(UNITS / self.limit)
    }

    /// Keys at or above it are not in the set, whoever they are.
    pub(super) fn limit(&self) -> u32 {
        self.limit
    }

    /// How many below the limit are not in the other set.
    pub(super) fn outside(&self, other: &Self, limit: u32) -> u64 {
        if limit == self.limit {
            return self.units.difference_len(&other.units);
        }
        let mut sample = self.units.clone();
        sample.remove_range(limit..);
        sample.difference_len(&other.units)
    }

    fn bound(&mut self) {
        while self.units.len() > MAX_MEMBERS {
            self.limit /= 2;
            self.units.remove_range(self.limit..);
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            limit: UNITS,
            units: RoaringBitmap::new(),
        }
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, units } = self;
        write!(f, "Keys({} below {limit})", units.len())
    }
}

impl From<Keys> for Kept {
    fn from(keys: Keys) -> Self {
        let mut bytes = Vec::with_capacity(keys.units.serialized_size());
        // Writing to a Vec cannot fail.
        let _ = keys.units.serialize_into(&mut bytes);
        Self {
            limit: keys.limit,
            units: STANDARD.encode(bytes),
        }
    }
}

impl TryFrom<Kept> for Keys {
    type Error = NoKeys;

    fn try_from(kept: Kept) -> Result<Self, NoKeys> {
        let bytes = STANDARD.decode(kept.units).map_err(|_| NoKeys)?;
        // A few bytes of runs could stand for gigabytes.
        let (cookie, containers) = head(&bytes).ok_or(NoKeys)?;
        if cookie != COOKIE || containers > MAX_CONTAINERS {
            return Err(NoKeys);
        }
        let units = RoaringBitmap::deserialize_from(&bytes[..]).map_err(|_| NoKeys)?;
        let limit = kept.limit;
        let limited = limit.is_power_of_two() && limit <= UNITS;
        let within = units.len() <= MAX_MEMBERS && units.max().is_none_or(|unit| unit < limit);
        if limited && within {
            Ok(Self { limit, units })
        } else {
            Err(NoKeys)
        }
    }
}

/// Callers of one side have a bucket in common, a remainder of their hash: unmixed, they would fall close together.
fn mixed(hash: u32) -> u32 {
    let mut mixed = Murmur3::default();
    mixed.write(&hash.to_le_bytes());
    mixed.finish()
}

fn head(bytes: &[u8]) -> Option<(u32, u32)> {
    let (cookie, rest) = bytes.split_first_chunk()?;
    let (containers, _) = rest.split_first_chunk()?;
    Some((u32::from_le_bytes(*cookie), u32::from_le_bytes(*containers)))
}

#[cfg(test)]
mod tests;
