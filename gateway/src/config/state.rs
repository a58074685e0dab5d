//! `[state]`: what survives a restart, and where.

use std::time::Duration;

use crate::config::secret;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::store::config::{RedisUrl, StateConfig};

const PATH: &str = "banyan.db";
const OBSERVE_GAP_MAX: Duration = Duration::from_mins(10);
const RETIRE_AFTER: Duration = Duration::from_hours(30 * 24);

pub(super) fn read(table: &Table<'_>) -> StateConfig {
    let path = table.get("path").and_then(|value| value.word());
    let gap = table.get("observe_gap_max");
    let after = table.get("retire_after");
    StateConfig {
        path: table.reading.file(path.as_deref().unwrap_or(PATH)),
        redis: table.get("redis").and_then(|value| redis(&value)),
        observe_gap_max: gap
            .and_then(|value| value.wait())
            .unwrap_or(OBSERVE_GAP_MAX),
        retire_after: after
            .and_then(|value| value.duration())
            .unwrap_or(RETIRE_AFTER),
    }
}

const REDIS: &str = "write \"redis://127.0.0.1:6379\", or \"rediss://:${REDIS_PASSWORD}@redis.internal:6380/0\"; \
    what is special in a password is written as %2F";

/// An address whose password, where it has one, comes from the environment.
fn redis(value: &Value<'_>) -> Option<RedisUrl> {
    let text = value.word()?;
    let written = value.raw.as_str().unwrap_or_default();
    if !password(written).is_none_or(secret::is_reference) {
        let help = "write the name of a variable: \"redis://:${REDIS_PASSWORD}@127.0.0.1:6379\"";
        value.wrong("has its password in the file itself", help);
        return None;
    }
    RedisUrl::parse(&text)
        .map_err(|error| value.wrong(error.to_string(), REDIS))
        .ok()
}

/// The password of an address as it is written.
fn password(written: &str) -> Option<&str> {
    let (_, behind) = written.split_once("://")?;
    let (user, _) = behind.rsplit_once('@')?;
    user.split_once(':').map(|(_, password)| password)
}
