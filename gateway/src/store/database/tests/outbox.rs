//! Events, and the messages that tell of them.

use super::*;
use crate::store::outbox::{Message, MessageRow, MessageState, Outcome};

const HOUR: Duration = Duration::from_hours(1);

fn event(id: &str) -> Event {
    Event {
        id: id.to_owned(),
        at: NOW,
        route: "orders".to_owned(),
        from: "canary 5 %".to_owned(),
        to: "rolled_back".to_owned(),
        detail: Some("{\"users\":48}".to_owned()),
        ..Event::default()
    }
}

fn message(id: &str, webhook: &str, event: &str, created: Duration) -> Message {
    Message {
        id: id.to_owned(),
        webhook: webhook.to_owned(),
        event: event.to_owned(),
        body: format!("{{\"of\":\"{event}\"}}"),
        created,
    }
}

fn kept(messages: Vec<Message>) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("state.db")).unwrap();
    let batch = Batch {
        events: vec![event("evt_a")],
        messages,
        ..Batch::default()
    };
    store.write(batch).unwrap();
    (folder, store)
}

fn in_state(store: &Store, state: MessageState) -> Vec<MessageRow> {
    store.outbox(state, 100).unwrap().messages
}

fn ids(rows: &[MessageRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

fn due(store: &Store, now: Duration) -> (Vec<String>, Option<Duration>) {
    let webhooks = vec!["ops".to_owned(), "pager".to_owned()];
    let waiting = store.due(webhooks, 2, now).unwrap();
    let ids = waiting.due.into_iter().map(|post| post.id);
    (ids.collect(), waiting.next)
}

#[test]
fn a_file_of_the_version_before_keeps_its_events_and_gets_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let connection = Connection::open(&path).unwrap();
    schema::as_of(&connection, 1).unwrap();
    let old = "INSERT INTO event(at_ms, route, from_phase, to_phase, actor, who, why, generation)
        VALUES(1, 'orders', '-', 'shadow', 'config', '', '', 1), (2, 'orders', 'shadow', 'canary', 'config', '', '', 2)";
    connection.execute(old, []).unwrap();
    drop(connection);
    let store = Store::open(&path).unwrap();
    let batch = Batch {
        events: vec![event("evt_a")],
        ..Batch::default()
    };
    store.write(batch.clone()).unwrap();
    // Written although nobody heard of it, and so once more.
    store.write(batch).unwrap();
    let events = store.events(None, 10).unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.id.as_str(),
                event.to.as_str(),
                event.detail.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("evt_a", "rolled_back", Some("{\"users\":48}")),
            ("evt_2", "canary", None),
            ("evt_1", "shadow", None)
        ]
    );
}

#[test]
fn messages_are_due_by_webhook_until_they_are_settled() {
    let (_folder, store) = kept(vec![
        message("msg_1", "ops", "evt_a", NOW),
        message("msg_2", "ops", "evt_a", NOW),
        message("msg_3", "ops", "evt_a", NOW),
        message("msg_4", "pager", "evt_a", NOW),
        message("msg_5", "gone", "evt_a", NOW),
    ]);
    assert_eq!(due(&store, NOW).0, ["msg_1", "msg_2", "msg_4"]);
    let settle = |id: &str, outcome| store.settle(id.to_owned(), outcome, NOW + HOUR).unwrap();
    let again = |at| Outcome::Again {
        at,
        why: "answered 500".to_owned(),
    };
    settle("msg_1", Outcome::Delivered);
    settle("msg_2", again(NOW + HOUR));
    settle("msg_4", again(NOW + 2 * HOUR));
    assert_eq!(
        due(&store, NOW),
        (vec!["msg_3".to_owned()], Some(NOW + HOUR))
    );
    // Another process that tried as well does not take it back.
    settle("msg_1", again(NOW));
    settle(
        "msg_3",
        Outcome::Dead {
            why: "answered 410".to_owned(),
        },
    );
    let known = vec!["ops".to_owned(), "pager".to_owned()];
    assert_eq!(store.abandon(known, "not in the file", NOW).unwrap(), 1);
    assert_eq!(ids(&in_state(&store, MessageState::Delivered)), ["msg_1"]);
    assert_eq!(
        ids(&in_state(&store, MessageState::Pending)),
        ["msg_2", "msg_4"]
    );
    let outbox = store.outbox(MessageState::Dead, 10).unwrap();
    assert_eq!(ids(&outbox.messages), ["msg_3", "msg_5"]);
    let dead = &outbox.messages[0];
    assert_eq!(
        (dead.route.as_str(), dead.to.as_str(), dead.tries),
        ("orders", "rolled_back", 1)
    );
    assert_eq!(
        (dead.ended, dead.error.as_deref()),
        (Some(NOW + HOUR), Some("answered 410"))
    );
    let ops = &outbox.webhooks["ops"];
    assert_eq!((ops.pending, ops.dead, ops.delivered), (1, 1, 1));
    assert_eq!(ops.last_delivered, Some(NOW + HOUR));
}

#[test]
fn a_dead_message_is_revived_once_and_audited() {
    let (_folder, store) = kept(vec![message("msg_1", "ops", "evt_a", NOW)]);
    let revive = || store.revive("msg_1".to_owned(), audit()).unwrap();
    assert!(!revive());
    let why = "answered 410".to_owned();
    store
        .settle("msg_1".to_owned(), Outcome::Dead { why }, NOW)
        .unwrap();
    assert!(revive());
    assert!(!revive());
    let row = store.message("msg_1".to_owned()).unwrap().unwrap();
    assert_eq!(
        (row.state.as_str(), row.tries, row.ended),
        ("pending", 0, None)
    );
    assert_eq!(store.audit(10).unwrap(), [audit()]);
    assert_eq!(store.message("msg_2".to_owned()).unwrap(), None);
}

#[test]
fn old_messages_go_and_those_that_wait_are_bounded() {
    let day = 24 * HOUR;
    let many = (0..10_003).map(|n| {
        let created = NOW + Duration::from_millis(n);
        message(&format!("msg_{n}"), "ops", "evt_a", created)
    });
    let (_folder, store) = kept(many.collect());
    store
        .settle("msg_10000".to_owned(), Outcome::Delivered, NOW)
        .unwrap();
    store.tidy(NOW + 6 * day).unwrap();
    assert_eq!(
        ids(&in_state(&store, MessageState::Dead)),
        ["msg_1", "msg_0"]
    );
    assert_eq!(
        ids(&in_state(&store, MessageState::Delivered)),
        ["msg_10000"]
    );
    store.tidy(NOW + 8 * day).unwrap();
    assert_eq!(ids(&in_state(&store, MessageState::Delivered)), [""; 0]);
    store.tidy(NOW + 37 * day).unwrap();
    let outbox = store.outbox(MessageState::Dead, 10).unwrap();
    assert_eq!(outbox.messages, []);
    assert_eq!(outbox.webhooks["ops"].pending, 10_000);
}
