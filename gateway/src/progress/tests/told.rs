//! Whoever is told of an event is told in the same moment in which it is kept.

use super::*;
use crate::notify::config::WebhookConfig;
use crate::store::outbox::MessageState;

fn told(phase: &str, webhooks: &[&str]) -> Config {
    let mut config = orders(phase);
    for name in webhooks {
        let webhook = WebhookConfig {
            name: (*name).to_owned(),
            url: "http://127.0.0.1:1/".parse().unwrap(),
            secret: "secret".to_owned().into(),
            timeout: Duration::from_secs(5),
            give_up_after: DAY,
        };
        config.webhooks.insert((*name).to_owned(), webhook);
    }
    config
}

/// Messages that wait: for whom, and of what.
fn waiting(world: &World) -> Vec<(String, String)> {
    let store = world.progress.store().unwrap();
    let rows = store.outbox(MessageState::Pending, 100).unwrap().messages;
    let mut told: Vec<_> = rows.into_iter().map(|row| (row.webhook, row.to)).collect();
    told.sort();
    told
}

fn pair(webhook: &str, to: &str) -> (String, String) {
    (webhook.to_owned(), to.to_owned())
}

#[test]
fn each_webhook_of_the_file_in_force_has_one_message_for_each_event() {
    let world = World::new();
    world
        .admit(&orders("legacy"), None, Patience::Refuse)
        .unwrap();
    assert_eq!(waiting(&world), []);
    world
        .admit(&told("shadow", &["ops", "pager"]), None, Patience::Refuse)
        .unwrap();
    let shadow = [pair("ops", "shadow"), pair("pager", "shadow")];
    assert_eq!(waiting(&world), shadow);
    // A change without another file tells the same ones.
    let mut change = world.progress.change();
    change.say_of_all(true, &ana("checkout fails")).unwrap();
    change.done();
    assert_eq!(waiting(&world).len(), 4);
    world
        .admit(&told("legacy", &["ops"]), None, Patience::Refuse)
        .unwrap();
    let of_ops = waiting(&world)
        .into_iter()
        .filter(|(name, _)| name == "ops");
    assert_eq!(of_ops.count(), 3);
    assert_eq!(waiting(&world).len(), 5);
}

#[test]
fn a_change_that_is_dropped_tells_nobody_and_leaves_who_is_told() {
    let world = World::new();
    world
        .admit(&told("shadow", &["ops"]), None, Patience::Refuse)
        .unwrap();
    world
        .admit(&told("canary", &[]), Some(&closed()), Patience::Refuse)
        .unwrap_err();
    world
        .admit(&told("legacy", &["ops"]), None, Patience::Refuse)
        .unwrap();
    assert_eq!(
        waiting(&world),
        [pair("ops", "legacy"), pair("ops", "shadow")]
    );
}

#[test]
fn what_a_store_cannot_write_waits_with_its_messages_under_the_same_ids() {
    let mut world = World::new();
    world
        .admit(&told("legacy", &["ops"]), None, Patience::Refuse)
        .unwrap();
    let path = world.folder.path().join("banyan.db");
    let aside = world.folder.path().join("aside.db");
    std::fs::rename(&path, &aside).unwrap();
    let config = told("shadow", &["ops"]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    std::fs::rename(&aside, &path).unwrap();
    assert_eq!(waiting(&world), [pair("ops", "legacy")]);
    world.keep(&config, Vec::new(), 1);
    assert_eq!(
        waiting(&world),
        [pair("ops", "legacy"), pair("ops", "shadow")]
    );
    let store = world.progress.store().unwrap();
    let events = store.events(None, 10).unwrap();
    let rows = store.outbox(MessageState::Pending, 10).unwrap().messages;
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.id.starts_with("evt_")));
    let named = |id: &str| events.iter().any(|event| event.id == id);
    assert!(rows.iter().all(|row| named(&row.event)), "{rows:?}");
    world.restart();
    assert_eq!(waiting(&world).len(), 2);
}
