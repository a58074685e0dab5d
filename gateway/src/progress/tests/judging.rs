//! How the judge leads a canary: ticks of one second, steps of ten.

use std::sync::Arc;

use http::StatusCode;
use strangler::judge::Verdict;
use strangler::{Percent, Side};

use super::*;
use crate::judge::noted::{Batch, Sample};
use crate::progress::verb::Verb;
use crate::route::config::TargetConfig;
use crate::side::config::MigrationConfig;

const TICK: Duration = Duration::from_secs(1);

/// Callers of each side in a tick.
const CALLERS: u32 = 100;

fn percent(percent: f64) -> Percent {
    Percent::try_from(percent).unwrap()
}

fn of(config: &mut Config) -> &mut MigrationConfig {
    match &mut config.routes.get_mut("orders").unwrap().target {
        TargetConfig::Migration(migration) => migration,
        TargetConfig::Upstream(_) | TargetConfig::Own(_) => panic!("orders has two sides"),
    }
}

/// A canary that the judge leads through `steps`, or a person by `percent` where there is none.
fn canary(steps: &[f64]) -> Config {
    let mut config = orders("canary");
    let migration = of(&mut config);
    migration.rollout.steps = steps.iter().map(|step| percent(*step)).collect();
    if let Some(first) = migration.rollout.steps.first() {
        migration.split.percent = *first;
    }
    migration.judge.interval = TICK;
    let rules = &mut migration.judge.rules;
    rules.step_min = 10 * TICK;
    rules.min_samples = 500;
    rules.max_error_rate_delta = 0.02;
    rules.p99_tolerance = None;
    config
}

impl World {
    fn step(&self) -> u32 {
        self.progress.standings().of("orders").step
    }

    fn look(&self, config: &Config, batches: &[Batch]) {
        self.hand.advance(TICK);
        let mut change = self.progress.change();
        change.look_at_canaries(config, batches);
        change.done();
    }

    /// A second in which so many of the callers fail, on the service and on legacy.
    fn second(&self, config: &Config, failing: [u32; 2]) {
        let sides = [(Side::Service, 0), (Side::Legacy, 1)];
        let samples = sides.into_iter().flat_map(|(side, index)| {
            (0..CALLERS).map(move |caller| Sample {
                side,
                hash: (caller + CALLERS * u32::from(side == Side::Legacy))
                    .wrapping_mul(2_654_435_761),
                failed: caller < failing[index],
                took: 1_000,
            })
        });
        let batch = Batch {
            route: Arc::new(RouteStats::new("orders", 1)),
            step: self.step(),
            samples: samples.collect(),
        };
        self.look(config, &[batch]);
    }

    fn seconds(&self, config: &Config, count: u32, failing: [u32; 2]) {
        for _ in 0..count {
            self.second(config, failing);
        }
    }

    fn share(&self) -> Option<Percent> {
        self.progress.standings().of("orders").share
    }

    fn effective(&self, config: &mut Config) -> String {
        let standings = self.progress.standings();
        effective::effective(of(config), "orders", &standings).phase
    }

    fn say(&self, config: &Config, verb: Verb) {
        let mut change = self.progress.change();
        change.say(verb, "orders", config, &ana("why")).unwrap();
        change.done();
    }

    fn story(&self) -> Vec<(String, String)> {
        let store = self.progress.store().unwrap();
        let mut events = store.events(Some("orders".to_owned()), 100).unwrap();
        events.reverse();
        let events = events.into_iter();
        events.map(|event| (event.from, event.to)).collect()
    }
}

fn told(story: &[(String, String)]) -> Vec<(&str, &str)> {
    let story = story.iter();
    story
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect()
}

#[test]
fn a_healthy_canary_goes_through_its_steps_and_is_promoted() {
    let world = World::new();
    let mut config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    assert_eq!(world.share(), Some(percent(5.0)));
    // One for the first look, which begins.
    world.seconds(&config, 9, [0, 0]);
    assert_eq!(world.share(), Some(percent(5.0)));
    world.seconds(&config, 2, [0, 0]);
    assert_eq!(world.share(), Some(percent(50.0)));
    assert_eq!(world.effective(&mut config), "canary");
    world.seconds(&config, 12, [0, 0]);
    assert_eq!(world.effective(&mut config), "migrated");
    let story = world.story();
    let expected = [
        ("-", "canary"),
        ("canary 5 %", "canary 50 %"),
        ("canary 50 %", "migrated"),
    ];
    assert_eq!(told(&story), expected);
    let over = world.progress.standings().over("orders", of(&mut config));
    assert_eq!(over.phase, Some(Phase::Migrated));
    // Nothing is judged any more, nor shown of its last step, and a person may take it back.
    assert_eq!(world.progress.judged_now("orders"), None);
    world.seconds(&config, 3, [CALLERS, 0]);
    assert_eq!(world.effective(&mut config), "migrated");
    world.say(&config, Verb::Rollback);
    assert_eq!(world.effective(&mut config), "rolled_back");
}

