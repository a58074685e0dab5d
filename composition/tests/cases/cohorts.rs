//! Two users, one canary: neither ever sees the other's cohort through a cache, whatever happens in between.

use std::sync::{Arc, Mutex};

use chassis::handover::{COHORT, Cohort, RouteState, SERVED_BY, STATE, State};
use composition::Kept;
use http::HeaderValue;
use proptest::prelude::*;
use serde_json::json;
use tokio::time::advance;

use crate::script::{Reply, ms};
use crate::shop::{Keeping, Shop};

/// How the route stands. Alice is on the service while it is in canary, bob never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Legacy,
    Canary { epoch: u32 },
    RolledBack,
    Migrated,
}

/// A gateway, as far as a BFF sees it.
#[derive(Clone, Debug)]
struct Gateway {
    phase: Phase,
    /// Changes with other routes.
    elsewhere: u64,
    fails: bool,
}

impl Gateway {
    fn token(&self) -> u64 {
        match self.phase {
            Phase::Legacy => 1,
            Phase::Canary { epoch } => 100 + u64::from(epoch),
            Phase::RolledBack => 2,
            Phase::Migrated => 3,
        }
    }

    fn state(&self) -> State {
        State(self.token() * 1000 + self.elsewhere)
    }

    fn side(&self, user: &str) -> &'static str {
        match self.phase {
            Phase::Canary { .. } if user == "alice" => "service",
            Phase::Migrated => "service",
            _ => "legacy",
        }
    }

    /// The answer says for whom and by whom it was made.
    fn answer(&self, user: &str) -> Reply {
        let side = self.side(user);
        let reply = if self.fails {
            Reply::text(502, "")
        } else {
            Reply::json(&json!({"user": 7, "items": [if side == "service" { 2 } else { 1 }]}))
        };
        let routed = RouteState {
            state: self.state(),
            route: "orders".into(),
            token: self.token(),
        };
        let reply = reply
            .after(ms(20))
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
    /// Both at once.
    AskBoth,
    Wait(u64),
    Move(Phase),
    ChangeElsewhere,
    Fail(bool),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let phase = prop_oneof![
        Just(Phase::Legacy),
        Just(Phase::Canary { epoch: 1 }),
        Just(Phase::Canary { epoch: 2 }),
        Just(Phase::RolledBack),
        Just(Phase::Migrated),
    ];
    let event = prop_oneof![
        4 => prop_oneof![Just("alice"), Just("bob")].prop_map(Event::Ask),
        2 => Just(Event::AskBoth),
        2 => (0_u64..40_000).prop_map(Event::Wait),
        2 => phase.prop_map(Event::Move),
        1 => Just(Event::ChangeElsewhere),
        1 => any::<bool>().prop_map(Event::Fail),
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
        let gateway = Arc::new(Mutex::new(Gateway {
            phase: Phase::Canary { epoch: 1 },
            elsewhere: 0,
            fails: false,
        }));
        let behind = Arc::clone(&gateway);
        shop.script.answers("order", move |seen| {
            let user = seen.fields["x-banyan-sticky"].to_str().unwrap();
            behind.lock().unwrap().answer(user)
        });
        Self { shop, gateway }
    }

    /// Asks as a user, and checks that what comes is of the user's own side.
    async fn ask(&self, user: &'static str) {
        let now = self.gateway.lock().unwrap().clone();
        let state = now.state().to_value();
        let fields = [
            ("x-banyan-sticky", user),
            ("x-banyan-state", state.to_str().unwrap()),
        ];
        let answer = self.shop.get(&fields).await;
        if answer.status != 200 {
            assert!(now.fails, "{answer:?}");
            return;
        }
        let expected = now.side(user);
        let body = answer.json();
        let made_by = if body["items"] == json!(["p2"]) {
            "service"
        } else {
            "legacy"
        };
        assert_eq!(made_by, expected, "{user}, {now:?}: {body}");
        assert_eq!(body["_meta"]["parts"]["order"]["side"], expected, "{body}");
    }
}

async fn live(kept: Kept, events: Vec<Event>) {
    let world = World::new(kept);
    for event in events {
        match event {
            Event::Ask(user) => world.ask(user).await,
            Event::AskBoth => {
                futures::join!(world.ask("alice"), world.ask("bob"), world.ask("bob"));
            }
            Event::Wait(time) => advance(ms(time)).await,
            Event::Move(phase) => world.gateway.lock().unwrap().phase = phase,
            Event::ChangeElsewhere => world.gateway.lock().unwrap().elsewhere += 1,
            Event::Fail(fails) => world.gateway.lock().unwrap().fails = fails,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_ever_gets_an_answer_of_the_other_side(events in events(), public: bool) {
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
        (gateway.phase, gateway.fails) = (Phase::RolledBack, true);
    }
    let state = world.gateway.lock().unwrap().state().to_value();
    let fields = [
        ("x-banyan-sticky", "alice"),
        ("x-banyan-state", state.to_str().unwrap()),
    ];
    assert_eq!(world.shop.get(&fields).await.status, 502);
}
