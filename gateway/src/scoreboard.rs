//! How far the migration has got, in figures and words: what `banyan status` shows and admin tells.

pub mod diffs;
pub mod judge;
pub mod upstreams;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strangler::{GateState, Percent, Phase};
use utoipa::ToSchema;

use self::judge::JudgeRow;
use crate::config::Config;
use crate::describe;
use crate::progress::Progress;
use crate::progress::effective::{Effective, effective, said};
use crate::progress::window::{Sum, rate};
use crate::replicas::Company;
use crate::route::config::{RouteConfig, TargetConfig};
use crate::shadow::config::ShadowConfig;
use crate::shadow::state::{Comparisons, Pairs};
use crate::side::config::MigrationConfig;

/// The minutes that error rates and latencies are of, where nobody asks for others.
pub const MINUTES: u64 = 10;

/// All routes that move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scoreboard {
    /// The file in force.
    pub generation: u64,
    /// Error rates and latencies are of so many minutes.
    pub minutes: u64,
    /// Of the requests to these routes, the share that a service answered.
    pub migrated_share: f64,
    /// Who killed all routes, and why.
    pub killed: Option<String>,
    /// Why nothing of this is kept, if so.
    pub trouble: Option<String>,
    /// How it stands with other gateways that share their state, where there are any.
    pub company: Option<Company>,
    /// By name.
    pub routes: Vec<RouteRow>,
}

/// One route that moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RouteRow {
    /// Its name.
    pub route: String,
    /// Which team owns it.
    pub owner: Option<String>,
    /// The phase that the file declares.
    pub declared: String,
    /// The share that a canary declares, in percent; of steps the first.
    pub percent: Option<f64>,
    /// The share of a canary that is in force, in percent.
    pub share: Option<f64>,
    /// What the judge has seen of its step.
    pub judge: Option<JudgeRow>,
    /// What is in force, and why where that is something else.
    pub effective: Effective,
    /// Since when its phase is in force, seconds since 1970.
    pub since: Option<f64>,
    /// Who gets the service, in words.
    pub split: String,
    /// Of the requests, the share that the service answered.
    pub service_share: f64,
    /// Which shuffle of the callers.
    pub epoch: u32,
    /// How often its canary was taken back.
    pub rollbacks: u32,
    /// What legacy answered.
    pub legacy: Sum,
    /// What the service answered.
    pub service: Sum,
    /// What the comparison found, where requests are or were copied.
    pub shadow: Option<ShadowRow>,
    /// When legacy last answered one of its requests, seconds since 1970.
    pub legacy_last_used: Option<f64>,
    /// Whether it may be retired.
    pub retire: Retire,
}

/// What a comparison came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ShadowRow {
    /// Pairs of answers.
    pub compared: u64,
    /// Without a difference.
    pub matched: u64,
    /// With ignored differences only.
    pub ignored: u64,
    /// With other differences, noise among them.
    pub mismatched: u64,
    /// Pairs for which the side that answers was asked twice.
    pub noise_pairs: u64,
    /// Of the recent pairs, the share with a difference that is neither ignored nor noise.
    pub mismatch_rate: f64,
    /// Copies that were sent and not compared, because the file says so.
    pub mirrored: u64,
    /// Requests of the sample that came to nothing, by reason.
    pub dropped: BTreeMap<String, u64>,
    /// Whether a canary may be entered; nothing where nothing is compared.
    pub gate: Option<GateRow>,
}

/// Whether a canary may be entered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GateRow {
    /// It may.
    pub open: bool,
    /// What speaks for or against it.
    pub said: String,
}

/// Whether a route may be retired.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Retire {
    /// It may.
    pub allowed: bool,
    /// For how much longer nobody must use legacy, in words.
    pub left: String,
    /// For how long nobody has, while somebody watched; seconds.
    pub unused_seconds: f64,
}

