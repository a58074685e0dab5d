//! Looks at canaries: begins their steps, takes what was seen as evidence, follows the verdicts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use strangler::judge::{Baseline, Step, Tick, Verdict};
use strangler::{Percent, Phase, Side};

use super::admission::migrations;
use super::change::Change;
use super::evidence::{self, Judged};
use crate::config::Config;
use crate::judge::noted::Batch;
use crate::side::config::MigrationConfig;

/// So many requests to legacy must be known before its p99 says what is slow.
const TIMED: u64 = 1_000;

/// What legacy answered in so many minutes before, at most.
const MINUTES: u64 = 60;

/// A canary that is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    /// The route.
    pub route: String,
    /// Which of its steps.
    pub step: u32,
    /// How often it is looked at.
    pub interval: Duration,
    /// When this was asked.
    pub now: Duration,
}

impl Change<'_> {
    /// Looks at all canaries: adds what came in, and judges those whose interval is over.
    pub fn look_at_canaries(&mut self, config: &Config, batches: &[Batch]) {
        self.forget_others(config);
        for (route, migration) in migrations(config) {
            let Some(judged) = self.step_of(route, migration) else {
                self.inner.collected.forget(route);
                continue;
            };
            if self.collect(route, migration, &judged, batches) {
                let tick = self.inner.collected.take(route);
                self.judge(route, migration, &tick);
            }
        }
    }

    /// Only adds what came in, for whoever judges for all gateways.
    pub fn collect_canaries(&mut self, config: &Config, batches: &[Batch]) {
        for (route, migration) in migrations(config) {
            let known = self.judged.get(route).cloned();
            let step = self.standings.of(route).step;
            // Until its step is begun, somewhere, nobody knows what is slow; so it is waited for.
            match known.filter(|judged| judged.number == step) {
                Some(judged) if self.is_judged(route, migration) => {
                    self.collect(route, migration, &judged, batches);
                }
                _ => self.inner.collected.forget(route),
            }
        }
    }

    /// Judges for all gateways: begins steps, and takes as evidence what all of them saw of those in `seen`.
    pub fn judge_for_all(&mut self, config: &Config, seen: &BTreeMap<(String, u32), Tick>) {
        self.forget_others(config);
        for (route, migration) in migrations(config) {
            let Some(judged) = self.step_of(route, migration) else {
                continue;
            };
            if let Some(tick) = seen.get(&(route.clone(), judged.number)) {
                self.judge(route, migration, tick);
            }
        }
    }

    /// The canaries that are judged now.
    pub fn canaries(&self, config: &Config) -> Vec<Canary> {
        let canaries = migrations(config);
        let canaries = canaries.filter(|(route, migration)| self.is_judged(route, migration));
        let canary = |(route, migration): (&String, &MigrationConfig)| Canary {
            route: route.clone(),
            step: self.standings.of(route).step,
            interval: migration.judge.interval,
            now: self.progress.now(),
        };
        canaries.map(canary).collect()
    }

    /// Adds what came in of a step; says whether its interval is over.
    fn collect(
        &mut self,
        route: &str,
        migration: &MigrationConfig,
        judged: &Judged,
        batches: &[Batch],
    ) -> bool {
        let now = self.progress.now();
        let interval = migration.judge.interval;
        let collected = &mut self.inner.collected;
        let due = collected.is_due(route, judged.number, now, interval);
        for batch in batches.iter().filter(|batch| batch.route.name == route) {
            let threshold = judged.step.threshold();
            collected.add(route, batch.step, threshold, &batch.samples);
        }
        due
    }

    /// Whether what a route's requests come to is evidence now: of a canary that nobody has taken back.
    fn is_judged(&self, route: &str, migration: &MigrationConfig) -> bool {
        let over = self.standings.over(route, migration);
        over.phase.unwrap_or(migration.phase) == Phase::Canary
            && !(migration.forced_legacy || over.killed || over.rolled_back)
            && migration.split.enabled
    }

    /// Its step, begun where it has not been; nothing where it is not judged.
    fn step_of(&mut self, route: &str, migration: &MigrationConfig) -> Option<Arc<Judged>> {
        if !self.is_judged(route, migration) {
            return None;
        }
        let standing = self.standings.of(route);
        let known = self.judged.get(route).cloned();
        let known_threshold = known.as_ref().is_some_and(|judged| {
            judged.number == standing.step && judged.step.threshold().is_some()
        });
        if known_threshold {
            return known;
        }
        let threshold = self.threshold(route, migration);
        let before = known.as_ref().and_then(|judged| judged.step.baseline());
        let judged = match known {
            Some(judged) if judged.number == standing.step => {
                let Some(threshold) = threshold else {
                    return Some(judged);
                };
                let mut frozen = Judged::clone(&judged);
                frozen.step.freeze(threshold);
                frozen
            }
            _ => {
                let share = standing.share.unwrap_or(migration.split.percent);
                let begun = Duration::from_millis(standing.step_since_ms);
                // With nobody left on legacy no more will be known of it: what was slow stays slow.
                let alone = known.filter(|_| share == Percent::ALL);
                let was_slow = || alone.and_then(|judged| judged.step.threshold());
                let threshold = threshold.or_else(was_slow);
                let before = before.or_else(|| self.before_all(route, share));
                Judged {
                    number: standing.step,
                    step: Step::begin(share, begun, before, threshold),
                    looks: 0,
                    verdict: None,
                }
            }
        };
        Some(self.keep_judged(route, judged))
    }

    /// What is known of legacy where everybody goes at once and no step was before.
    fn before_all(&self, route: &str, share: Percent) -> Option<Baseline> {
        if share != Percent::ALL {
            return None;
        }
        let now = self.progress.now();
        let windows = &self.inner.windows;
        let legacy = windows.tally(route, Side::Legacy, MINUTES, now).sum();
        let enough = legacy.requests >= TIMED;
        enough.then(|| Baseline::of_requests(legacy.requests, legacy.failed))
    }

    /// One look: takes a tick of the step as evidence, and follows the verdict.
    fn judge(&mut self, route: &str, migration: &MigrationConfig, tick: &Tick) {
        let Some(judged) = self.step_of(route, migration) else {
            return;
        };
        let now = self.progress.now();
        let mut judged = Judged::clone(&judged);
        let rules = &migration.judge.rules;
        judged.step.add(tick, now);
        let steps = migration.rollout.steps.len().max(1);
        let verdict = judged.step.judge(rules, steps, now);
        judged.looks += 1;
        let before = judged.verdict.replace(verdict.clone());
        let judged = self.keep_judged(route, judged);
        match verdict {
            Verdict::Rollback { trigger, why } if migration.rollout.auto_rollback => {
                self.take_back(route, migration, &judged, trigger, &why);
            }
            Verdict::Advance { why } if migration.rollout.auto_advance => {
                self.advance(route, migration, &why);
            }
            Verdict::Rollback { why, .. } => {
                if !matches!(before, Some(Verdict::Rollback { .. })) {
                    self.ask_for_rollback(route, &judged, &why);
                }
            }
            Verdict::Advance { .. } | Verdict::Hold { .. } => {}
        }
    }

    /// Forgets what was seen of routes that are no canaries any more.
    fn forget_others(&mut self, config: &Config) {
        let is_canary = |route: &str| {
            let entered = self.standings.of(route).entered;
            entered == Some(Phase::Canary) && config.routes.contains_key(route)
        };
        let known = self.judged.keys();
        let gone: Vec<String> = known.filter(|route| !is_canary(route)).cloned().collect();
        for route in gone {
            self.batch.documents.push(evidence::document(&route, None));
            Arc::make_mut(&mut self.judged).remove(&route);
            self.inner.collected.forget(&route);
        }
    }

    fn keep_judged(&mut self, route: &str, judged: Judged) -> Arc<Judged> {
        let judged = Arc::new(judged);
        let document = evidence::document(route, Some(&judged));
        self.batch.documents.push(document);
        Arc::make_mut(&mut self.judged).insert(route.to_owned(), Arc::clone(&judged));
        judged
    }

    /// What is slow, once enough is known of legacy.
    fn threshold(&self, route: &str, migration: &MigrationConfig) -> Option<Duration> {
        let tolerance = migration.judge.rules.p99_tolerance?;
        let now = self.progress.now();
        let windows = &self.inner.windows;
        let mut latency = windows.tally(route, Side::Legacy, MINUTES, now).latency;
        for other in &self.inner.elsewhere {
            latency.merge(&other.hour(route));
        }
        if latency.total() < TIMED {
            return None;
        }
        Some(latency.quantile(0.99)?.mul_f64(tolerance))
    }
}
