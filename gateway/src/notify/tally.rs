//! How deliveries go, for `/metrics`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::metrics::registry::Sample;
use crate::store::outbox::Outcome;

/// Counts of one process.
#[derive(Debug, Default)]
pub struct Tally {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// By webhook and outcome.
    tries: BTreeMap<(String, &'static str), u64>,
    pending: BTreeMap<String, u64>,
}

impl Tally {
    /// A try was made.
    pub fn count(&self, webhook: &str, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Again { .. } => "failed",
            Outcome::Dead { .. } => "dead",
        };
        let mut inner = self.inner();
        *inner
            .tries
            .entry((webhook.to_owned(), outcome))
            .or_default() += 1;
    }

    /// So many messages wait, by webhook.
    pub fn wait(&self, pending: BTreeMap<String, u64>) {
        self.inner().pending = pending;
    }

    /// As a scrape sees it.
    pub fn samples(&self) -> Vec<Sample> {
        let inner = self.inner();
        let tries = inner.tries.iter().map(|((webhook, outcome), count)| {
            let help = "Tries to deliver a message to a webhook";
            let labels = vec![
                ("webhook", webhook.clone()),
                ("outcome", (*outcome).to_owned()),
            ];
            Sample::counter("banyan_notifications", help, labels, *count)
        });
        let pending = inner.pending.iter().map(|(webhook, count)| {
            let help = "Messages that wait to be delivered to a webhook";
            let labels = vec![("webhook", webhook.clone())];
            Sample::gauge("banyan_notifications_pending", help, labels, *count)
        });
        tries.chain(pending).collect()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
