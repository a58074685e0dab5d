//! Sends what cores hand over, on the control side: for each route one task that has so many copies under way at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use chassis::clock::Clock;
use chassis::tasks::Tasks;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;
use upstream::breaker::Breaker;
use upstream::transport::reqwest_h1::ReqwestH1;
use upstream::{Connecting, Transport};

use super::comparing::Comparing;
use super::compiled::Copying;
use super::copy::{Sending, again, for_target};
use super::job::{Answered, Job};
use super::pair::{compared, unanswered};
use super::stage::Shadow;
use super::state::{Dropped, Pairs};

/// Connections of copies. They are no one else's, so that no copy ever holds up a client's request.
const CONNECTING: Connecting = Connecting {
    timeout: Duration::from_secs(2),
    idle_max: 32,
    idle_timeout: Duration::from_mins(1),
};

/// Sends copies.
#[derive(Clone, Debug)]
pub struct Runner {
    transport: ReqwestH1,
    comparing: Comparing,
    clock: Clock,
    tasks: Tasks,
}

impl Runner {
    /// What it starts ends with `tasks`.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new(clock: &Clock, tasks: &Tasks) -> Result<Self, reqwest::Error> {
        Ok(Self {
            transport: ReqwestH1::new(&CONNECTING)?,
            comparing: Comparing::new(),
            clock: clock.clone(),
            tasks: tasks.clone(),
        })
    }

    /// Takes up what a snapshot says: starts a task for each route that has none yet. Called within a runtime.
    pub fn serve<'a>(&self, shadows: impl IntoIterator<Item = &'a Shadow>) {
        for shadow in shadows {
            shadow.pairs.ruled_by(&shadow.copying);
            let Some(queue) = shadow.pairs.queue() else {
                continue;
            };
            let stopping = self.tasks.stopping();
            let runner = self.clone();
            let pairs = Arc::downgrade(&shadow.pairs);
            self.tasks.spawn("shadow copies", async move {
                let with = With {
                    transport: &runner.transport,
                    comparing: &runner.comparing,
                    clock: &runner.clock,
                };
                let serving = serve(&pairs, queue, with);
                tokio::select! { () = serving => {}, () = stopping => {} }
            });
        }
    }
}

/// What copies are sent and compared with.
#[derive(Debug)]
struct With<'a, T> {
    transport: &'a T,
    comparing: &'a Comparing,
    clock: &'a Clock,
}

/// Until the route is gone.
async fn serve<T: Transport<Bytes>>(
    pairs: &Weak<Pairs>,
    mut queue: UnboundedReceiver<Job>,
    with: With<'_, T>,
) {
    let mut under_way = FuturesUnordered::new();
    // As the file said when the last job came.
    let mut concurrency = 1;
    loop {
        tokio::select! {
            job = queue.recv(), if under_way.len() < concurrency => {
                let (Some(job), Some(pairs)) = (job, pairs.upgrade()) else {
                    return;
                };
                pairs.taken();
                concurrency = job.copying.config.concurrency;
                under_way.push(copy(pairs, job, &with));
            }
            Some(()) = under_way.next(), if !under_way.is_empty() => {}
        }
    }
}

async fn copy<T: Transport<Bytes>>(pairs: Arc<Pairs>, mut job: Job, with: &With<'_, T>) {
    let copying = Arc::clone(&job.copying);
    let (config, asked) = (&copying.config, &job.asked);
    let sending = Sending {
        transport: with.transport,
        memory: pairs.memory(),
        copying: &copying,
        body: &job.body.content(),
    };
    let breaker = pairs.breaker(copying.target.breaker.as_deref().map(Breaker::settings));
    let pass = breaker
        .as_ref()
        .map(|breaker| breaker.admit(Instant::now()));
    let Ok(pass) = pass.transpose() else {
        return pairs.dropped(Dropped::Breaker);
    };
    let fields = for_target(asked, config.credentials, config.timeout);
    pairs.sent();
    let target = sending.ask((&copying.target, pass), asked, fields);
    let (copied, second) = if copying.draws_noise(&asked.method) {
        let fields = again(asked, config.timeout);
        let second = sending.ask((&copying.answering, None), asked, fields);
        let (copied, second) = tokio::join!(target, second);
        // Without it the pair counts as any other.
        (copied, second.ok())
    } else {
        (target.await, None)
    };
    match copied {
        Err(dropped) => {
            pairs.dropped(dropped);
            if config.compare && dropped.is_unanswered() {
                let (answered, at) = (job.answered, with.clock.unix());
                let copying = Arc::clone(&copying);
                let compare = move || {
                    let (pair, noise) = unanswered(&copying, answered, dropped.as_str(), second);
                    pairs.compared(&copying, (&pair, noise.as_ref()), at);
                };
                with.comparing.run(compare).await;
            }
        }
        Ok(_) if !config.compare => pairs.mirrored(),
        Ok(copied) => {
            let (answered, at) = (job.answered, with.clock.unix());
            let copying = Arc::clone(&copying);
            let compare = move || compare(&pairs, &copying, (answered, copied, second), at);
            with.comparing.run(compare).await;
        }
    }
}

/// Takes long, as backends may wish.
fn compare(
    pairs: &Pairs,
    copying: &Copying,
    (answered, copied, second): (Answered, Answered, Option<Answered>),
    at: Duration,
) {
    match compared(copying, answered, copied, second) {
        Ok((pair, noise)) => pairs.compared(copying, (&pair, noise.as_ref()), at),
        Err(dropped) => pairs.dropped(dropped),
    }
}

#[cfg(test)]
mod tests;
