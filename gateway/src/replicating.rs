//! Several gateways as one: what is said to one of them holds on all, and one of them at a time judges for all.
//!
//! Each has its own state file and goes on alone while Redis is away: traffic and words as ever, rollouts hold. What was
//! said meanwhile is merged when Redis is back.

mod exchange;
mod seen;
mod judging;
mod presence;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::progress::exchanged::Adopted;
use crate::progress::{Change, Progress};
use crate::reload::Reloader;
use crate::replicas::{Board, BoardError, Company, EventId, Lease, Mark};
use crate::store::config::RedisUrl;
use chassis::tasks::Tasks;

use self::presence::Present;
use self::seen::Seen;

/// How often gateways look at what the others say: well under the two seconds within which it must hold.
const EVERY: Duration = Duration::from_millis(400);

/// So long the judge stays the judge without a word.
const LEASE: Duration = Duration::from_secs(4);

/// A start waits no longer for what the others say.
const START: Duration = Duration::from_secs(2);

/// One of several gateways.
#[derive(Debug)]
pub struct Replica {
    board: Board,
    reloader: Arc<Reloader>,
    progress: Arc<Progress>,
    mark: Mark,
    versions: BTreeMap<String, u64>,
    read: EventId,
    seen: Seen,
    /// Events of this gateway that are kept here; when they come back from the board they are no news.
    own: BTreeSet<String>,
    /// The name that this gateway keeps over restarts.
    kept: String,
    /// The interval of each route that was judged last.
    slots: BTreeMap<String, u128>,
    present: Present,
}

/// Takes over what the others say before anything is in force here. Where they cannot be asked, what this gateway knew is.
pub fn catch_up(url: &RedisUrl, change: &mut Change<'_>) {
    let asked = || -> anyhow::Result<Adopted> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let asking = async {
            let board = Board::new(url, "starting")?;
            board.changed(&Mark::default()).await
        };
        let changed = runtime.block_on(async { tokio::time::timeout(START, asking).await })??;
        Ok(Adopted {
            all: true,
            ..exchange::read(&changed)
        })
    };
    match asked() {
        Ok(adopted) => change.adopt(adopted),
        Err(error) => {
            tracing::warn!(%error, "redis is away at the start: what this gateway knew is in force");
        }
    }
}

/// Shares until the end, then lets another one judge.
pub fn replicate(
    url: &RedisUrl,
    reloader: &Arc<Reloader>,
    progress: &Arc<Progress>,
    tasks: &Tasks,
) {
    let kept = progress.share();
    // No other's, not even of this gateway's last process.
    let me = format!("{kept}.{:08x}", fastrand::u32(..));
    let board = match Board::new(url, me.clone()) {
        Ok(board) => board,
        Err(error) => {
            let away = Some(error.to_string());
            tracing::error!(%error, "nothing is shared with other gateways: rollouts hold");
            return progress.is_in(Company {
                me,
                away,
                ..Company::default()
            });
        }
    };
    // From now on nobody judges here for this gateway alone.
    progress.is_in(Company {
        me,
        ..Company::default()
    });
    let mut replica = Replica {
        board,
        reloader: Arc::clone(reloader),
        progress: Arc::clone(progress),
        mark: Mark::default(),
        versions: BTreeMap::new(),
        read: EventId::default(),
        seen: Seen::default(),
        own: BTreeSet::new(),
        kept,
        slots: BTreeMap::new(),
        present: Present::default(),
    };
    let (said, stopping) = (progress.said(), tasks.stopping());
    tasks.spawn("replicas", async move {
        let always = async {
            loop {
                replica.round().await;
                let _ = tokio::time::timeout(EVERY, said.notified()).await;
            }
        };
        tokio::select! { () = always => {}, () = stopping => {} }
        let _ = replica.board.release().await;
        let _ = replica.board.leave().await;
    });
}

impl Replica {
    /// Everything once, as far as Redis answers.
    async fn round(&mut self) {
        let came = self.share().await;
        let before = self.progress.company().unwrap_or_default();
        let me = self.board.me().to_owned();
        self.forget_silent().await;
        let (judge, away) = match came {
            Ok(judge) => (Some(judge), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let company = Company {
            me,
            others: self.present.others.clone(),
            judge,
            away,
        };
        match (&before.away, &company.away) {
            (None, Some(why)) => {
                tracing::warn!(why, "nothing is shared with other gateways: rollouts hold");
            }
            (Some(_), None) => tracing::info!("shared with other gateways again"),
            _ => {}
        }
        if company.judge.is_some() && company.judge != before.judge {
            let judge = company.judge.as_deref().unwrap_or_default();
            tracing::info!(judge, me = company.me, "who judges for all gateways");
        }
        self.progress.is_in(company);
    }

    /// Says who judges.
    async fn share(&mut self) -> Result<String, BoardError> {
        let lease = self.board.lease(LEASE).await?;
        self.present().await;
        self.pull().await?;
        let all_heard = self.push().await?;
        self.push_seen().await?;
        let judge = match lease {
            Lease::Ours(fence) => {
                if all_heard {
                    self.judge(fence).await?;
                }
                self.board.me().to_owned()
            }
            Lease::Theirs(judge) => judge,
        };
        Ok(judge)
    }
}
