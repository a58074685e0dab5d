//! Delivers what waits in the outbox, each message at least once: whoever is killed goes on after the next start.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::Clock;
use chassis::tasks::Tasks;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::backoff::{Try, outcome};
use super::config::WebhookConfig;
use super::desk::{Desk, Webhooks};
use super::post::post;
use crate::store::outbox::{Outcome, Post};
use crate::store::{Store, StoreError};

/// So many messages at once are on their way to one webhook: one that does not answer delays no other.
const EACH: usize = 4;
/// Clocks may be set meanwhile, and other processes at the same file may write.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// A store that does not answer is asked again after this.
const TROUBLE: Duration = Duration::from_secs(1);
/// Tries under way get so long when the process ends.
const LAST: Duration = Duration::from_secs(1);
/// A webhook has a time-out of its own; nothing takes longer than this.
const LONGEST: Duration = Duration::from_mins(5);

const GONE: &str = "the webhook is not in the file any more";

/// What is needed to deliver.
#[derive(Clone, Debug)]
pub struct Relay {
    store: Arc<Store>,
    desk: Desk,
    clock: Clock,
    client: reqwest::Client,
}

impl Relay {
    /// From this store, to the webhooks that the desk knows.
    pub fn new(store: &Arc<Store>, desk: &Desk, clock: &Clock) -> reqwest::Result<Self> {
        Ok(Self {
            store: Arc::clone(store),
            desk: desk.clone(),
            clock: clock.clone(),
            client: chassis::http_client::build(LONGEST)?,
        })
    }

    /// Delivers until the process ends. The desk knows its webhooks by then: what is for others is given up.
    pub fn start(self, tasks: &Tasks) {
        let running = Running {
            relay: self,
            tasks: tasks.clone(),
            under_way: BTreeMap::new(),
        };
        let stopping = tasks.stopping();
        tasks.spawn("notify", running.deliver(stopping));
    }
}

struct Running {
    relay: Relay,
    tasks: Tasks,
    /// The webhook of each message that is on its way.
    under_way: BTreeMap<String, String>,
}

