//! The two sides of a migration, as written: a route's `legacy`, `service`, `phase`, `canary`, `shadow`, and `[flag.NAME]`.

use http::HeaderName;
use ipnet::IpNet;
use strangler::{Over, Percent, Phase, Split};

use crate::forward::config::BackendConfig;
use crate::judge::config::{JudgeConfig, RolloutConfig};
use crate::shadow::config::ShadowConfig;

/// A route that moves.
#[derive(Clone, Debug, PartialEq)]
pub struct MigrationConfig {
    /// The old side. Missing only when the phase is `retired`.
    pub legacy: Option<BackendConfig>,
    /// The new side. Missing only when the phase is `legacy`.
    pub service: Option<BackendConfig>,
    /// How far it has got.
    pub phase: Phase,
    /// `force = "legacy"`.
    pub forced_legacy: bool,
    /// What the buckets are salted with: the route's `salt`, its flag's name, or its own.
    pub salt: String,
    /// Shuffles the buckets anew when it grows.
    pub epoch: u32,
    /// Who may choose a side, and how.
    pub chooser: Option<OverrideConfig>,
    /// Who moves during a canary; percent, allow and deny are the flag's where one is named.
    pub split: Split,
    /// The flag's name, where the route takes its split from one.
    pub flag: Option<String>,
    /// What stands over the file at run time. A file says nothing of it.
    pub over: Over,
    /// How its canary is led.
    pub rollout: RolloutConfig,
    /// How its canary is judged.
    pub judge: Box<JudgeConfig>,
    /// How requests are copied to the other side, where the file or the phase says that they are.
    pub shadow: Option<Box<ShadowConfig>>,
}

impl MigrationConfig {
    /// The phase in force: the declared one, unless it may not be entered yet.
    pub fn phase_in_force(&self) -> Phase {
        self.over.phase.unwrap_or(self.phase)
    }

    /// The share in force: the judge's, else the declared one.
    pub fn share_in_force(&self) -> Percent {
        self.over.share.unwrap_or(self.split.percent)
    }

    /// How many move in its canary, as the file says it: "5 %", or "steps 1, 5, 25".
    pub fn shares(&self) -> String {
        let steps = self.rollout.steps.iter();
        let steps: Vec<String> = steps.map(|step| step.number().to_string()).collect();
        if steps.is_empty() {
            return self.split.percent.to_string();
        }
        format!("steps {}", steps.join(", "))
    }

    /// The epoch in force.
    pub fn epoch_in_force(&self) -> u32 {
        self.epoch.saturating_add(self.over.epochs)
    }
}

/// Where a sticky key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sticky {
    /// The verified user.
    User,
    /// A cookie's value.
    Cookie(String),
    /// A field's value.
    Header(HeaderName),
    /// Our own random id cookie.
    Visitor,
}

/// `override.header` and `override.require`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideConfig {
    /// The field that names a side.
    pub header: HeaderName,
    /// Who is believed.
    pub require: OverrideRequire,
}

/// Who may choose a side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OverrideRequire {
    /// Callers whose token has this scope.
    Scope(String),
    /// Peers in this network.
    Cidr(IpNet),
}

/// A named split that routes may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagConfig {
    /// The table's name; also the salt.
    pub name: String,
    /// Off sends everybody to legacy.
    pub split: Split,
}
