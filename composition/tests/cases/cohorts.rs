//! Two users, one canary: neither ever sees the other's cohort through a cache, whatever happens in between.

mod gateway;
mod scenarios;

use std::sync::{Arc, Mutex};

use chassis::handover::State;
use composition::{Kept, Way};
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::gateway::{Gateway, Health, History, Phase, Refusal, Route};
use crate::script::ms;
use crate::shop::{Answer, Keeping, Shop};

/// How long anybody waits for an order, milliseconds: a page's whole time.
const LONGEST: u64 = 2_000;

/// Who asks, and for which order.
#[derive(Clone, Copy, Debug)]
struct Asks {
    user: &'static str,
    order: u64,
    /// It came by an edge that names the state.
    is_stated: bool,
}

#[derive(Clone, Debug)]
enum Event {
    Ask(Asks),
    /// All at once.
    AskTogether(u64),
    /// Without waiting for the answer.
    Begin(Asks),
    Wait(u64),
    Move(Phase),
    /// The route moves there and back, and somebody asks in each state.
    ThereAndBack(Phase, Asks),
    MoveArchive,
    ChangeElsewhere,
    Legacy(Health),
    Service(Health),
    Refuse(Option<Refusal>),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let phase = || {
        prop_oneof![
            Just(Phase::Legacy),
            Just(Phase::Canary { epoch: 1 }),
            Just(Phase::Canary { epoch: 2 }),
            Just(Phase::RolledBack),
            Just(Phase::Migrated),
        ]
    };
    let health = prop_oneof![
        3 => Just(Health::Well),
        1 => Just(Health::Slow),
        1 => Just(Health::Fails),
        1 => Just(Health::Garbled),
        1 => Just(Health::BreaksOff),
        1 => Just(Health::HasNothing),
        1 => Just(Health::Hangs),
    ];
    let user = || prop_oneof![Just("alice"), Just("bob")];
    let order = || prop_oneof![2 => Just(1_u64), 1 => Just(2)];
    let asks = || {
        let is_stated = prop_oneof![6 => Just(true), 1 => Just(false)];
        (user(), order(), is_stated).prop_map(|(user, order, is_stated)| Asks {
            user,
            order,
            is_stated,
        })
    };
    let status = prop_oneof![Just(401_u16), Just(429)];
    let refusal = (user(), status).prop_map(|(user, status)| Refusal { user, status });
    let event = prop_oneof![
        4 => asks().prop_map(Event::Ask),
        3 => order().prop_map(Event::AskTogether),
        4 => asks().prop_map(Event::Begin),
        2 => (0_u64..500).prop_map(Event::Wait),
        1 => (0_u64..40_000).prop_map(Event::Wait),
        2 => phase().prop_map(Event::Move),
        1 => (phase(), asks()).prop_map(|(phase, asks)| Event::ThereAndBack(phase, asks)),
        1 => Just(Event::MoveArchive),
        1 => Just(Event::ChangeElsewhere),
        1 => health.clone().prop_map(Event::Legacy),
        2 => health.prop_map(Event::Service),
        1 => prop::option::of(refusal).prop_map(Event::Refuse),
    ];
    prop::collection::vec(event, 1..40)
}

struct World {
    shop: Shop,
    history: Arc<Mutex<History>>,
}

impl World {
    fn new(kept: Kept) -> Arc<Self> {
        let keeping = Keeping {
            order: Some(kept),
            customer: None,
        };
        let shop = Shop::behind(Way::Gateway, keeping);
        let history = Arc::new(Mutex::new(History::new()));
        let behind = Arc::clone(&history);
        shop.script.answers("order", move |seen| {
            let user = seen.fields["x-banyan-sticky"].to_str().unwrap();
            let order = seen.target.trim_start_matches('/').parse().unwrap();
            behind.lock().unwrap().answer(user, order)
        });
        Arc::new(Self { shop, history })
    }

    fn change(&self, change: impl FnOnce(&mut Gateway)) {
        self.history.lock().unwrap().change(change);
    }

    fn asked(&self) -> usize {
        self.shop.script.seen("order").len()
    }

    /// An order page, as it comes through the edge while routes lead as in `state`.
    async fn get_in(&self, state: State, asks: Asks) -> Answer {
        let state = state.to_value();
        let fields = [
            ("x-banyan-sticky", asks.user),
            ("x-banyan-state", state.to_str().unwrap()),
        ];
        let count = if asks.is_stated { 2 } else { 1 };
        self.shop.get_order(asks.order, &fields[..count]).await
    }

    fn state(&self) -> State {
        self.history.lock().unwrap().now().state()
    }

    /// An order page, as it comes through the edge now.
    async fn get(&self, asks: Asks) -> Answer {
        self.get_in(self.state(), asks).await
    }

