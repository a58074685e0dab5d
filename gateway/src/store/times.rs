//! Times in JSON: seconds since 1970, to the millisecond.

use std::time::Duration;

use serde::Deserialize as _;

pub(super) fn seconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64((time.as_secs_f64() * 1e3).round() / 1e3)
}

pub(super) fn from_seconds<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Duration, D::Error> {
    let time = f64::deserialize(from)?;
    Duration::try_from_secs_f64(time).map_err(serde::de::Error::custom)
}

#[expect(clippy::ref_option, reason = "serde hands it so")]
pub(super) fn maybe_seconds<S: serde::Serializer>(
    time: &Option<Duration>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, to),
        None => to.serialize_none(),
    }
}

pub(super) fn maybe_from<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<Option<Duration>, D::Error> {
    let time = Option::<f64>::deserialize(from)?;
    let time = time.map(Duration::try_from_secs_f64).transpose();
    time.map_err(serde::de::Error::custom)
}
