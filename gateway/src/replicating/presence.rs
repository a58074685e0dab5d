//! Who else is there, and what was counted on all gateways.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Replica;
use super::exchange::blocking;
use crate::progress::Progress;
use crate::progress::elsewhere::Elsewhere;
use crate::replicas::{BoardError, Other};

/// How often it is said and heard.
const EVERY: Duration = Duration::from_secs(2);

/// What was heard so long ago counts no more: whoever said it may be gone.
const LIFE: Duration = Duration::from_secs(10);

/// What is known of the others.
#[derive(Debug, Default)]
pub(super) struct Present {
    /// Their names.
    pub(super) others: Vec<String>,
    tried: Option<Instant>,
    heard: Option<Instant>,
    /// What was counted is too much to be told whole.
    shortened: bool,
}

impl Replica {
    /// Says what was counted here, and hears what was counted elsewhere. Nothing else waits for it to succeed.
    pub(super) async fn present(&mut self) {
        let now = Instant::now();
        let is_due = |at: Option<Instant>| at.is_none_or(|at| now.duration_since(at) >= EVERY);
        if !is_due(self.present.tried) {
            return;
        }
        self.present.tried = Some(now);
        if let Err(error) = self.say_and_hear().await {
            tracing::debug!(%error, "what the others counted is not known");
        }
    }

    async fn say_and_hear(&mut self) -> Result<(), BoardError> {
        let progress = Arc::clone(&self.progress);
        let counted = blocking(move || progress.counted().body()).await;
        if let Some(Ok((body, whole))) = counted {
            if !whole && !self.present.shortened {
                tracing::warn!(
                    "too much was counted to be told whole: other gateways hear of fewer latencies"
                );
            }
            self.present.shortened = !whole;
            self.board.publish(&body).await?;
        }
        let others = self.board.others().await?;
        let kept = |name: &str| name.split('.').next().map(str::to_owned);
        let mut names: Vec<String> = others.iter().map(|other| other.name.clone()).collect();
        names.retain(|name| kept(name).as_ref() != Some(&self.kept));
        names.dedup_by_key(|name| kept(name));
        self.present.others = names;
        self.present.heard = Some(Instant::now());
        let (progress, kept) = (Arc::clone(&self.progress), self.kept.clone());
        blocking(move || progress.hear(counted_by(&others, &kept, &progress))).await;
        Ok(())
    }

    /// Forgets what was heard too long ago.
    pub(super) async fn forget_silent(&mut self) {
        let Some(heard) = self.present.heard else {
            return;
        };
        if heard.elapsed() >= LIFE {
            self.present = Present::default();
            let progress = Arc::clone(&self.progress);
            blocking(move || progress.hear(Vec::new())).await;
        }
    }
}

/// What this gateway's last process told is known here, from the state file.
fn counted_by(others: &[Other], kept: &str, progress: &Progress) -> Vec<Elsewhere> {
    let now = progress.now();
    let others = others
        .iter()
        .filter(|other| other.name.split('.').next() != Some(kept));
    let read = others.filter_map(|other| Elsewhere::read(&other.name, &other.body, now));
    Elsewhere::living(read.collect())
}
