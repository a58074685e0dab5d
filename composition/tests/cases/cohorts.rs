//! Two users, one canary: neither ever sees the other's cohort through a cache, whatever happens in between.

use std::sync::{Arc, Mutex};

use chassis::handover::{COHORT, Cohort, RouteState, SERVED_BY, STATE, State};
use composition::Kept;
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;
use tokio::time::{Instant, advance};

use crate::script::{Reply, ms};
use crate::shop::{Answer, Keeping, Shop};

/// How the route stands. Alice is on the service while it is in canary, bob never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Legacy,
    Canary { epoch: u32 },
    RolledBack,
    Migrated,
}

/// How a side behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Fails,
    HasNothing,
    Hangs,
}

/// A gateway, as far as a BFF sees it.
#[derive(Clone, Debug)]
struct Gateway {
    phase: Phase,
    /// Changes with other routes.
    elsewhere: u64,
    /// How often the route had moved since the request before: every answer says so, so that an old one is known.
    moves: u64,
    /// How the route stood at the last request.
    seen: Phase,
    legacy: Health,
    service: Health,
}

impl Gateway {
    fn new() -> Self {
        Self {
            phase: Phase::Canary { epoch: 1 },
            elsewhere: 0,
            moves: 0,
            seen: Phase::Canary { epoch: 1 },
            legacy: Health::Well,
            service: Health::Well,
        }
    }

    fn token(&self) -> u64 {
        match self.phase {
            Phase::Legacy => 1,
            Phase::Canary { epoch } => 100 + u64::from(epoch),
            Phase::RolledBack => 2,
            Phase::Migrated => 3,
        }
    }

    fn state(&self) -> State {
        let has_cohorts = matches!(self.phase, Phase::Canary { .. } | Phase::RolledBack);
        State::new((self.token() * 1000 + self.elsewhere) << 1, has_cohorts)
    }

    fn side(&self, user: &str) -> &'static str {
        match self.phase {
            Phase::Canary { .. } if user == "alice" => "service",
            Phase::Migrated => "service",
            _ => "legacy",
        }
    }

    fn health(&self, user: &str) -> Health {
        match self.side(user) {
            "service" => self.service,
            _ => self.legacy,
        }
    }

    /// A request comes in.
    fn takes(&mut self) -> Self {
        if self.phase != self.seen {
            self.seen = self.phase;
            self.moves += 1;
        }
        self.clone()
    }

    /// The answer says for whom, by whom and when it was made.
    fn answer(&self, user: &str) -> Reply {
        let side = self.side(user);
        let number = u64::from(side == "service");
        let order = json!({"user": self.moves, "items": [100 + number]});
        let reply = match self.health(user) {
            Health::Well => Reply::json(&order).after(ms(20)),
            Health::Fails => Reply::text(502, "").after(ms(20)),
            Health::HasNothing => Reply::text(404, "").after(ms(20)),
            Health::Hangs => Reply::json(&order).after(ms(60_000)),
        };
        let routed = RouteState {
            state: self.state(),
            route: "orders".into(),
            token: self.token(),
        };
        let reply = reply
            .field(SERVED_BY, HeaderValue::from_static(side))
            .field(STATE, routed.to_value());
        let epoch = match self.phase {
            Phase::Canary { epoch } => epoch,
            Phase::RolledBack => 1,
            Phase::Legacy | Phase::Migrated => return reply,
        };
        let cohort = Cohort {
            route: "orders".into(),
            epoch,
            side: side.into(),
        };
        reply.field(COHORT, cohort.to_value())
    }
}

#[derive(Clone, Debug)]
enum Event {
    Ask(&'static str),
    /// All at once.
    AskTogether,
    Wait(u64),
    Move(Phase),
    ChangeElsewhere,
    Legacy(Health),
    Service(Health),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let phase = prop_oneof![
        Just(Phase::Legacy),
        Just(Phase::Canary { epoch: 1 }),
        Just(Phase::Canary { epoch: 2 }),
        Just(Phase::RolledBack),
        Just(Phase::Migrated),
    ];
    let health = prop_oneof![
        3 => Just(Health::Well),
        1 => Just(Health::Fails),
        1 => Just(Health::HasNothing),
        1 => Just(Health::Hangs),
    ];
    let event = prop_oneof![
        4 => prop_oneof![Just("alice"), Just("bob")].prop_map(Event::Ask),
        3 => Just(Event::AskTogether),
        2 => (0_u64..40_000).prop_map(Event::Wait),
        2 => phase.prop_map(Event::Move),
        1 => Just(Event::ChangeElsewhere),
        1 => health.clone().prop_map(Event::Legacy),
        2 => health.prop_map(Event::Service),
    ];
    prop::collection::vec(event, 1..40)
}

struct World {
    shop: Shop,
    gateway: Arc<Mutex<Gateway>>,
}

impl World {
    fn new(kept: Kept) -> Self {
        let shop = Shop::open(Keeping {
            order: Some(kept),
            customer: None,
        });
        let gateway = Arc::new(Mutex::new(Gateway::new()));
        let behind = Arc::clone(&gateway);
        shop.script.answers("order", move |seen| {
            let user = seen.fields["x-banyan-sticky"].to_str().unwrap();
            behind.lock().unwrap().answer(user)
        });
        Self { shop, gateway }
    }

