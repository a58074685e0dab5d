//! Tasks with names that end in the drain: nothing that is spawned is orphaned.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The tasks of one process, or of one part of it. Clones are the same set.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
    running: Arc<Running>,
}

#[derive(Debug, Default)]
struct Running {
    next: AtomicU64,
    names: Mutex<BTreeMap<u64, &'static str>>,
}

/// Tasks that did not end in time.
#[derive(Debug, PartialEq, Eq)]
pub struct Unfinished(pub Vec<&'static str>);

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "still running after the drain: {}", self.0.join(", "))
    }
}

impl std::error::Error for Unfinished {}

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs a task until it ends. It watches [`Tasks::stopping`] if it would not end by itself.
    #[expect(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub fn spawn<F>(&self, name: &'static str, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let named = self.named(name);
        tokio::spawn(self.tracker.track_future(async move {
            let _named = named;
            task.await;
        }))
    }

    /// The same on the current thread's `LocalSet`, for futures that stay on their core.
    pub fn spawn_local<F>(&self, name: &'static str, task: F) -> JoinHandle<()>
    where
        F: Future<Output = ()> + 'static,
    {
        let named = self.named(name);
        tokio::task::spawn_local(self.tracker.track_future(async move {
            let _named = named;
            task.await;
        }))
    }

    /// Asks every task to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Whether the end has been asked for.
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Resolves when the end is asked for.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    /// Waits until all have ended, or says which have not.
    pub async fn ended(&self, within: Duration) -> Result<(), Unfinished> {
        self.tracker.close();
        tokio::time::timeout(within, self.tracker.wait())
            .await
            .map_err(|_| {
                let names = self
                    .running
                    .names
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner);
                Unfinished(names.values().copied().collect())
            })
    }

    fn named(&self, name: &'static str) -> Named {
        let id = self.running.next.fetch_add(1, Ordering::Relaxed);
        self.running
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id, name);
        Named {
            running: Arc::clone(&self.running),
            id,
        }
    }
}

/// Keeps a task's name listed for as long as the task lives.
struct Named {
    running: Arc<Running>,
    id: u64,
}

impl Drop for Named {
    fn drop(&mut self) {
        self.running
            .names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_named() {
        let tasks = Tasks::new();
        let stopping = tasks.stopping();
        tasks.spawn("good", stopping);
        tasks.spawn("stuck", std::future::pending());
        tasks.stop();
        let left = tasks.ended(Duration::from_secs(1)).await;
        assert_eq!(left, Err(Unfinished(vec!["stuck"])));
    }
}
