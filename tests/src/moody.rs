//! An upstream whose answers turn worse and better while it runs.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::origin::{Log, Origin};
use crate::wire::{Head, Wire};

const ANSWERED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const FAILED: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 6\r\n\r\nfailed";

/// How it answers.
#[derive(Clone, Debug, Default)]
pub struct Mood {
    /// The share of requests that fail, 0 to 1.
    pub failing: f64,
    /// About how long an answer takes; single ones take up to four times as long.
    pub latency: Duration,
    /// Users whose every request fails.
    pub broken: BTreeSet<String>,
}

/// The upstream.
#[derive(Debug)]
pub struct Moody {
    origin: Origin,
    mood: Arc<Mutex<Mood>>,
}

impl Moody {
    /// Answers well, at once.
    pub async fn new() -> Self {
        let mood: Arc<Mutex<Mood>> = Arc::default();
        let shared = Arc::clone(&mood);
        let origin = Origin::handling(move |wire, _: Log| answer_all(wire, Arc::clone(&shared)));
        Self {
            origin: origin.await,
            mood,
        }
    }

    /// From now on it answers so.
    pub fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        self.origin.url()
    }
}

async fn answer_all(mut wire: Wire, mood: Arc<Mutex<Mood>>) {
    while let Some((head, _)) = wire.request().await {
        let mood = mood.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if mood.latency > Duration::ZERO {
            tokio::time::sleep(mood.latency.mul_f64(spread())).await;
        }
        let answer = if mood.fails(&head) { FAILED } else { ANSWERED };
        if wire.try_send(answer).await.is_err() {
            return;
        }
    }
}

impl Mood {
    fn fails(&self, head: &Head) -> bool {
        let user = head.all("x-device-id");
        let broken = user.iter().any(|user| self.broken.contains(*user));
        broken || fastrand::f64() < self.failing
    }
}

/// About one, seldom far more, as latencies are: three in a hundred above two.
fn spread() -> f64 {
    let chance = fastrand::f64();
    (0.6 - 0.3 * (1.0 - chance).ln()).min(4.0)
}