/// What a scoreboard is made from.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// The file in force.
    pub config: &'a Config,
    /// How far the routes have got.
    pub progress: &'a Progress,
    /// What comparisons found.
    pub comparisons: &'a Comparisons,
    /// Error rates and latencies are of so many minutes.
    pub minutes: u64,
}

impl Sources<'_> {
    /// All routes that move.
    pub fn scoreboard(&self) -> Scoreboard {
        let standings = self.progress.standings();
        let names = self.config.routes.keys();
        let routes: Vec<RouteRow> = names.filter_map(|name| self.row(name)).collect();
        let requests = |side: fn(&RouteRow) -> &Sum| -> u64 {
            routes.iter().map(|row| side(row).requests).sum()
        };
        let (legacy, service) = (requests(|row| &row.legacy), requests(|row| &row.service));
        Scoreboard {
            generation: self.progress.generation(),
            minutes: self.minutes,
            migrated_share: rate(service, legacy + service),
            killed: standings.killed.as_ref().map(|word| said("killed", word)),
            trouble: self.progress.trouble(),
            company: self.progress.company(),
            routes,
        }
    }

    /// One of them; nothing for a route outside the migration.
    pub fn row(&self, name: &str) -> Option<RouteRow> {
        let route = self.config.routes.get(name)?;
        let TargetConfig::Migration(migration) = &route.target else {
            return None;
        };
        Some(self.of(route, migration))
    }

    fn of(&self, route: &RouteConfig, migration: &MigrationConfig) -> RouteRow {
        let name = &route.name;
        let standings = self.progress.standings();
        let standing = standings.of(name);
        let [legacy, service] = self.progress.sums(name, self.minutes);
        let clock = self.progress.legacy_clock(name);
        let verdict = clock.verdict(self.config.state.retire_after);
        let seconds = |time: Duration| time.as_secs_f64();
        RouteRow {
            route: name.clone(),
            owner: route.owner.clone(),
            declared: migration.phase.as_str().to_owned(),
            percent: (migration.phase == Phase::Canary).then(|| migration.split.percent.number()),
            share: standings.share(name, migration).map(Percent::number),
            judge: judge::judge(self.progress, name, migration),
            effective: effective(migration, name, &standings),
            since: (standing.since_ms > 0)
                .then(|| seconds(Duration::from_millis(standing.since_ms))),
            split: describe::split(migration),
            service_share: rate(service.requests, legacy.requests + service.requests),
            epoch: migration.epoch + standing.epochs,
            rollbacks: standing.rollbacks,
            legacy,
            service,
            shadow: self.shadow(name, migration),
            legacy_last_used: clock.last_used().map(seconds),
            retire: Retire {
                allowed: verdict == strangler::Verdict::Allowed,
                left: verdict.to_string(),
                unused_seconds: seconds(clock.observed()),
            },
        }
    }

    fn shadow(&self, name: &str, migration: &MigrationConfig) -> Option<ShadowRow> {
        let all = self.comparisons.all();
        let pairs = all.iter().find(|pairs| pairs.name() == name)?;
        let copies = migration.shadow.is_some() || pairs.copies() > 0;
        copies.then(|| shadow(pairs, migration))
    }
}

fn shadow(pairs: &Pairs, migration: &MigrationConfig) -> ShadowRow {
    let usual = ShadowConfig::default();
    let config = migration.shadow.as_deref().unwrap_or(&usual);
    pairs.see(|tally| {
        let totals = tally.totals();
        let state = tally.gate(&config.gate);
        let gate = GateRow {
            open: state == GateState::Open,
            said: state.to_string(),
        };
        let drops = pairs.drops().into_iter();
        ShadowRow {
            compared: totals.compared,
            matched: totals.matched,
            ignored: totals.ignored,
            mismatched: totals.mismatched,
            noise_pairs: totals.noise_pairs,
            mismatch_rate: tally.recent_rate(),
            mirrored: pairs.mirrors(),
            dropped: drops.map(|(why, count)| (why.to_owned(), count)).collect(),
            gate: config.compare.then_some(gate),
        }
    })
}