#[test]
fn a_broken_service_is_left_at_once_and_for_good_after_the_second_time() {
    let mut world = World::new();
    let mut config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 3, [0, 0]);
    world.seconds(&config, 2, [60, 1]);
    assert_eq!(world.effective(&mut config), "rolled_back");
    // What spoke against it is there to be read, until another step begins.
    let judged = world.progress.judged_now("orders").unwrap();
    assert!(matches!(judged.verdict, Some(Verdict::Rollback { .. })));
    let store = world.progress.store().unwrap();
    let event = store
        .events(Some("orders".to_owned()), 1)
        .unwrap()
        .remove(0);
    assert_eq!(
        (event.actor.as_str(), event.to.as_str()),
        ("judge", "rolled_back")
    );
    let detail: leading::RollbackDetail =
        serde_json::from_str(event.detail.as_deref().unwrap()).unwrap();
    assert_eq!(detail.users, u64::from(CALLERS));
    assert!(
        detail.failed >= 60 && detail.requests > detail.failed,
        "{detail:?}"
    );
    assert!(detail.detected_after <= 2.0, "{detail:?}");

    world.restart();
    world.admit(&config, None, Patience::Wait).unwrap();
    assert_eq!(world.effective(&mut config), "rolled_back");
    world.say(&config, Verb::Resume { keep_cohort: false });
    let standing = world.progress.standings().of("orders");
    assert_eq!((standing.epochs, standing.share), (1, Some(percent(5.0))));
    assert_eq!(world.progress.judged_now("orders"), None);
    world.seconds(&config, 5, [60, 1]);
    assert_eq!(world.effective(&mut config), "blocked");
    // Only a person lets it in again, and then it counts from nothing.
    world.say(&config, Verb::Resume { keep_cohort: true });
    let standing = world.progress.standings().of("orders");
    assert_eq!((standing.epochs, standing.rollbacks), (1, 0));
    assert_eq!(world.effective(&mut config), "canary");
}

#[test]
fn what_was_seen_is_there_after_a_restart_bit_by_bit() {
    let mut world = World::new();
    let config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 6, [2, 1]);
    let before = Arc::clone(&world.progress.judged()["orders"]);
    assert!(
        matches!(before.verdict, Some(Verdict::Hold { .. })),
        "{before:?}"
    );
    world.restart();
    world.admit(&config, None, Patience::Wait).unwrap();
    assert_eq!(world.progress.judged()["orders"], before);
    world.second(&config, [2, 1]);
    let after = Arc::clone(&world.progress.judged()["orders"]);
    assert_eq!(
        (after.number, after.step.begun()),
        (before.number, before.step.begun())
    );
}

