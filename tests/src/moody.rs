//! An upstream whose answers turn worse and better while it runs.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::origin::{Log, Origin};
use crate::wire::{Head, Wire};

const ANSWERED: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// How it answers.
#[derive(Clone, Debug, Default)]
pub struct Mood {
    /// The share of requests that fail, 0 to 1.
    pub failing: f64,
    /// What they fail with, where it is not 500.
    pub status: Option<u16>,
    /// About how long an answer takes; single ones take up to four times as long.
    pub latency: Duration,
    /// Users whose every request fails.
    pub broken: BTreeSet<String>,
    /// It takes requests and says nothing, ever.
    pub hanging: bool,
    /// It closes a connection that has been idle for a random time below this.
    pub patience: Option<Duration>,
}

/// The upstream.
#[derive(Debug)]
pub struct Moody {
    origin: Origin,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    mood: Mutex<Mood>,
    asked: AtomicUsize,
}

impl Moody {
    /// Answers well, at once.
    pub async fn new() -> Self {
        let shared: Arc<Shared> = Arc::default();
        let handling = Arc::clone(&shared);
        let origin = Origin::handling(move |wire, _: Log| answer_all(wire, Arc::clone(&handling)));
        Self {
            origin: origin.await,
            shared,
        }
    }

    /// From the start it answers so.
    pub async fn being(mood: Mood) -> Self {
        let moody = Self::new().await;
        moody.is(mood);
        moody
    }

    /// From now on it answers so.
    pub fn is(&self, mood: Mood) {
        *self
            .shared
            .mood
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// How many requests it got.
    pub fn asked(&self) -> usize {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// How many connections it got.
    pub fn connections(&self) -> usize {
        self.origin.connections()
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        self.origin.url()
    }
}

async fn answer_all(mut wire: Wire, shared: Arc<Shared>) {
    let mut patience = None;
    while let Some(head) = next(&mut wire, patience).await {
        shared.asked.fetch_add(1, Ordering::SeqCst);
        let mood = shared.mood();
        if mood.hanging {
            return std::future::pending().await;
        }
        if mood.latency > Duration::ZERO {
            tokio::time::sleep(mood.latency.mul_f64(spread())).await;
        }
        if wire.try_send(mood.answer(&head)).await.is_err() {
            return;
        }
        patience = mood.patience;
    }
}

/// The next request, unless the wait for it becomes too long.
async fn next(wire: &mut Wire, patience: Option<Duration>) -> Option<Head> {
    let asked = async { Some(wire.request().await?.0) };
    match patience {
        None => asked.await,
        Some(most) => {
            let patience = most.mul_f64(fastrand::f64());
            tokio::time::timeout(patience, asked).await.ok().flatten()
        }
    }
}

impl Shared {
    fn mood(&self) -> Mood {
        self.mood
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Mood {
    /// Every request fails with this status.
    pub fn all(status: u16) -> Self {
        Self {
            failing: 1.0,
            status: Some(status),
            ..Self::default()
        }
    }

    fn answer(&self, head: &Head) -> String {
        let user = head.all("x-device-id");
        let broken = user.iter().any(|user| self.broken.contains(*user));
        if !broken && fastrand::f64() >= self.failing {
            return ANSWERED.to_owned();
        }
        let status = self.status.unwrap_or(500);
        format!("HTTP/1.1 {status} Failed\r\ncontent-length: 6\r\n\r\nfailed")
    }
}

/// About one, seldom far more, as latencies are: three in a hundred above two.
fn spread() -> f64 {
    let chance = fastrand::f64();
    (0.6 - 0.3 * (1.0 - chance).ln()).min(4.0)
}
