use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chassis::clock::{Clock, ManualTime};
use strangler::{GateState, Phase};

use super::keeping::Counted;
use super::standing::Word;
use super::*;
use crate::config::Config;
use crate::config::source::Source;
use crate::decommission::noted::{Note, Outcome, User};
use crate::metrics::stats::RouteStats;

const START: Duration = Duration::from_hours(500_000);
const DAY: Duration = Duration::from_hours(24);

struct World {
    folder: tempfile::TempDir,
    clock: Clock,
    hand: Arc<ManualTime>,
    progress: Progress,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, hand) = Clock::manual(START);
        let progress = open(folder.path(), &clock);
        Self {
            folder,
            clock,
            hand,
            progress,
        }
    }

    /// Another process at the same file.
    fn restart(&mut self) {
        self.progress = open(self.folder.path(), &self.clock);
    }

    fn admit(
        &self,
        config: &Config,
        gate: Option<&GateState>,
        patience: Patience,
    ) -> Result<(), NotYet> {
        let mut change = self.progress.change();
        change.admit(config, None, &|_, _| gate.cloned(), patience)?;
        change.done();
        Ok(())
    }

    fn keep(&self, config: &Config, notes: Vec<Note>, tick: u64) {
        let counted = Counted {
            config,
            stats: &[],
            notes,
            tick,
        };
        self.progress.keep(counted, |_| {});
    }

    /// Somebody watches for so long, and nobody uses legacy.
    fn watch(&self, config: &Config, time: Duration) {
        let step = Duration::from_mins(1);
        for tick in 0..time.as_secs() / step.as_secs() {
            self.hand.advance(step);
            self.keep(config, Vec::new(), tick);
        }
    }

    fn entered(&self) -> Option<Phase> {
        self.progress.standings().of("orders").entered
    }
}

fn open(folder: &Path, clock: &Clock) -> Progress {
    let config = orders("legacy");
    let state = crate::store::config::StateConfig {
        redis: None,
        path: folder.join("banyan.db"),
        ..config.state
    };
    Progress::open(&state, clock.clone(), "version = 1").0
}

