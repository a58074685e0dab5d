//! What is in force for a route, and why it is not what the file says.

use serde::{Deserialize, Serialize};
use strangler::Phase;
use utoipa::ToSchema;

use super::standing::{Standing, Standings, Word};
use crate::side::config::MigrationConfig;

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effective {
    /// A phase, or `rolled_back`.
    pub phase: String,
    /// Why, where it is not simply what the file declares.
    pub reason: Option<String>,
}

/// What is in force for a route that declares `migration`.
pub fn effective(migration: &MigrationConfig, name: &str, standings: &Standings) -> Effective {
    let standing = standings.of(name);
    let entered = standing.entered.unwrap_or(migration.phase);
    let (phase, reason) = if migration.forced_legacy {
        let reason = "force = \"legacy\" in the file".to_owned();
        (Phase::Legacy.as_str(), Some(reason))
    } else if let Some(word) = standings.kill(name).filter(|_| entered != Phase::Retired) {
        (Phase::Legacy.as_str(), Some(said("killed", word)))
    } else if let (Phase::Canary, Some(word)) = (entered, &standing.rolled_back) {
        ("rolled_back", Some(said("rolled back", word)))
    } else {
        (entered.as_str(), other(&standing))
    };
    Effective {
        phase: phase.to_owned(),
        reason,
    }
}

fn other(standing: &Standing) -> Option<String> {
    let waits = standing.waits.clone();
    waits.or_else(|| Some(said("held", standing.held.as_ref()?)))
}

/// "killed by ana, 2026-11-25 03:12 UTC: checkout fails".
pub fn said(what: &str, word: &Word) -> String {
    let Word { who, why, at_ms } = word;
    let at = i64::try_from(*at_ms).ok();
    let at = at.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let at = at.map_or_else(String::new, |at| {
        format!(", {}", at.strftime("%Y-%m-%d %H:%M UTC"))
    });
    format!("{what} by {who}{at}: {why}")
}
