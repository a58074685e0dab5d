//! What operators say at run time.

use super::*;
use crate::progress::verb::{Verb, VerbError};

#[test]
fn what_was_said_is_there_after_a_restart_until_it_is_taken_back() {
    let mut world = World::new();
    let config = orders("canary");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let say = |world: &World, verb| {
        let mut change = world.progress.change();
        let spoken = change.say(verb, "orders", &config, &ana("checkout fails"))?;
        assert_eq!(change.done(), Said::Kept);
        Ok::<_, VerbError>(spoken)
    };
    let spoken = say(&world, Verb::Rollback).unwrap();
    assert_eq!(spoken.before, "canary");
    assert!(
        spoken
            .after
            .starts_with("rolled_back (rolled back by ana, "),
        "{spoken:?}"
    );
    assert!(
        spoken.after.ends_with(" UTC: checkout fails)"),
        "{spoken:?}"
    );
    say(&world, Verb::Kill).unwrap();
    world.restart();
    world.admit(&config, None, Patience::Wait).unwrap();
    let applied = world.progress.standings().apply(&config);
    let crate::route::config::TargetConfig::Migration(migration) = &applied["orders"].target else {
        panic!("orders has two sides");
    };
    let over = migration.over;
    assert!(over.killed && over.rolled_back, "{over:?}");
    assert_eq!(migration.epoch_in_force(), 1);
    say(&world, Verb::Resume { keep_cohort: false }).unwrap();
    let standing = world.progress.standings().of("orders");
    assert_eq!((standing.epochs, standing.rollbacks), (1, 1));
    assert_eq!((standing.killed, standing.rolled_back), (None, None));
    let nothing = say(&world, Verb::Resume { keep_cohort: false });
    assert_eq!(nothing, Err(VerbError::NothingSaid("orders".to_owned())));
    say(&world, Verb::Rollback).unwrap();
    say(&world, Verb::Resume { keep_cohort: true }).unwrap();
    assert_eq!(world.progress.standings().of("orders").epochs, 1);
}

#[test]
fn a_changed_phase_clears_a_rollback_and_a_kill_stays() {
    let world = World::new();
    let config = orders("canary");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let mut change = world.progress.change();
    for verb in [Verb::Rollback, Verb::Kill] {
        change.say(verb, "orders", &config, &ana("why")).unwrap();
    }
    change.done();
    world
        .admit(&orders("shadow"), None, Patience::Refuse)
        .unwrap();
    let standing = world.progress.standings().of("orders");
    assert_eq!(standing.rolled_back, None);
    assert!(standing.killed.is_some());
}

#[test]
fn what_cannot_be_said_says_why() {
    let world = World::new();
    let config = orders("migrated");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let mut change = world.progress.change();
    let mut say = |verb, route| {
        change
            .say(verb, route, &config, &ana("why"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        say(Verb::Kill, "order"),
        "there is no route \"order\"; did you mean \"orders\"?"
    );
    assert_eq!(
        say(Verb::Kill, "rest"),
        "rest has no two sides: it is outside the migration"
    );
    assert!(say(Verb::Rollback, "orders").starts_with("orders is migrated: only a canary"));
    change.say_of_all(true, &ana("fire")).unwrap();
    let killed = change.say(
        Verb::Resume { keep_cohort: false },
        "orders",
        &config,
        &ana("why"),
    );
    let killed = killed.unwrap_err().to_string();
    assert!(
        killed.contains("all routes killed by ana") && killed.contains("fire"),
        "{killed}"
    );
    change.say_of_all(false, &ana("out")).unwrap();
    assert!(change.say_of_all(false, &ana("out")).is_err());
}

#[test]
fn without_a_store_verbs_hold_and_say_that_they_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _) = Clock::manual(START);
    let progress = open(&folder.path().join("not/there"), &clock);
    assert!(progress.trouble().unwrap().contains("cannot be opened"));
    let config = orders("canary");
    let mut change = progress.change();
    change
        .admit(&config, None, &|_, _| None, Patience::Wait)
        .unwrap();
    change
        .say(Verb::Kill, "orders", &config, &ana("fire"))
        .unwrap();
    assert!(matches!(change.done(), Said::NotKept(why) if why.contains("[state] path")));
    assert!(progress.standings().kill("orders").is_some());
}

#[test]
fn a_row_that_cannot_be_read_is_said_and_left_as_it_is() {
    let mut world = World::new();
    let config = orders("canary");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let store = world.progress.store().unwrap();
    let odd = crate::store::rows::Document {
        kind: "standing",
        name: "orders".to_owned(),
        body: Some("{\"killed\":{\"who\":\"x\"}}".to_owned()),
    };
    let batch = crate::store::rows::Batch {
        documents: vec![odd.clone()],
        ..Default::default()
    };
    store.write(batch).unwrap();
    world.restart();
    let trouble = world.progress.trouble().unwrap();
    assert!(
        trouble.contains("standing of orders cannot be read"),
        "{trouble}"
    );
    let mut change = world.progress.change();
    change
        .say(Verb::Kill, "orders", &config, &ana("fire"))
        .unwrap();
    assert!(matches!(change.done(), Said::NotKept(_)));
    let known = world.progress.store().unwrap().known(START).unwrap();
    let row = known
        .documents
        .into_iter()
        .find(|(kind, ..)| kind == "standing");
    assert_eq!(row.map(|(.., body)| body), odd.body);
}

#[test]
fn all_that_stands_over_a_route_is_told() {
    let world = World::new();
    let config = orders("canary");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let mut change = world.progress.change();
    for (verb, why) in [
        (Verb::Kill, "fire"),
        (Verb::Rollback, "errors"),
        (Verb::Hold, "weekend"),
    ] {
        change.say(verb, "orders", &config, &ana(why)).unwrap();
    }
    let spoken = change
        .say(
            Verb::Resume { keep_cohort: false },
            "orders",
            &config,
            &ana("over"),
        )
        .unwrap();
    for word in [
        "killed by ana",
        "fire",
        "rolled back by ana",
        "errors",
        "held by ana",
        "weekend",
    ] {
        assert!(spoken.before.contains(word), "{word}: {}", spoken.before);
    }
    assert_eq!(spoken.after, "canary");
}