fn orders(phase: &str) -> Config {
    let text = format!(
        "version = 1
        upstream.old.endpoints = [\"http://127.0.0.1:1\"]
        upstream.new.endpoints = [\"http://127.0.0.1:2\"]
        [route.orders]
        path = \"/orders\"
        auth = \"none\"
        sticky = [\"visitor\"]
        legacy = \"old\"
        service = \"new\"
        phase = \"{phase}\"
        canary.percent = 5
        [route.rest]
        path = \"/\"
        auth = \"none\"
        upstream = \"old\""
    );
    let source = Source {
        path: "routes.toml".into(),
        text,
    };
    let loaded = crate::config::load(&source, &|_| None);
    loaded
        .unwrap_or_else(|report| panic!("{}", report.render(false)))
        .config
}

fn ana(why: &str) -> Actor {
    Actor {
        what: "api",
        peer: "127.0.0.1".to_owned(),
        word: Word::new("ana", why, START),
    }
}

fn closed() -> GateState {
    GateState::Closed {
        compared: 1_204,
        needed: 2_000,
        rate: 0.0,
        reason: "1 204 of 2 000 pairs compared".to_owned(),
    }
}

fn used() -> Note {
    Note {
        route: Arc::new(RouteStats::new("orders", 1)),
        user: User {
            client: None,
            agent: None,
            outcome: Outcome::Ok,
        },
        count: 1,
    }
}

mod judging;
mod retiring;
mod sharing;
mod told;
mod verbs;

#[test]
fn an_edit_into_a_closed_gate_is_refused_and_names_route_and_reason() {
    let world = World::new();
    world
        .admit(&orders("shadow"), None, Patience::Refuse)
        .unwrap();
    let refused = world.admit(&orders("canary"), Some(&closed()), Patience::Refuse);
    assert_eq!(
        refused.unwrap_err().to_string(),
        "route.orders.phase: orders may not enter canary yet, and stays shadow: 1 204 of 2 000 pairs compared"
    );
    assert_eq!(world.entered(), Some(Phase::Shadow));
    world
        .admit(&orders("canary"), Some(&GateState::Open), Patience::Refuse)
        .unwrap();
    assert_eq!(world.entered(), Some(Phase::Canary));
    // The way back asks for nothing.
    world
        .admit(&orders("shadow"), Some(&closed()), Patience::Refuse)
        .unwrap();
}

#[test]
fn at_the_start_the_last_allowed_phase_stays_until_the_gate_opens() {
    let mut world = World::new();
    world
        .admit(&orders("shadow"), None, Patience::Wait)
        .unwrap();
    world.restart();
    let config = orders("canary");
    world
        .admit(&config, Some(&closed()), Patience::Wait)
        .unwrap();
    let standings = world.progress.standings();
    let waits = standings.of("orders").waits.unwrap();
    assert!(
        waits.contains("declared canary, waits: 1 204 of 2 000"),
        "{waits}"
    );
    let applied = standings.apply(&config);
    let crate::route::config::TargetConfig::Migration(migration) = &applied["orders"].target else {
        panic!("orders has two sides");
    };
    assert_eq!(migration.phase_in_force(), Phase::Shadow);

    // An edit that leaves the phase as it was goes through, and the route goes on waiting.
    let mut change = world.progress.change();
    change
        .admit(
            &config,
            Some(&config),
            &|_, _| Some(closed()),
            Patience::Refuse,
        )
        .unwrap();
    change.done();
    assert_eq!(world.entered(), Some(Phase::Shadow));

    world
        .admit(&config, Some(&GateState::Open), Patience::Wait)
        .unwrap();
    let standing = world.progress.standings().of("orders");
    assert_eq!(
        (standing.entered, standing.waits),
        (Some(Phase::Canary), None)
    );
}

#[test]
fn a_route_that_waits_may_come_nearer_and_go_on_waiting() {
    let world = World::new();
    world
        .admit(&orders("shadow"), None, Patience::Wait)
        .unwrap();
    let config = orders("retired");
    world
        .admit(&config, Some(&closed()), Patience::Wait)
        .unwrap();
    assert_eq!(world.entered(), Some(Phase::Shadow));
    let mut change = world.progress.change();
    let open = |_: &str, _: &_| Some(GateState::Open);
    change
        .admit(&config, Some(&config), &open, Patience::Wait)
        .unwrap();
    // Whoever looked only at how many wait would not compile it.
    assert!(change.moves(&config));
    change.done();
    let standing = world.progress.standings().of("orders");
    assert_eq!(standing.entered, Some(Phase::Migrated));
    assert!(standing.waits.unwrap().contains("legacy must go unused"));
    assert!(!world.progress.change().moves(&config));
}

#[test]
fn a_route_that_is_gone_waits_for_nothing_and_keeps_what_was_said() {
    let world = World::new();
    world
        .admit(&orders("shadow"), None, Patience::Wait)
        .unwrap();
    let config = orders("canary");
    world
        .admit(&config, Some(&closed()), Patience::Wait)
        .unwrap();
    let mut gone = config.clone();
    gone.routes.remove("orders");
    world.admit(&gone, None, Patience::Refuse).unwrap();
    let standing = world.progress.standings().of("orders");
    assert_eq!(
        (standing.waits, standing.entered),
        (None, Some(Phase::Shadow))
    );
}

#[test]
fn a_forced_phase_is_entered_once_and_audited() {
    let world = World::new();
    world
        .admit(&orders("shadow"), None, Patience::Refuse)
        .unwrap();
    let config = orders("shadow");
    let mut change = world.progress.change();
    change
        .force(
            "orders",
            Phase::Canary,
            &config,
            &ana("the diffs are known"),
        )
        .unwrap();
    change.done();
    world
        .admit(&orders("canary"), Some(&closed()), Patience::Refuse)
        .unwrap();
    world
        .admit(&orders("shadow"), Some(&closed()), Patience::Refuse)
        .unwrap();
    assert!(
        world
            .admit(&orders("canary"), Some(&closed()), Patience::Refuse)
            .is_err()
    );
    let store = world.progress.store().unwrap();
    let audit = store.audit(10).unwrap();
    let told: Vec<_> = audit
        .iter()
        .map(|line| (line.what.as_str(), line.who.as_str(), line.after.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("cutover", "ana", "canary"),
            ("force", "ana", "shadow, and canary may be entered")
        ]
    );
    let events = store.events(Some("orders".to_owned()), 10).unwrap();
    let story: Vec<_> = events
        .iter()
        .map(|event| (event.to.as_str(), event.why.as_str()))
        .collect();
    assert_eq!(
        story,
        [
            ("shadow", ""),
            ("canary", "the diffs are known"),
            ("shadow", "")
        ]
    );
}

#[test]
fn a_force_that_nobody_made_use_of_is_over_after_a_while() {
    let mut world = World::new();
    let config = orders("shadow");
    world.admit(&config, None, Patience::Refuse).unwrap();
    let mut change = world.progress.change();
    let actor = ana("the file was read-only");
    change
        .force("orders", Phase::Canary, &config, &actor)
        .unwrap();
    change.done();
    world.hand.advance(Duration::from_mins(6));
    world.restart();
    let refused = world.admit(&orders("canary"), Some(&closed()), Patience::Refuse);
    assert!(refused.is_err());
}

#[test]
fn the_number_of_a_file_goes_on_over_restarts_and_stays_with_the_same_text() {
    let mut world = World::new();
    assert_eq!(world.progress.generation(), 1);
    let mut change = world.progress.change();
    change.next_generation();
    change.accepted(
        "orders phase legacy -> shadow".to_owned(),
        "other text".to_owned(),
    );
    change.done();
    world.restart();
    // The text that this process starts with is not the last one.
    assert_eq!(world.progress.generation(), 3);
    world.progress.change().done();
    world.restart();
    assert_eq!(world.progress.generation(), 3);
}