#[test]
fn another_share_is_another_step_and_the_same_file_is_not() {
    let world = World::new();
    let mut config = canary(&[]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 4, [0, 0]);
    let first = Arc::clone(&world.progress.judged()["orders"]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    assert_eq!(world.step(), first.number);
    of(&mut config).split.percent = percent(25.0);
    world.admit(&config, None, Patience::Refuse).unwrap();
    assert_eq!(world.step(), first.number + 1);
    world.second(&config, [0, 0]);
    let second = Arc::clone(&world.progress.judged()["orders"]);
    assert_eq!(second.step.share(), percent(25.0));
    assert_eq!(second.step.exposed().requests, 0);
    // Led by hand: whatever the judge finds, the share stays.
    world.seconds(&config, 25, [0, 0]);
    assert_eq!(world.share(), Some(percent(25.0)));
    // Steps go on at the largest that is not above it.
    let config = canary(&[1.0, 10.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    assert_eq!(world.share(), Some(percent(10.0)));
    // Left and entered again it begins with the first, for the same callers.
    world
        .admit(&orders("shadow"), None, Patience::Refuse)
        .unwrap();
    assert_eq!(world.share(), None);
    world.look(&orders("shadow"), &[]);
    assert!(world.progress.judged().is_empty());
    world.admit(&config, None, Patience::Refuse).unwrap();
    let standing = world.progress.standings().of("orders");
    assert_eq!((standing.share, standing.epochs), (Some(percent(1.0)), 0));
}

#[test]
fn who_is_held_goes_back_but_not_forward_and_who_is_killed_is_not_looked_at() {
    let world = World::new();
    let mut config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.say(&config, Verb::Hold);
    world.seconds(&config, 25, [0, 0]);
    assert_eq!(world.share(), Some(percent(5.0)));
    world.say(&config, Verb::Kill);
    let before = Arc::clone(&world.progress.judged()["orders"]);
    world.seconds(&config, 3, [CALLERS, 0]);
    assert_eq!(world.progress.judged()["orders"], before);
    world.say(&config, Verb::Resume { keep_cohort: false });
    world.say(&config, Verb::Hold);
    world.seconds(&config, 3, [CALLERS, 0]);
    assert_eq!(world.effective(&mut config), "rolled_back");
}

#[test]
fn once_promoted_other_steps_move_nobody_back_and_a_percent_does() {
    let world = World::new();
    let mut config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.say(&config, Verb::Advance);
    world.say(&config, Verb::Advance);
    assert_eq!(world.effective(&mut config), "migrated");
    for steps in [&[5.0][..], &[5.0, 50.0, 75.0], &[10.0, 100.0]] {
        let mut config = canary(steps);
        world.admit(&config, None, Patience::Refuse).unwrap();
        assert_eq!(world.effective(&mut config), "migrated", "{steps:?}");
    }
    let mut by_hand = canary(&[]);
    of(&mut by_hand).split.percent = percent(50.0);
    world.admit(&by_hand, None, Patience::Refuse).unwrap();
    assert_eq!(world.effective(&mut by_hand), "canary");
    assert_eq!(world.share(), Some(percent(50.0)));
}

#[test]
fn what_is_slow_is_known_at_everybody_however_long_legacy_has_been_idle() {
    let world = World::new();
    let mut config = canary(&[50.0, 100.0]);
    of(&mut config).judge.rules.p99_tolerance = Some(1.2);
    world.admit(&config, None, Patience::Refuse).unwrap();
    let stats = Arc::new(RouteStats::new("orders", 1));
    for _ in 0..1000 {
        let took = Duration::from_millis(10);
        stats.count(0, Some(Side::Legacy), StatusCode::OK, took, Some(took));
    }
    let counted = Counted {
        config: &config,
        stats: &[stats],
        notes: Vec::new(),
        tick: 1,
    };
    world.progress.keep(counted, |_| {});
    let slow = |world: &World| world.progress.judged()["orders"].step.threshold();
    world.second(&config, [0, 0]);
    let before = slow(&world);
    assert!(before.is_some());
    // Longer than anybody remembers how fast legacy was.
    world.hand.advance(Duration::from_hours(2));
    world.say(&config, Verb::Advance);
    world.second(&config, [0, 0]);
    assert_eq!(slow(&world), before);
}

#[test]
fn without_leave_the_judge_only_says_what_it_thinks() {
    let world = World::new();
    let mut config = canary(&[5.0, 50.0]);
    let rollout = &mut of(&mut config).rollout;
    (rollout.auto_advance, rollout.auto_rollback) = (false, false);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 11, [0, 0]);
    assert_eq!(world.share(), Some(percent(5.0)));
    world.seconds(&config, 3, [CALLERS, 0]);
    assert_eq!(world.effective(&mut config), "canary");
    let judged = Arc::clone(&world.progress.judged()["orders"]);
    assert!(
        matches!(judged.verdict, Some(Verdict::Rollback { .. })),
        "{judged:?}"
    );
    // A person is told to, and once.
    let advice =
        "canary 5 % (canary.auto_rollback = false: take it back with banyan rollback orders)";
    let expected = [("-", "canary"), ("canary 5 %", advice)];
    assert_eq!(told(&world.story()), expected);
    world.say(&config, Verb::Advance);
    assert_eq!(world.share(), Some(percent(50.0)));
    world.say(&config, Verb::Advance);
    assert_eq!(world.effective(&mut config), "migrated");
}

#[test]
fn who_begins_with_everybody_is_compared_with_what_legacy_did_in_the_hour_before() {
    let world = World::new();
    let shadow = orders("shadow");
    world.admit(&shadow, None, Patience::Refuse).unwrap();
    let stats = Arc::new(RouteStats::new("orders", 1));
    let took = Duration::from_millis(1);
    for _ in 0..1_000 {
        stats.count(0, Some(Side::Legacy), StatusCode::OK, took, Some(took));
    }
    let counted = Counted {
        config: &shadow,
        stats: &[stats],
        notes: Vec::new(),
        tick: 1,
    };
    world.progress.keep(counted, |_| {});
    let mut config = canary(&[100.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 2, [0, 0]);
    assert_eq!(world.effective(&mut config), "canary");
    world.seconds(&config, 2, [90, 0]);
    assert_eq!(world.effective(&mut config), "rolled_back");
}

#[test]
fn after_a_kill_the_step_begins_anew_for_the_same_callers() {
    let world = World::new();
    let config = canary(&[5.0, 50.0]);
    world.admit(&config, None, Patience::Refuse).unwrap();
    world.seconds(&config, 5, [0, 0]);
    let before = world.step();
    world.say(&config, Verb::Kill);
    world.hand.advance(Duration::from_hours(5));
    world.say(&config, Verb::Resume { keep_cohort: false });
    let standing = world.progress.standings().of("orders");
    assert_eq!(
        (standing.step, standing.share),
        (before + 1, Some(percent(5.0)))
    );
    assert_eq!(standing.epochs, 0);
    world.second(&config, [0, 0]);
    assert_eq!(world.progress.judged()["orders"].step.exposed().requests, 0);
}
