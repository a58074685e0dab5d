//! Who is to be told, and that there is something to tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Notify, watch};

use super::config::WebhookConfig;
use super::message;
use super::tally::Tally;
use crate::store::outbox::Message;
use crate::store::rows::{Batch, Event};

/// The webhooks of the file in force.
pub type Webhooks = Arc<BTreeMap<String, WebhookConfig>>;

/// Where changes leave messages for whoever delivers them. Clones are the same desk.
#[derive(Clone, Debug, Default)]
pub struct Desk {
    webhooks: watch::Sender<Webhooks>,
    written: Arc<Notify>,
    tally: Arc<Tally>,
}

impl Desk {
    /// Another file is in force.
    pub fn serve(&self, webhooks: &BTreeMap<String, WebhookConfig>) {
        self.webhooks.send_if_modified(|known| {
            let changed = **known != *webhooks;
            if changed {
                *known = Arc::new(webhooks.clone());
            }
            changed
        });
    }

    /// Names the events that are about to be kept, and puts beside each what every webhook is told of it: they are
    /// written together or not at all. Gives those that had no name.
    pub fn fill(&self, batch: &mut Batch) -> Vec<Event> {
        let mut named = Vec::new();
        for event in &mut batch.events {
            if event.id.is_empty() {
                self.name(std::slice::from_mut(event));
                batch.messages.extend(self.about(event));
                named.push(event.clone());
            }
        }
        named
    }

    /// Names events that have no name yet.
    pub fn name(&self, events: &mut [Event]) {
        for event in events.iter_mut().filter(|event| event.id.is_empty()) {
            event.id = message::named("evt");
        }
    }

    /// What every webhook is told of an event.
    pub fn about(&self, event: &Event) -> Vec<Message> {
        let webhooks = Arc::clone(&self.webhooks.borrow());
        let told = webhooks.keys().map(|name| message::of(event, name));
        told.collect()
    }

    /// Messages are in the store now.
    pub fn written(&self) {
        self.written.notify_one();
    }

    /// The webhooks in force, and whether they have changed.
    pub fn webhooks(&self) -> watch::Receiver<Webhooks> {
        self.webhooks.subscribe()
    }

    /// How deliveries go.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Resolves when messages were written since it was asked last. For one who asks.
    pub async fn more(&self) {
        self.written.notified().await;
    }
}
