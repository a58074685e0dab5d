use super::*;
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use chassis::clock::Clock;
use http::{HeaderMap, StatusCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::store::outbox::{Message, MessageRow, MessageState};
use crate::store::rows::Batch;

/// Longer than any of this takes; shorter than a time-out that is not to come.
const PATIENCE: Duration = Duration::from_secs(20);
const HOUR: Duration = Duration::from_hours(1);

struct World {
    _folder: tempfile::TempDir,
    store: Arc<Store>,
    desk: Desk,
    tasks: Tasks,
    clock: Clock,
}

/// What a receiver was told: the id, and what it says of it.
#[derive(Clone)]
struct Receiver {
    told: UnboundedSender<(String, String)>,
    /// What it answers first; later 204.
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("state.db")).unwrap();
        Self {
            _folder: folder,
            store: Arc::new(store),
            desk: Desk::default(),
            tasks: Tasks::new(),
            clock: Clock::system(),
        }
    }

    /// So many messages for a webhook, as a change keeps them.
    fn keep(&self, webhook: &str, ids: std::ops::Range<u32>) {
        let message = |n| Message {
            id: format!("{webhook}_{n}"),
            webhook: webhook.to_owned(),
            event: "evt_1".to_owned(),
            body: format!("{{\"n\":{n}}}"),
            created: self.clock.unix(),
        };
        let batch = Batch {
            messages: ids.map(message).collect(),
            ..Batch::default()
        };
        self.store.write(batch).unwrap();
        self.desk.written();
    }

    fn start(&self) {
        let relay = Relay::new(&self.store, &self.desk, &self.clock).unwrap();
        relay.start(&self.tasks);
    }

    fn receiver(&self, first: &[StatusCode]) -> (String, UnboundedReceiver<(String, String)>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (told, hears) = unbounded_channel();
        let mut answers = first.to_vec();
        answers.reverse();
        let receiver = Receiver {
            told,
            answers: Arc::new(Mutex::new(answers)),
        };
        let router = Router::new().fallback(hear).with_state(receiver);
        chassis::serve::router(listener, router, &self.tasks).unwrap();
        (url, hears)
    }

    /// Waits until so much is counted.
    async fn counts(&self, expected: &[(String, u64)]) {
        loop {
            let samples = self.desk.tally().samples().into_iter();
            let counts = samples.map(|sample| {
                (
                    sample.labels[sample.labels.len() - 1].1.clone(),
                    sample.value,
                )
            });
            if counts.eq(expected.iter().cloned()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn all(&self, state: MessageState, count: usize) -> Vec<MessageRow> {
        let looking = async {
            loop {
                let found = self.store.outbox(state, 100).unwrap().messages;
                if found.len() == count {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.unwrap()
    }
}

async fn hear(State(receiver): State<Receiver>, fields: HeaderMap, body: String) -> StatusCode {
    let field = |name: &str| fields[name].to_str().unwrap().to_owned();
    let (id, timestamp) = (field("webhook-id"), field("webhook-timestamp"));
    let signature = super::super::sign::signature("secret", &id, timestamp.parse().unwrap(), &body);
    assert_eq!(field("webhook-signature"), signature);
    let next = receiver.answers.lock().unwrap().pop();
    receiver.told.send((id, body)).unwrap();
    next.unwrap_or(StatusCode::NO_CONTENT)
}

fn serve(world: &World, webhooks: &[(&str, &str)]) {
    let webhooks = webhooks.iter().map(|(name, url)| {
        let webhook = WebhookConfig {
            name: (*name).to_owned(),
            url: url.parse().unwrap(),
            secret: "secret".to_owned().into(),
            timeout: HOUR,
            give_up_after: HOUR,
        };
        ((*name).to_owned(), webhook)
    });
    world.desk.serve(&webhooks.collect());
}

#[tokio::test]
async fn a_receiver_that_never_answers_delays_no_other() {
    let world = World::new();
    // Connections are taken by the machine, and that is all.
    let hangs = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hangs = format!("http://{}/", hangs.local_addr().unwrap());
    let (url, mut hears) = world.receiver(&[]);
    world.keep("hangs", 0..20);
    world.keep("ops", 0..3);
    serve(&world, &[("hangs", &hangs), ("ops", &url)]);
    world.start();
    world.all(MessageState::Delivered, 3).await;
    // The next ones wake it.
    world.keep("ops", 3..20);
    world.all(MessageState::Delivered, 20).await;
    let mut told = Vec::new();
    while let Ok((id, _)) = hears.try_recv() {
        told.push(id);
    }
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 20);
}

#[tokio::test]
async fn what_was_not_delivered_comes_again_under_the_same_id() {
    let world = World::new();
    let (url, mut hears) = world.receiver(&[StatusCode::INTERNAL_SERVER_ERROR]);
    serve(&world, &[("ops", &url)]);
    world.start();
    world.keep("ops", 0..1);
    let delivered = world.all(MessageState::Delivered, 1).await;
    assert_eq!((delivered[0].tries, &delivered[0].error), (2, &None));
    let first = hears.recv().await.unwrap();
    assert_eq!(first, ("ops_0".to_owned(), "{\"n\":0}".to_owned()));
    assert_eq!(hears.recv().await.unwrap(), first);
    // Nothing waits: that is said as well.
    let counts = [("delivered", 1), ("failed", 1), ("ops", 0)];
    let counts = counts.map(|(label, count)| (label.to_owned(), count));
    world.counts(&counts).await;
}

#[tokio::test]
async fn messages_are_given_up_when_nobody_wants_them() {
    let world = World::new();
    let (url, _hears) = world.receiver(&[StatusCode::GONE]);
    world.keep("ops", 0..1);
    world.keep("old", 0..2);
    serve(&world, &[("ops", &url), ("old", "http://127.0.0.1:1/")]);
    serve(&world, &[("ops", &url)]);
    world.start();
    let dead = world.all(MessageState::Dead, 3).await;
    let why = dead
        .iter()
        .map(|row| (row.webhook.as_str(), row.error.as_deref().unwrap()));
    let mut why: Vec<_> = why.collect();
    why.sort_unstable();
    let gone = ("old", GONE);
    assert_eq!(
        why,
        [
            gone,
            gone,
            ("ops", "answered 410: it wants no more messages")
        ]
    );
    // Whoever is back is told again, of what happens then.
    serve(&world, &[("ops", &url), ("old", &url)]);
    world.keep("old", 2..3);
    world.all(MessageState::Delivered, 1).await;
}
