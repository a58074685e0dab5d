//! A route's migration as the data path uses it.

use std::sync::Arc;

use strangler::{Bucketer, Phase, Side, Split};

use super::config::{MigrationConfig, OverrideConfig};
use crate::forward::compiled::Backend;
use crate::judge::compiled::Canary;
use crate::shadow::compiled::{Copying, Direction};
use crate::shadow::config::ShadowConfig;
use crate::shadow::stage::Shadow;
use crate::shadow::state::Pairs;

/// A route that moves.
#[derive(Debug)]
pub struct Migration {
    /// Who answers whom.
    pub rules: strangler::Migration,
    /// Who may choose.
    pub chooser: Option<OverrideConfig>,
    /// How requests are copied, while they are.
    pub shadow: Option<Shadow>,
    /// Its canary, while callers are on both sides by their buckets.
    pub canary: Option<Canary>,
    legacy: Option<Backend>,
    service: Option<Backend>,
}

impl Migration {
    /// `legacy` and `service` are the compiled sides; the phase needs at least the one that it leads to.
    pub fn new(
        config: &MigrationConfig,
        legacy: Option<Backend>,
        service: Option<Backend>,
    ) -> Self {
        Self {
            rules: strangler::Migration {
                phase: config.phase_in_force(),
                forced_legacy: config.forced_legacy,
                killed: config.over.killed,
                rolled_back: config.over.rolled_back,
                split: Split {
                    percent: config.share_in_force(),
                    ..config.split.clone()
                },
                bucketer: Bucketer::new(&config.salt, config.epoch_in_force()),
            },
            chooser: config.chooser.clone(),
            shadow: None,
            canary: is_under_way(config)
                .then(|| Canary::new(&config.rollout, &config.judge, config.over.step)),
            legacy,
            service,
        }
    }

    /// The same, with `prefix` and `pairs` of the route, which requests are copied with where the file and the phase say
    /// that they are.
    #[must_use]
    pub fn copying(
        self,
        config: &MigrationConfig,
        prefix: &str,
        pairs: impl FnOnce() -> Arc<Pairs>,
    ) -> Self {
        let shadow = || {
            // A route whose declared canary waits goes on as in `shadow`, whatever the file says of copies.
            let usual = ShadowConfig::default();
            let in_shadow = config.phase_in_force() == Phase::Shadow;
            let written = config.shadow.as_deref();
            let written = written.or_else(|| in_shadow.then_some(&usual))?;
            let direction = {
                let all_to_legacy = config.forced_legacy || config.over.killed;
                Direction::of(written, config.phase_in_force(), all_to_legacy)?
            };
            let sides = (self.legacy.clone()?, self.service.clone()?);
            let salt = (config.salt.as_str(), config.epoch);
            let copying = Copying::new(written, direction, sides, prefix, salt);
            Some(Shadow {
                copying: Arc::new(copying),
                pairs: pairs(),
            })
        };
        Self {
            shadow: shadow(),
            ..self
        }
    }

    /// The side's backend, where there is one.
    pub fn declared(&self, side: Side) -> Option<&Backend> {
        match side {
            Side::Legacy => self.legacy.as_ref(),
            Side::Service => self.service.as_ref(),
        }
    }

    /// The side's backend; the other one where a side is not declared, so that no request is lost over it.
    pub fn backend(&self, side: Side) -> Option<&Backend> {
        match side {
            Side::Legacy => self.legacy.as_ref().or(self.service.as_ref()),
            Side::Service => self.service.as_ref().or(self.legacy.as_ref()),
        }
    }
}

/// Whether buckets decide.
fn is_under_way(config: &MigrationConfig) -> bool {
    let stopped = config.forced_legacy || config.over.killed || config.over.rolled_back;
    config.phase_in_force() == Phase::Canary && config.split.enabled && !stopped
}

#[cfg(test)]
mod tests {
    use super::*;
    use strangler::Over;

    use crate::judge::config::{JudgeConfig, RolloutConfig};

    fn canary() -> MigrationConfig {
        MigrationConfig {
            legacy: None,
            service: None,
            phase: Phase::Canary,
            forced_legacy: false,
            salt: "orders".into(),
            epoch: 1,
            chooser: None,
            split: Split {
                enabled: true,
                percent: strangler::Percent::default(),
                methods: ["GET".to_owned()].into(),
                allow: strangler::People::default(),
                deny: strangler::People::default(),
            },
            flag: None,
            over: Over {
                step: 3,
                ..Over::default()
            },
            rollout: RolloutConfig::default(),
            judge: Box::<JudgeConfig>::default(),
            shadow: None,
        }
    }

    /// The step of the canary that is under way.
    fn step(change: impl FnOnce(&mut MigrationConfig)) -> Option<u32> {
        let mut config = canary();
        change(&mut config);
        let compiled = Migration::new(&config, None, None);
        compiled.canary.map(|canary| canary.step)
    }

    #[test]
    fn a_canary_is_under_way_while_buckets_decide() {
        assert_eq!(step(|_| ()), Some(3));
        assert_eq!(step(|config| config.forced_legacy = true), None);
        assert_eq!(step(|config| config.over.killed = true), None);
        assert_eq!(step(|config| config.over.rolled_back = true), None);
        assert_eq!(step(|config| config.split.enabled = false), None);
        assert_eq!(step(|config| config.over.phase = Some(Phase::Shadow)), None);
        assert_eq!(step(|config| config.phase = Phase::Migrated), None);
    }
}