    /// What the edge takes now comes in here when this is awaited.
    fn ask(self: &Arc<Self>, asks: Asks) -> impl Future<Output = ()> + Send + 'static {
        let world = Arc::clone(self);
        let (named, taken) = {
            let history = self.history.lock().unwrap();
            (history.now(), history.mark())
        };
        async move {
            if asks.is_stated {
                world.change(|gateway| gateway.hears(&named));
            }
            let came = world.history.lock().unwrap().now();
            let began = Instant::now();
            let answer = world.get_in(named.state(), asks).await;
            world.check(asks, taken, began, &answer);
            if answer.status == 200 {
                world.origin(asks, taken, &came, &answer);
            }
        }
    }

    /// What came is what the user's own side says, and how long it took is that side's affair.
    fn check(&self, asks: Asks, taken: usize, began: Instant, answer: &Answer) {
        let Asks { user, order, .. } = asks;
        let history = self.history.lock().unwrap().clone();
        // Who waited for a call under way hears what was true when that began. Without a state nobody does.
        let longest = if asks.is_stated { ms(LONGEST) } else { ms(0) };
        let lately = history.since(taken, longest);
        let was = |health| {
            lately
                .iter()
                .any(|(_, gateway)| gateway.health(user, order) == health)
        };
        let refuses = |status: u16, anybody: bool| {
            lately.iter().any(|(_, gateway)| {
                gateway.refuses.is_some_and(|refusal| {
                    refusal.status == status && (anybody || refusal.user == user)
                })
            })
        };
        let shares = lately
            .iter()
            .any(|(_, gateway)| gateway.shares_failures(order));
        let explained = match answer.status {
            200 => true,
            401 => refuses(401, false),
            404 => was(Health::HasNothing),
            502 => [Health::Fails, Health::Garbled, Health::BreaksOff]
                .into_iter()
                .any(was),
            503 => refuses(429, shares),
            504 => was(Health::Hangs) || history.may_hang(user, longest),
            _ => false,
        };
        assert!(explained, "{asks:?} {lately:?}: {answer:?}");
        let is_well = lately
            .iter()
            .all(|(_, gateway)| gateway.health(user, order) == Health::Well);
        if is_well && !history.may_hang(user, longest) {
            let took = began.elapsed();
            assert!(took < ms(70), "waited for others: {asks:?}: {took:?}");
        }
    }

    /// The answer is of a side and a route that were this user's since the edge took the request, and of no time before
    /// the last move that was heard of when it came.
    fn origin(&self, asks: Asks, taken: usize, came: &Gateway, answer: &Answer) {
        let Asks { user, order, .. } = asks;
        let body = answer.json();
        let items = body["items"].as_array().unwrap().iter();
        let items: Vec<&str> = items.map(|item| item.as_str().unwrap()).collect();
        let side = if items[0] == "p101" {
            "service"
        } else {
            "legacy"
        };
        let route = if items[1] == "p201" {
            Route::Archive
        } else {
            Route::Orders
        };
        let moved: u64 = items[2].trim_start_matches('p').parse().unwrap();
        assert_eq!(body["_meta"]["parts"]["order"]["side"], side, "{body}");
        let history = self.history.lock().unwrap().clone();
        let since = history.since(taken, ms(0));
        let is_own = |(_, gateway): &(Instant, Gateway)| {
            gateway.route(order) == route && gateway.side(user, order) == side
        };
        assert!(
            since.iter().any(is_own),
            "of another side: {asks:?} {since:?}: {body}"
        );
        assert!(
            moved - 1000 >= came.moved(route),
            "kept before the last move: {asks:?} {came:?}: {body}"
        );
    }
}

/// By an edge that names the state.
fn stated(user: &'static str, order: u64) -> Asks {
    Asks {
        user,
        order,
        is_stated: true,
    }
}

async fn live(kept: Kept, events: Vec<Event>) {
    let world = World::new(kept);
    let mut under_way = JoinSet::new();
    for event in events {
        match event {
            Event::Ask(asks) => world.ask(asks).await,
            Event::AskTogether(order) => {
                let [alice, bob] = ["alice", "bob"].map(|user| stated(user, order));
                futures::join!(world.ask(alice), world.ask(bob), world.ask(bob));
            }
            Event::Begin(asks) => {
                under_way.spawn(world.ask(asks));
            }
            Event::Wait(time) => sleep(ms(time)).await,
            Event::Move(phase) => world.change(|gateway| gateway.phase = phase),
            Event::ThereAndBack(phase, asks) => {
                let before = world.history.lock().unwrap().now().phase;
                for phase in [before, phase, before] {
                    world.change(|gateway| gateway.phase = phase);
                    under_way.spawn(world.ask(asks));
                    tokio::task::yield_now().await;
                }
            }
            Event::MoveArchive => world.change(|gateway| gateway.has_archive ^= true),
            Event::ChangeElsewhere => world.change(|gateway| gateway.elsewhere += 1),
            Event::Legacy(health) => world.change(|gateway| gateway.legacy = health),
            Event::Service(health) => world.change(|gateway| gateway.service = health),
            Event::Refuse(refusal) => world.change(|gateway| gateway.refuses = refusal),
        }
    }
    while let Some(ended) = under_way.join_next().await {
        ended.unwrap();
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