    fn now(&self) -> Gateway {
        self.gateway.lock().unwrap().takes()
    }

    async fn get(&self, user: &'static str) -> Answer {
        let state = self.now().state().to_value();
        let fields = [
            ("x-banyan-sticky", user),
            ("x-banyan-state", state.to_str().unwrap()),
        ];
        self.shop.get(&fields).await
    }

    /// Asks as a user, and checks that what comes is what the user's own side says, now or in this phase a while ago.
    async fn ask(&self, user: &'static str) {
        let (now, began) = (self.now(), Instant::now());
        let answer = self.get(user).await;
        let took = began.elapsed();
        let health = now.health(user);
        match answer.status {
            200 => {}
            404 => assert_eq!(health, Health::HasNothing, "{user} {now:?}"),
            502 => assert_eq!(health, Health::Fails, "{user} {now:?}"),
            504 => assert_eq!(health, Health::Hangs, "{user} {now:?}"),
            _ => panic!("{answer:?}"),
        }
        if health == Health::Well {
            assert!(
                took < ms(70),
                "waited for the other side: {user} {now:?}: {took:?}"
            );
        }
        if answer.status != 200 {
            return;
        }
        let expected = now.side(user);
        let body = answer.json();
        let made_by = if body["items"] == json!(["p101"]) {
            "service"
        } else {
            "legacy"
        };
        assert_eq!(made_by, expected, "{user}, {now:?}: {body}");
        assert_eq!(body["_meta"]["parts"]["order"]["side"], expected, "{body}");
        let seen = self.shop.script.seen("customer");
        let moves = format!("/{}", now.moves);
        assert!(
            seen.last().is_some_and(|seen| seen.target == moves),
            "{user} got what was kept before the last move: {now:?} {body}"
        );
    }
}

async fn live(kept: Kept, events: Vec<Event>) {
    let world = World::new(kept);
    for event in events {
        let change = |change: &dyn Fn(&mut Gateway)| change(&mut world.gateway.lock().unwrap());
        match event {
            Event::Ask(user) => world.ask(user).await,
            Event::AskTogether => {
                futures::join!(world.ask("alice"), world.ask("bob"), world.ask("bob"));
            }
            Event::Wait(time) => advance(ms(time)).await,
            Event::Move(phase) => change(&|gateway| gateway.phase = phase),
            Event::ChangeElsewhere => change(&|gateway| gateway.elsewhere += 1),
            Event::Legacy(health) => change(&|gateway| gateway.legacy = health),
            Event::Service(health) => change(&|gateway| gateway.service = health),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_ever_gets_anything_of_the_other_side(events in events(), public: bool) {
        let kept = if public { Kept::by_all(ms(10_000)) } else { Kept::by_user(ms(10_000)) };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(live(kept.stale_if_error(ms(60_000)), events));
    }
}

#[tokio::test(start_paused = true)]
async fn a_canarys_answers_are_shared_within_a_side() {
    let world = World::new(Kept::by_all(ms(10_000)));
    for user in ["alice", "bob", "alice", "bob", "alice"] {
        world.ask(user).await;
    }
    assert_eq!(world.shop.script.seen("order").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_elsewhere_costs_each_route_one_call_and_a_change_here_drops_what_was_kept() {
    let world = World::new(Kept::by_all(ms(10_000)));
    world.gateway.lock().unwrap().phase = Phase::Migrated;
    world.ask("alice").await;
    world.ask("bob").await;
    assert_eq!(world.shop.script.seen("order").len(), 1);
    world.gateway.lock().unwrap().elsewhere = 1;
    for _ in 0..3 {
        world.ask("bob").await;
    }
    assert_eq!(world.shop.script.seen("order").len(), 2);
    world.gateway.lock().unwrap().phase = Phase::RolledBack;
    world.ask("alice").await;
    assert_eq!(world.shop.script.seen("order").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn nothing_of_a_route_that_was_rolled_back_is_served_though_everything_fails() {
    let world = World::new(Kept::by_all(ms(1_000)).stale_if_error(ms(600_000)));
    world.gateway.lock().unwrap().phase = Phase::Migrated;
    world.ask("alice").await;
    {
        let mut gateway = world.gateway.lock().unwrap();
        gateway.phase = Phase::RolledBack;
        gateway.legacy = Health::Fails;
    }
    assert_eq!(world.get("alice").await.status, 502);
}

#[tokio::test(start_paused = true)]
async fn a_side_that_has_lost_a_thing_purges_its_own_copy_alone() {
    let world = World::new(Kept::by_all(ms(1_000)).stale_if_error(ms(600_000)));
    world.ask("alice").await;
    world.ask("bob").await;
    advance(ms(2_000)).await;
    world.gateway.lock().unwrap().service = Health::HasNothing;
    assert_eq!(world.get("alice").await.status, 404);
    world.gateway.lock().unwrap().legacy = Health::Fails;
    assert_eq!(
        world.get("bob").await.field("x-degraded"),
        Some("order;stale=2")
    );
    world.gateway.lock().unwrap().service = Health::Fails;
    assert_eq!(world.get("alice").await.status, 502);
}
