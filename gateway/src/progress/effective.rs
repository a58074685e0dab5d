//! What is in force for a route, and why it is not what the file says.

use serde::{Deserialize, Serialize};
use strangler::Phase;
use utoipa::ToSchema;

use super::standing::{Standing, Standings, Word};
use crate::side::config::MigrationConfig;

/// What is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Effective {
    /// A phase, `rolled_back`, or `blocked`: rolled back so often that only a person lets it in again.
    pub phase: String,
    /// Why, where it is not simply what the file declares.
    pub reason: Option<String>,
}

/// What is in force for a route that declares `migration`.
pub fn effective(migration: &MigrationConfig, name: &str, standings: &Standings) -> Effective {
    let standing = standings.of(name);
    let entered = standing.in_force(migration.phase);
    let kill = standings.kill(name).filter(|_| entered != Phase::Retired);
    let rolled_back = standing.rolled_back.as_ref();
    let rolled_back = rolled_back.filter(|_| entered == Phase::Canary);
    let phase = if migration.forced_legacy || kill.is_some() {
        Phase::Legacy.as_str()
    } else if rolled_back.is_some() || standing.is_left() {
        if standing.blocked {
            "blocked"
        } else {
            "rolled_back"
        }
    } else {
        entered.as_str()
    };
    // All that stands, not only what is strongest: `resume` takes all of it back.
    let words = [
        ("killed", kill),
        ("rolled back", rolled_back),
        ("held", standing.held.as_ref()),
    ];
    let words = words.into_iter();
    let words = words.filter_map(|(what, word)| Some(said(what, word?)));
    let forced = migration.forced_legacy;
    let forced = forced.then(|| "force = \"legacy\" in the file".to_owned());
    let promoted = standing.promoted && standing.entered == Some(Phase::Canary);
    let promoted = promoted.then(|| {
        format!("promoted: its canary is through all steps; `banyan cutover {name} --to migrated` writes it into the file")
    });
    let blocked = (phase == "blocked").then(|| {
        let times = standing.rollbacks;
        format!("taken back {times} times; `banyan resume {name}` lets it in again")
    });
    let left = "the file of another gateway has left the canary";
    let left = standing.is_left().then(|| left.to_owned());
    let reasons = forced.into_iter().chain(standing.waits.clone());
    let reasons = reasons.chain(promoted).chain(blocked).chain(left);
    let reasons: Vec<String> = reasons.chain(words).collect();
    Effective {
        phase: phase.to_owned(),
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// The first of what stands over a route by somebody's word.
pub(super) fn spoken(standings: &Standings, route: &str) -> Option<String> {
    let standing = standings.routes.get(route);
    let word = |of: fn(&Standing) -> &Option<Word>| standing.and_then(|one| of(one).as_ref());
    let words = [
        ("killed", standings.kill(route)),
        ("rolled back", word(|one| &one.rolled_back)),
        ("held", word(|one| &one.held)),
    ];
    let mut words = words.into_iter();
    words.find_map(|(what, word)| Some(said(what, word?)))
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
