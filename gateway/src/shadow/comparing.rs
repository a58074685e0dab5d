//! Compares one pair at a time, on a thread that answers nobody: what a backend says may take long to look at.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// The one place where pairs are compared, of all routes. Clones are the same place.
#[derive(Clone, Debug)]
pub(super) struct Comparing(Arc<Semaphore>);

impl Comparing {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }

    /// Runs it when its turn comes.
    pub(super) async fn run(&self, work: impl FnOnce() + Send + 'static) {
        let Ok(turn) = Arc::clone(&self.0).acquire_owned().await else {
            return;
        };
        let done = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, whether or not somebody still waits for it.
            let _turn = turn;
            work();
        });
        if let Err(error) = done.await {
            tracing::error!(%error, "a pair could not be compared");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_long_comparison_holds_up_nothing_else() {
        let comparing = Comparing::new();
        let (end, ended) = channel();
        // On the thread of this runtime it would wait for itself.
        tokio::join!(comparing.run(move || ended.recv().unwrap()), async move {
            end.send(()).unwrap();
        });
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_is_compared_at_a_time_and_one_that_panics_ends_its_turn() {
        let comparing = Comparing::new();
        let busy = Arc::new(Mutex::new(0));
        let work = |nth: usize| {
            let (comparing, busy) = (comparing.clone(), Arc::clone(&busy));
            async move {
                let run = comparing.run(move || {
                    *busy.try_lock().expect("one at a time") += 1;
                    std::thread::yield_now();
                });
                run.await;
                comparing.run(move || assert!(nth.is_multiple_of(2))).await;
            }
        };
        futures::future::join_all((0..50).map(work)).await;
        assert_eq!(*busy.lock().unwrap(), 50);
    }
}
