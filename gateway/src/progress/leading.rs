//! Where a canary goes on a verdict, or on a person's word: to its next step, through, or back.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strangler::judge::{Trigger, ladder};
use strangler::{Percent, Phase};
use utoipa::ToSchema;

use super::admission::canary_at;
use super::change::Change;
use super::effective::spoken;
use super::evidence::Judged;
use super::standing::Word;
use super::verb::VerbError;
use crate::side::config::MigrationConfig;
use crate::store::rows::Event;

/// Who leads canaries, in words and events.
pub const JUDGE: &str = "judge";

/// What a rollback by the judge is told with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RollbackDetail {
    /// The share of the step, in percent.
    pub percent: f64,
    /// What spoke against the service: `hard_errors`, `failed`, `slow`, `undecided`.
    #[schema(value_type = String)]
    pub trigger: Trigger,
    /// Callers that the service answered in this step, about.
    pub users: u64,
    /// Their requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Seconds from when the service began to be worse to the verdict.
    pub detected_after: f64,
    /// Seconds that the step was in force.
    pub step_age: f64,
}

impl Change<'_> {
    /// The judge lets the next step begin, or the canary through.
    pub(super) fn advance(&mut self, route: &str, migration: &MigrationConfig, why: &str) {
        let held = self.standings.of(route).held.is_some();
        // Where a person leads by percent, the verdict is theirs to follow.
        if held || migration.rollout.steps.is_empty() {
            return;
        }
        let share = self.standings.of(route).share.unwrap_or_default();
        let to = self.next_step(route, migration, share);
        self.tell_of_judge(route, (&canary_at(share), &to), why, None);
    }

    /// A person lets it begin.
    pub(super) fn advance_by_hand(
        &mut self,
        route: &str,
        migration: &MigrationConfig,
    ) -> Result<(), VerbError> {
        let standing = self.standings.of(route);
        let phase = standing.in_force(migration.phase);
        if phase != Phase::Canary || migration.rollout.steps.is_empty() {
            let route = route.to_owned();
            return Err(VerbError::NoSteps { route, phase });
        }
        if let Some(said) = spoken(&self.standings, route) {
            let route = route.to_owned();
            return Err(VerbError::Stands { route, said });
        }
        self.next_step(route, migration, standing.share.unwrap_or_default());
        Ok(())
    }

    /// The step after `share`, or everybody to the service. Says what is in force then.
    fn next_step(&mut self, route: &str, migration: &MigrationConfig, share: Percent) -> String {
        let now = self.progress.now();
        let next = ladder::next(&migration.rollout.steps, share);
        self.stand(route, |standing| {
            standing.begin_step(Some(next.unwrap_or(share)), now);
            standing.promoted = next.is_none();
        });
        next.map_or_else(|| Phase::Migrated.as_str().to_owned(), canary_at)
    }

    /// The judge takes everybody back.
    pub(super) fn take_back(
        &mut self,
        route: &str,
        migration: &MigrationConfig,
        judged: &Judged,
        trigger: Trigger,
        why: &str,
    ) {
        let now = self.progress.now();
        let share = judged.step.share();
        let exposed = judged.step.exposed();
        let since = judged.step.worse_since().unwrap_or(now);
        let detail = RollbackDetail {
            percent: share.number(),
            trigger,
            users: exposed.users,
            requests: exposed.requests,
            failed: exposed.failed,
            detected_after: seconds(now.saturating_sub(since)),
            step_age: seconds(now.saturating_sub(judged.step.begun())),
        };
        let mut blocked = false;
        self.stand(route, |standing| {
            standing.rolled_back = Some(Word::new(JUDGE, why, now));
            standing.rollbacks += 1;
            standing.blocked = standing.rollbacks >= migration.rollout.max_rollbacks;
            blocked = standing.blocked;
        });
        let to = if blocked { "blocked" } else { "rolled_back" };
        tracing::warn!(
            route,
            %share,
            %trigger,
            why,
            users = detail.users,
            requests = detail.requests,
            failed = detail.failed,
            detected_after = detail.detected_after,
            "a canary is rolled back"
        );
        let detail = serde_json::to_string(&detail).ok();
        self.tell_of_judge(route, (&canary_at(share), to), why, detail);
    }

    /// It may not: a person is told to, once.
    pub(super) fn ask_for_rollback(&mut self, route: &str, judged: &Judged, why: &str) {
        let at = canary_at(judged.step.share());
        let advice =
            format!("canary.auto_rollback = false: take it back with banyan rollback {route}");
        tracing::warn!(route, why, advice, "a canary is worse than legacy");
        self.tell_of_judge(route, (&at, &format!("{at} ({advice})")), why, None);
    }

    fn tell_of_judge(
        &mut self,
        route: &str,
        (from, to): (&str, &str),
        why: &str,
        detail: Option<String>,
    ) {
        tracing::info!(route, from, to, why, "the judge has spoken");
        self.batch.events.push(Event {
            at: self.progress.now(),
            route: route.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
            actor: JUDGE.to_owned(),
            who: String::new(),
            why: why.to_owned(),
            generation: self.generation,
            detail,
            ..Event::default()
        });
    }
}

fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e3).round() / 1e3
}
