//! `[state]`: what survives a restart, and where.

use std::time::Duration;

use crate::config::table::Table;
use crate::store::config::StateConfig;

const PATH: &str = "banyan.db";
const OBSERVE_GAP_MAX: Duration = Duration::from_mins(10);
const RETIRE_AFTER: Duration = Duration::from_hours(30 * 24);

pub(super) fn read(table: &Table<'_>) -> StateConfig {
    let path = table.get("path").and_then(|value| value.word());
    let gap = table.get("observe_gap_max");
    let after = table.get("retire_after");
    StateConfig {
        path: table.reading.file(path.as_deref().unwrap_or(PATH)),
        observe_gap_max: gap
            .and_then(|value| value.wait())
            .unwrap_or(OBSERVE_GAP_MAX),
        retire_after: after
            .and_then(|value| value.duration())
            .unwrap_or(RETIRE_AFTER),
    }
}
