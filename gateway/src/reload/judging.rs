//! Judges canaries, once a second: a verdict is a change like a person's word.

use std::sync::Arc;
use std::time::Duration;

use chassis::tasks::Tasks;
use strangler::Phase;

use super::Reloader;
use crate::route::config::TargetConfig;

/// How often what came in is added up; how often it is judged is each route's own.
const EVERY: Duration = Duration::from_secs(1);

impl Reloader {
    fn judge(&self) {
        let batches = self.shared.judged.take();
        let config = self.config();
        let canary = |target: &TargetConfig| match target {
            TargetConfig::Migration(migration) => migration.phase == Phase::Canary,
            TargetConfig::Upstream(_) | TargetConfig::Own(_) => false,
        };
        let mut routes = config.routes.values();
        if !routes.any(|route| canary(&route.target)) && self.progress.judged().is_empty() {
            return;
        }
        let mut change = self.progress.change();
        if self.progress.company().is_some() {
            // One of several gateways judges for all of them.
            change.collect_canaries(&config, &batches);
            return;
        }
        change.look_at_canaries(&config, &batches);
        if let Err(error) = self.in_force(change) {
            tracing::error!(%error, "a canary cannot be moved");
        }
    }
}

/// Judges until the end.
pub fn judge(reloader: &Arc<Reloader>, tasks: &Tasks) {
    let (reloader, stopping) = (Arc::clone(reloader), tasks.stopping());
    tasks.spawn("judge", async move {
        let always = async {
            let mut every = tokio::time::interval(EVERY);
            every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                let reloader = Arc::clone(&reloader);
                if tokio::task::spawn_blocking(move || reloader.judge())
                    .await
                    .is_err()
                {
                    tracing::error!("a look of the judge came to nothing");
                }
            }
        };
        tokio::select! { () = always => {}, () = stopping => {} }
    });
}
