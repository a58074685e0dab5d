//! What the judge has seen of a canary's step, and what it thinks of it.

use serde::{Deserialize, Serialize};
use strangler::judge::{ShownSide, Verdict};
use utoipa::ToSchema;

use crate::progress::Progress;
use crate::side::config::MigrationConfig;

/// A canary's step before the judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JudgeRow {
    /// The share of the callers that the service answers in this step, in percent.
    pub percent: f64,
    /// Which of the steps it is, from 1; nothing where a person leads by percent.
    pub step: Option<usize>,
    /// How many steps there are.
    pub steps: usize,
    /// Since when, seconds since 1970.
    pub since: f64,
    /// How often the judge has looked at it.
    pub looks: u64,
    /// How strongly failures speak against the service.
    pub evidence_failed: f64,
    /// How strongly slowness does.
    pub evidence_slow: f64,
    /// Evidence at or over it is enough for a rollback.
    pub bound: f64,
    /// Whether latency is judged.
    pub latency: bool,
    /// A request is slow above so many milliseconds; nothing until legacy's p99 is known, or where it is not judged.
    pub slow_above_ms: Option<f64>,
    /// So many samples are needed on each side, a caller in a tick each.
    pub min_samples: u64,
    /// Callers that the service has answered, about.
    pub users: u64,
    /// What legacy answered in this step.
    pub legacy: SideRow,
    /// What the service answered in this step.
    pub service: SideRow,
    /// `advance`, `hold` or `rollback`; nothing before the first look.
    pub verdict: Option<String>,
    /// Why, in words.
    pub why: Option<String>,
    /// About so many more requests to the service would do, where only they are missing.
    pub missing: Option<u64>,
    /// The judge may go on to the next step by itself.
    pub auto_advance: bool,
    /// The judge may take the callers back by itself.
    pub auto_rollback: bool,
}

/// One side in a step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SideRow {
    /// Requests that count as evidence.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were slow.
    pub slow: u64,
    /// A caller in a tick.
    pub samples: u64,
}

/// What is shown of a route's step; nothing where there is none.
pub fn judge(progress: &Progress, route: &str, migration: &MigrationConfig) -> Option<JudgeRow> {
    let judged = progress.judged_now(route)?;
    let rollout = &migration.rollout;
    let rules = &migration.judge.rules;
    let share = judged.step.share();
    let steps = rollout.steps.len().max(1);
    let shown = judged.step.shown(rules, steps, progress.now());
    let verdict = judged.verdict.as_ref();
    let missing = match verdict {
        Some(Verdict::Hold { missing, .. }) => *missing,
        _ => None,
    };
    Some(JudgeRow {
        percent: share.number(),
        step: rollout
            .steps
            .iter()
            .position(|step| *step == share)
            .map(|index| index + 1),
        steps,
        since: judged.step.begun().as_secs_f64(),
        looks: judged.looks,
        evidence_failed: shown.evidence_failed,
        evidence_slow: shown.evidence_slow,
        bound: shown.bound,
        latency: rules.p99_tolerance.is_some(),
        slow_above_ms: shown.threshold_ms,
        min_samples: rules.min_samples,
        users: shown.users,
        legacy: shown.legacy.into(),
        service: shown.service.into(),
        verdict: verdict.map(|verdict| verdict.as_str().to_owned()),
        why: verdict.map(|verdict| verdict.why().to_owned()),
        missing,
        auto_advance: rollout.auto_advance,
        auto_rollback: rollout.auto_rollback,
    })
}

impl From<ShownSide> for SideRow {
    fn from(shown: ShownSide) -> Self {
        Self {
            requests: shown.requests,
            failed: shown.failed,
            slow: shown.slow,
            samples: shown.key_ticks,
        }
    }
}
