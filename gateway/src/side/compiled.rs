//! A route's migration as the data path uses it.

use strangler::{Bucketer, Side};

use super::config::{MigrationConfig, OverrideConfig};
use crate::forward::compiled::Backend;

/// A route that moves.
#[derive(Debug)]
pub struct Migration {
    /// Who answers whom.
    pub rules: strangler::Migration,
    /// Who may choose.
    pub chooser: Option<OverrideConfig>,
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
                split: config.split.clone(),
                bucketer: Bucketer::new(&config.salt, config.epoch_in_force()),
            },
            chooser: config.chooser.clone(),
            legacy,
            service,
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
