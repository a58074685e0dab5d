//! What `/metrics` says of canaries and the judge.

use super::AdminState;
use crate::metrics::registry::Sample;
use crate::route::config::TargetConfig;
use crate::snapshot::Snapshot;

/// By metric, so that the samples of each stand together.
pub(super) fn samples(state: &AdminState, snapshot: &Snapshot) -> Vec<Sample> {
    let standings = state.progress.standings();
    let mut metrics: [Vec<Sample>; 4] = Default::default();
    let [shares, rollbacks, evidence, bounds] = &mut metrics;
    for (name, route) in &snapshot.config.routes {
        let TargetConfig::Migration(migration) = &route.target else {
            continue;
        };
        let labels = || vec![("route", name.clone())];
        if let Some(share) = standings.share(name, migration) {
            let help = "The share of a canary's callers that the service answers by bucket, in hundredths of a percent";
            let hundredths = u64::from(share.hundredths());
            shares.push(Sample::gauge(
                "banyan_canary_share",
                help,
                labels(),
                hundredths,
            ));
        }
        let help = "How often a canary was taken back since it was entered";
        let taken_back = u64::from(standings.of(name).rollbacks);
        rollbacks.push(Sample::gauge(
            "banyan_rollbacks",
            help,
            labels(),
            taken_back,
        ));
        let Some(judged) = state.progress.judged_now(name) else {
            continue;
        };
        let steps = migration.rollout.steps.len().max(1);
        let now = state.progress.now();
        let shown = judged.step.shown(&migration.judge.rules, steps, now);
        for (test, value) in [
            ("failed", shown.evidence_failed),
            ("slow", shown.evidence_slow),
        ] {
            let mut labels = labels();
            labels.push(("test", test.to_owned()));
            let help = "How strongly what was seen speaks against the service of a canary";
            evidence.push(Sample::gauge(
                "banyan_judge_evidence",
                help,
                labels,
                whole(value),
            ));
        }
        let help = "Evidence at or over it is enough for a rollback";
        bounds.push(Sample::gauge(
            "banyan_judge_bound",
            help,
            labels(),
            whole(shown.bound),
        ));
    }
    metrics.into_iter().flatten().collect()
}

/// What it says of other gateways, where there are any.
pub(super) fn company(state: &AdminState) -> Vec<Sample> {
    let Some(company) = state.progress.company() else {
        return Vec::new();
    };
    let is_judge = company.judge.as_ref() == Some(&company.me);
    let shared = "Whether state is shared with other gateways now";
    let shared = (
        "banyan_replicas_shared",
        shared,
        company.away.is_none() && company.judge.is_some(),
    );
    let judges = (
        "banyan_judge_lease_held",
        "Whether this gateway judges canaries for all",
        is_judge,
    );
    let gauge = |(name, help, yes)| Sample::gauge(name, help, vec![], u64::from(yes));
    [shared, judges].map(gauge).into()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast saturates"
)]
fn whole(evidence: f64) -> u64 {
    evidence as u64
}
