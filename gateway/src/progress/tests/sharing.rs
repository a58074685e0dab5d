//! What other gateways say, and what they are told.

use super::*;
use crate::progress::effective::effective;
use crate::progress::exchanged::{Adopted, Shared};
use crate::progress::shared::{At, Run};
use crate::progress::verb::Verb;
use crate::route::config::TargetConfig;
use crate::store::rows::Event;

fn adopted(shared: Vec<Shared>) -> Adopted {
    Adopted {
        shared,
        ..Adopted::default()
    }
}

fn run(declared: Phase, rolled_back: bool) -> Shared {
    let run = Run {
        declared: Some(declared),
        rolled_back: rolled_back.then(|| ana("prices").word),
        rollbacks: u32::from(rolled_back),
        at: At {
            step: 7,
            ..At::default()
        },
        ..Run::default()
    };
    Shared::Run("orders".to_owned(), Box::new(run))
}

impl World {
    fn adopt(&self, adopted: Adopted) {
        let mut change = self.progress.change();
        change.adopt(adopted);
        change.done();
    }

    fn unheard(&self) -> Vec<Shared> {
        self.progress.change().unheard()
    }

    fn shown(&self, config: &Config) -> String {
        let TargetConfig::Migration(migration) = &config.routes["orders"].target else {
            panic!("it has two sides");
        };
        effective(migration, "orders", &self.progress.standings()).phase
    }
}

#[test]
fn a_gateway_that_is_new_and_has_an_old_file_changes_nothing_for_the_others() {
    let world = World::new();
    world.adopt(adopted(vec![run(Phase::Canary, true)]));
    world
        .admit(&orders("shadow"), None, Patience::Wait)
        .unwrap();
    assert_eq!(world.entered(), Some(Phase::Shadow));
    assert_eq!(world.unheard(), []);
    // With their file it is where they are.
    let canary = orders("canary");
    world.admit(&canary, None, Patience::Refuse).unwrap();
    assert_eq!(world.shown(&canary), "rolled_back");
}

#[test]
fn a_canary_that_another_file_has_left_is_nobodys() {
    let world = World::new();
    let canary = orders("canary");
    world.admit(&canary, None, Patience::Refuse).unwrap();
    world.adopt(adopted(vec![run(Phase::Shadow, false)]));
    assert_eq!(world.shown(&canary), "rolled_back");
    // What comes after a canary leaves it as it is, until its file is here too.
    world.adopt(adopted(vec![run(Phase::Migrated, false)]));
    assert_eq!(world.shown(&canary), "canary");
}

#[test]
fn callers_stay_where_a_canary_has_brought_them_while_files_differ() {
    let world = World::new();
    let canary = orders("canary");
    world.admit(&canary, None, Patience::Refuse).unwrap();
    let before = world.progress.standings().of("orders");
    world
        .admit(&orders("migrated"), None, Patience::Refuse)
        .unwrap();
    let after = world.progress.standings().of("orders");
    let at = |standing| Run::of(standing).at;
    assert_eq!(at(&before), at(&after));
    // The canary begins anew when it is entered again.
    world.admit(&canary, None, Patience::Refuse).unwrap();
    assert!(world.progress.standings().of("orders").step > before.step);
}

#[test]
fn what_the_board_has_lost_is_told_again() {
    let world = World::new();
    let canary = orders("canary");
    world.admit(&canary, None, Patience::Refuse).unwrap();
    let mut change = world.progress.change();
    change
        .say(Verb::Kill, "orders", &canary, &ana("500s"))
        .unwrap();
    change.say_of_all(true, &ana("all is down")).unwrap();
    change.done();
    let told = world.unheard();
    assert_eq!(told.len(), 2);
    let mut change = world.progress.change();
    for one in told.clone() {
        change.agreed(one);
    }
    change.done();
    assert_eq!(world.unheard(), []);
    let all = |shared| Adopted {
        all: true,
        ..adopted(shared)
    };
    world.adopt(all(told.clone()));
    assert_eq!(world.unheard(), []);
    world.adopt(all(Vec::new()));
    assert_eq!(world.unheard(), told);
}

#[test]
fn what_could_not_be_in_force_here_is_not_taken_back_elsewhere() {
    let world = World::new();
    let mut change = world.progress.change();
    change.adopt(Adopted {
        shared: vec![Shared::Kill(Some(ana("all is down").word))],
        events: vec![Event::default()],
        ..Adopted::default()
    });
    drop(change);
    assert_eq!(world.unheard(), []);
    assert_eq!(world.progress.standings().killed, None);
}

#[test]
fn on_another_board_nobody_took_back_what_is_missing() {
    let mut world = World::new();
    let canary = orders("canary");
    let on = |era: &str, shared| Adopted {
        era: Some(era.to_owned()),
        all: true,
        ..adopted(shared)
    };
    world.adopt(on("a", Vec::new()));
    world.admit(&canary, None, Patience::Refuse).unwrap();
    let unsaid = world.unheard();
    let mut change = world.progress.change();
    change
        .say(Verb::Kill, "orders", &canary, &ana("500s"))
        .unwrap();
    change.done();
    let told = world.unheard();
    world.adopt(on("a", told.clone()));
    world.restart();
    assert_eq!(world.unheard(), []);
    // Another gateway was there first after the board was lost.
    world.adopt(on("b", unsaid.clone()));
    assert_eq!(world.shown(&canary), "legacy");
    assert_eq!(world.unheard(), told);
    world.adopt(on("b", told));
    world.restart();
    // On the same board they do take it back.
    world.adopt(on("b", unsaid));
    assert_eq!(world.shown(&canary), "canary");
}