impl Running {
    async fn deliver(mut self, stopping: impl Future<Output = ()>) {
        let desk = self.relay.desk.clone();
        let mut webhooks = desk.webhooks();
        let mut served: Option<Webhooks> = None;
        let mut tries = FuturesUnordered::new();
        tokio::pin!(stopping);
        loop {
            let known = Arc::clone(&webhooks.borrow_and_update());
            let same = |served: &Webhooks| Arc::ptr_eq(served, &known);
            if !served.as_ref().is_some_and(same) && self.abandon(&known).await {
                served = Some(Arc::clone(&known));
            }
            let (due, wait) = self.due(&known).await;
            tries.extend(
                due.into_iter()
                    .map(|(webhook, post)| self.begin(webhook, post)),
            );
            tokio::select! {
                () = &mut stopping => return,
                () = desk.more() => {}
                _ = webhooks.changed() => {}
                Some(id) = tries.next(), if !tries.is_empty() => { self.under_way.remove(&id); }
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Nobody is left whom these messages are for. Whether that is kept.
    async fn abandon(&self, webhooks: &Webhooks) -> bool {
        let (names, now) = (names(webhooks), self.relay.clock.unix());
        let given_up = ask(&self.relay.store, move |store| {
            store.abandon(names, GONE, now)
        })
        .await;
        if let Some(messages @ 1..) = given_up {
            tracing::warn!(messages, "given up: {GONE}");
        }
        given_up.is_some()
    }

    /// What is tried now, and how long until there is something to try.
    async fn due(&self, webhooks: &Webhooks) -> (Vec<(WebhookConfig, Post)>, Duration) {
        let (names, now) = (names(webhooks), self.relay.clock.unix());
        // Those under way are due as well, until it is kept what came of them.
        let found = ask(&self.relay.store, move |store| {
            store.due(names, 2 * EACH, now)
        })
        .await;
        // What is wrong with the store is said by whoever keeps state.
        let Some(waiting) = found else {
            return (Vec::new(), TROUBLE);
        };
        // Where none wait, none are said to.
        let mut pending: BTreeMap<_, _> = webhooks.keys().map(|name| (name.clone(), 0)).collect();
        pending.extend(waiting.pending);
        self.relay.desk.tally().wait(pending);
        let mut free: BTreeMap<&str, usize> = BTreeMap::new();
        for name in webhooks.keys() {
            let busy = self.under_way.values().filter(|webhook| *webhook == name);
            free.insert(name, EACH.saturating_sub(busy.count()));
        }
        let mut due = Vec::new();
        for post in waiting.due {
            let Some(free) = free.get_mut(post.webhook.as_str()) else {
                continue;
            };
            if *free > 0 && !self.under_way.contains_key(&post.id) {
                *free -= 1;
                due.push((webhooks[&post.webhook].clone(), post));
            }
        }
        let wait = waiting
            .next
            .map_or(LOOK_AGAIN, |next| next.saturating_sub(now));
        (due, wait.min(LOOK_AGAIN))
    }

    /// Tries it, apart from all others. The future has the message's id when what came of it is kept.
    fn begin(
        &mut self,
        webhook: WebhookConfig,
        post: Post,
    ) -> impl Future<Output = String> + use<> {
        let id = post.id.clone();
        self.under_way.insert(id.clone(), webhook.name.clone());
        let stopping = self.tasks.stopping();
        let trying = tried(self.relay.clone(), webhook, post);
        let task = self.tasks.spawn("notification", async move {
            let late = async {
                stopping.await;
                tokio::time::sleep(LAST).await;
            };
            tokio::select! { () = trying => {}, () = late => {} }
        });
        async move {
            let _ = task.await;
            id
        }
    }
}

/// One try, and what came of it kept: until it is, nobody tries again.
async fn tried(relay: Relay, webhook: WebhookConfig, post: Post) {
    let answer = self::post(&relay.client, &webhook, &post, relay.clock.unix()).await;
    let one = Try {
        before: post.tries,
        since: post.since,
        now: relay.clock.unix(),
        give_up_after: webhook.give_up_after,
        dice: fastrand::f64(),
    };
    let outcome = outcome(answer, one);
    relay.desk.tally().count(&webhook.name, &outcome);
    say(&webhook.name, &post, &outcome);
    loop {
        let (id, outcome, now) = (post.id.clone(), outcome.clone(), relay.clock.unix());
        let kept = ask(&relay.store, move |store| store.settle(id, outcome, now)).await;
        if kept.is_some() {
            return;
        }
        tokio::time::sleep(TROUBLE).await;
    }
}

fn say(webhook: &str, post: &Post, outcome: &Outcome) {
    let id = &post.id;
    match outcome {
        Outcome::Delivered => tracing::debug!(webhook, id, "a message was delivered"),
        // It may go on for days.
        Outcome::Again { why, .. } if post.tries > 0 => {
            tracing::debug!(
                webhook,
                id,
                why,
                tries = post.tries,
                "a message was not delivered"
            );
        }
        Outcome::Again { why, .. } => {
            tracing::warn!(
                webhook,
                id,
                why,
                "a message was not delivered; it is tried again"
            );
        }
        Outcome::Dead { why } => {
            tracing::error!(
                webhook,
                id,
                why,
                "a message is given up; `banyan notifications retry` tries it again"
            );
        }
    }
}

fn names(webhooks: &BTreeMap<String, WebhookConfig>) -> Vec<String> {
    webhooks.keys().cloned().collect()
}

/// On a thread that may wait for a disk. Nothing where it cannot be done.
async fn ask<T: Send + 'static>(
    store: &Arc<Store>,
    question: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Option<T> {
    let store = Arc::clone(store);
    let asked = tokio::task::spawn_blocking(move || question(&store)).await;
    asked.ok()?.ok()
}

#[cfg(test)]
mod tests;
