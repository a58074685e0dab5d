//! Changes of how a route's canary is led and judged.

use super::{Changes, words};
use crate::config::units::show_duration;
use crate::judge::config::{Failures, JudgeConfig, RolloutConfig};
use crate::side::config::MigrationConfig;

/// How many move: "5 %", or "steps 1 5 25".
pub(super) fn shares(migration: &MigrationConfig) -> String {
    // Changes are told with commas between them.
    migration.shares().replace(',', "")
}

pub(super) fn between(
    changes: &mut Changes,
    route: &str,
    old: &MigrationConfig,
    new: &MigrationConfig,
) {
    rollout(changes, route, &old.rollout, &new.rollout);
    let times = |migration: &MigrationConfig| {
        let rules = &migration.judge.rules;
        [rules.step_min, rules.step_max].map(show_duration)
    };
    let (was, is) = (times(old).into_iter(), times(new));
    for ((key, was), is) in ["step_min", "step_max"].into_iter().zip(was).zip(is) {
        changes.say(format!("{route} canary {key}"), was, is);
    }
    judge(changes, route, &old.judge, &new.judge);
}

fn rollout(changes: &mut Changes, route: &str, old: &RolloutConfig, new: &RolloutConfig) {
    let mut say = |key: &str, show: &dyn Fn(&RolloutConfig) -> String| {
        changes.say(format!("{route} canary {key}"), show(old), show(new));
    };
    say("auto_advance", &|rollout| rollout.auto_advance.to_string());
    say("auto_rollback", &|rollout| {
        rollout.auto_rollback.to_string()
    });
    say("max_rollbacks", &|rollout| {
        rollout.max_rollbacks.to_string()
    });
    say("max_concurrent", &|rollout| {
        rollout.max_concurrent.to_string()
    });
    say("failover", &|rollout| {
        let failover = if rollout.failover {
            "idempotent"
        } else {
            "off"
        };
        failover.to_owned()
    });
}

fn judge(changes: &mut Changes, route: &str, old: &JudgeConfig, new: &JudgeConfig) {
    let mut say = |key: &str, show: &dyn Fn(&JudgeConfig) -> String| {
        changes.say(format!("{route} judge {key}"), show(old), show(new));
    };
    say("alpha", &|judge| judge.rules.alpha.to_string());
    say("interval", &|judge| show_duration(judge.interval));
    say("max_error_rate_delta", &|judge| {
        judge.rules.max_error_rate_delta.to_string()
    });
    say("latency", &|judge| {
        judge.rules.p99_tolerance.is_some().to_string()
    });
    say("p99_tolerance", &|judge| words(judge.rules.p99_tolerance));
    say("min_samples", &|judge| judge.rules.min_samples.to_string());
    say("min_errors", &|judge| judge.rules.min_errors.to_string());
    say("hard_error_rate", &|judge| {
        judge.rules.hard_error_rate.to_string()
    });
    say("failures", &|judge| failures(judge.failures));
    say("on_inconclusive", &|judge| {
        let rolls_back = judge.rules.rolls_back_undecided;
        let then = if rolls_back { "rollback" } else { "hold" };
        then.to_owned()
    });
}

fn failures(failures: Failures) -> String {
    let all = [
        ("5xx", failures.answers),
        ("timeout", failures.timeouts),
        ("connect", failures.connections),
    ];
    words(
        all.into_iter()
            .filter_map(|(name, counts)| counts.then_some(name)),
    )
}
