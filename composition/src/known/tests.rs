use chassis::handover::Token;
use chassis::identity::Trust;
use http::HeaderValue;
use tokio::time::Instant;

use super::*;
use crate::inbound::Inbound;

/// A state in which some route has cohorts.
fn at(state: u64) -> State {
    State::new(state << 1, true)
}

fn caller(token: &'static str) -> CallerId {
    let mut fields = HeaderMap::new();
    fields.insert("authorization", HeaderValue::from_static(token));
    Inbound::read(&fields, Trust::Trusted, None, Instant::now())
        .0
        .caller()
}

/// What the internal listener says: the state of all, a route and its token, and the caller's cohort.
fn answer_of(route: &str, state: u64, token: u64, cohort: Option<&'static str>) -> HeaderMap {
    let said = RouteState {
        state: at(state),
        route: route.into(),
        token: Token::new(token << 1, cohort.is_some()),
    };
    let mut fields = HeaderMap::new();
    fields.insert(handover::STATE, said.to_value());
    fields.insert(handover::SERVED_BY, HeaderValue::from_static("service"));
    if let Some(cohort) = cohort.filter(|cohort| !cohort.is_empty()) {
        fields.insert(handover::COHORT, HeaderValue::from_static(cohort));
    }
    fields
}

fn answer(state: u64, token: u64, cohort: Option<&'static str>) -> HeaderMap {
    answer_of("products", state, token, cohort)
}

/// It has cohorts, and does not say which.
const UNSAID: Option<&str> = Some("");

struct Product;

struct World {
    known: Known,
    moment: Moment,
}

impl World {
    fn at(state: u64) -> Self {
        let known = Known::new(Way::Gateway);
        let moment = known.enter(Some(at(state)));
        Self { known, moment }
    }

    fn moves_to(&mut self, state: u64) {
        self.moment = self.known.enter(Some(at(state)));
    }

    fn asked(&self, path: &str) -> Asked {
        self.known.asked::<Product>("catalog", Some(path))
    }

    /// Of one product's call.
    fn learn(&self, who: CallerId, fields: &HeaderMap) -> Provenance {
        self.learn_of("/1", who, fields)
    }

    fn learn_of(&self, path: &str, who: CallerId, fields: &HeaderMap) -> Provenance {
        self.known
            .learn(self.asked(path), self.moment, || who, fields)
    }

    fn admits(&self, from: &Provenance, who: CallerId) -> bool {
        self.known.admits(from, self.moment, || who)
    }

    fn company(&self, path: &str, who: CallerId) -> Option<Company> {
        self.known.company(self.asked(path), self.moment, || who)
    }

    fn side(&self, path: &str, who: CallerId) -> Option<Side> {
        self.known.side(self.asked(path), || who)
    }
}

#[test]
fn an_answer_is_for_callers_on_its_side_while_its_route_stands_as_it_did() {
    let mut world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    let from = world.learn(alice, &answer(1, 7, Some("products;1;service")));
    assert_eq!(from.side, Some(Side::Service));
    assert!(world.admits(&from, alice));
    assert!(!world.admits(&from, bob), "nobody knows where bob is");
    world.learn(bob, &answer(1, 7, Some("products;1;legacy")));
    assert!(!world.admits(&from, bob));
    let stateless = world.known.enter(None);
    assert!(!world.known.admits(&from, stateless, || alice));

    let before = world.moment;
    world.moves_to(2);
    assert!(!world.admits(&from, alice), "nothing was heard of it yet");
    // Another route has changed: this one's token is the same.
    world.learn(bob, &answer(2, 7, Some("products;1;legacy")));
    assert!(world.admits(&from, alice));
    assert!(
        !world.known.admits(&from, before, || alice),
        "it came before"
    );
    world.moves_to(3);
    world.learn(bob, &answer(3, 8, Some("products;1;legacy")));
    assert!(!world.admits(&from, alice));
}

#[test]
fn what_was_kept_before_a_rollback_does_not_come_back_after_it() {
    let alice = caller("alice");
    for heard_of_in_between in [true, false] {
        let mut world = World::at(1);
        let from = world.learn(alice, &answer(1, 7, None));
        assert!(world.admits(&from, alice));
        world.moves_to(2);
        if heard_of_in_between {
            world.learn(alice, &answer(2, 8, None));
        }
        world.moves_to(1);
        let again = world.learn(alice, &answer(1, 7, None));
        assert!(!world.admits(&from, alice), "{heard_of_in_between}");
        assert!(world.admits(&again, alice));
    }
}

#[test]
fn an_answer_of_another_moment_is_for_its_caller_alone() {
    let world = World::at(1);
    let alice = caller("alice");
    // The gateway has taken over the file between the edge and the internal listener.
    let from = world.learn(alice, &answer(2, 7, Some("products;1;service")));
    assert_eq!(from.route.as_ref().unwrap().generation, 0);
    assert!(!world.admits(&from, alice));
}

#[test]
fn an_answer_to_a_call_from_before_a_rollback_is_of_another_moment_though_it_names_this_state() {
    let mut world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    world.learn(bob, &answer(1, 7, Some("products;1;legacy")));
    let before = world.moment;
    world.moves_to(2);
    world.moves_to(1);
    let said = answer(1, 7, Some("products;1;service"));
    let asked = world.asked("/1");
    let from = world.known.learn(asked, before, || alice, &said);
    assert_eq!(from.route.as_ref().unwrap().generation, 0);
    world.learn(alice, &said);
    assert!(!world.admits(&from, alice));
    assert_eq!(world.known.company(asked, before, || alice), None);
}

#[test]
fn a_late_answer_makes_nobody_forgotten() {
    let world = World::at(1);
    let alice = caller("alice");
    let from = world.learn(alice, &answer(1, 7, Some("products;1;service")));
    world.learn(alice, &answer(2, 9, Some("products;1;legacy")));
    assert!(world.admits(&from, alice));
}

#[test]
fn without_a_gateway_there_are_no_sides() {
    let known = Known::new(Way::Direct);
    let asked = known.asked::<Product>("catalog", Some("/1"));
    for state in [None, Some(at(1))] {
        let moment = known.enter(state);
        let from = known.learn(asked, moment, || caller("alice"), &HeaderMap::new());
        assert_eq!(from, Provenance::default());
        assert!(known.admits(&from, moment, || caller("bob")));
        let company = known.company(asked, moment, || caller("bob"));
        assert_eq!(company, Some(Company::Everybody));
    }
}

#[test]
fn what_is_for_some_in_words_that_are_not_understood_is_for_nobody_else() {
    let world = World::at(1);
    let alice = caller("alice");
    for cohort in [Some("products;1;elsewhere"), UNSAID] {
        let from = world.learn(alice, &answer(1, 7, cohort));
        assert!(!world.admits(&from, alice), "{cohort:?}");
    }
    let from = world.learn(alice, &HeaderMap::new());
    assert!(!world.admits(&from, alice), "a gateway says a route");
}

#[test]
fn a_refusal_before_a_side_was_chosen_says_that_there_are_sides() {
    let world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    let mut refusal = answer(1, 7, UNSAID);
    let code = HeaderValue::from_static("rate_limited");
    refusal.insert(handover::REJECTED, code);
    let from = world.learn(alice, &refusal);
    assert!(world.admits(&from, bob), "it is of no side");
    assert_eq!(world.company("/1", bob), Some(Company::Alone(bob)));
    world.learn(alice, &answer(1, 7, Some("products;1;service")));
    world.learn(alice, &refusal);
    assert_eq!(world.company("/1", bob), Some(Company::Alone(bob)));
}

#[test]
fn calls_are_one_only_with_those_of_the_same_side() {
    let mut world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    let alone = |who| Some(Company::Alone(who));
    assert_eq!(
        world.company("/1", alice),
        alone(alice),
        "nothing was heard"
    );
    world.learn(alice, &answer(1, 7, Some("products;1;service")));
    assert_eq!(world.company("/1", alice), Some(Company::On(Side::Service)));
    assert_eq!(world.company("/1", bob), alone(bob));
    world.moves_to(2);
    assert_eq!(
        world.company("/1", alice),
        alone(alice),
        "it may have moved"
    );
    world.learn(alice, &answer(2, 9, None));
    assert_eq!(world.company("/1", bob), Some(Company::Everybody));
    world.moment = world.known.enter(Some(State::new(3 << 1, false)));
    let company = world.company("/2", bob);
    assert_eq!(company, Some(Company::Everybody), "no route has sides");
}

#[test]
fn without_a_state_of_now_calls_are_one_with_nobodys() {
    let mut world = World::at(1);
    let alice = caller("alice");
    world.learn(alice, &answer(1, 7, Some("products;1;service")));
    let before = world.moment;
    let stateless = world.known.enter(None);
    world.moves_to(2);
    world.moment = world.known.enter(Some(State::new(3 << 1, false)));
    for moment in [before, stateless, world.known.enter(None)] {
        let company = world.known.company(world.asked("/1"), moment, || alice);
        assert_eq!(company, None, "{moment:?}");
    }
    let known = Known::new(Way::Gateway);
    let company = known.company(world.asked("/1"), known.enter(None), || alice);
    assert_eq!(company, None, "not even before anything was heard");
}

#[test]
fn what_was_heard_of_one_thing_says_nothing_of_who_waits_for_another() {
    let world = World::at(1);
    let bob = caller("bob");
    world.learn_of("/1", bob, &answer_of("archive", 1, 3, None));
    assert_eq!(world.company("/1", bob), Some(Company::Everybody));
    assert_eq!(world.company("/2", bob), Some(Company::Alone(bob)));
    assert_eq!(world.side("/2", bob), None);
    let legacy = Some("products;1;legacy");
    world.learn_of("/2", bob, &answer_of("products", 1, 7, legacy));
    assert_eq!(world.company("/2", bob), Some(Company::On(Side::Legacy)));
    assert_eq!(world.side("/1", bob), None, "it is on none");
    assert_eq!(world.side("/3", bob), Some(Side::Legacy), "likely");
}

#[test]
fn a_side_is_known_where_all_routes_have_the_caller_on_it() {
    let world = World::at(1);
    let alice = caller("alice");
    world.learn_of("/1", alice, &answer_of("a", 1, 7, Some("a;1;service")));
    assert_eq!(world.side("/9", alice), Some(Side::Service));
    world.learn_of("/2", alice, &answer_of("b", 1, 8, Some("b;1;legacy")));
    assert_eq!(world.side("/9", alice), None);
    assert_eq!(world.side("/1", alice), Some(Side::Service));
    // Now the same thing leads to both, as the caller's fields would have it.
    world.learn_of("/1", alice, &answer_of("b", 1, 8, Some("b;1;legacy")));
    assert_eq!(world.company("/1", alice), Some(Company::Alone(alice)));
    world.learn_of("/3", alice, &answer_of("c", 1, 9, Some("c;1;legacy")));
    world.learn_of("/3", alice, &answer_of("d", 1, 9, None));
    assert_eq!(world.company("/3", alice), Some(Company::On(Side::Legacy)));
}

#[test]
fn a_route_that_is_gone_is_forgotten() {
    let mut world = World::at(1);
    let bob = caller("bob");
    world.learn(bob, &answer_of("old", 1, 3, Some("old;1;service")));
    world.moves_to(2);
    world.learn(bob, &answer(2, 7, Some("products;1;legacy")));
    assert_eq!(world.company("/1", bob), Some(Company::On(Side::Legacy)));
    assert_eq!(world.side("/9", bob), Some(Side::Legacy));
}

#[test]
fn new_routes_are_known_though_thousands_were_before_them() {
    let mut world = World::at(0);
    let bob = caller("bob");
    for state in 1..2_500 {
        world.moves_to(state);
        let from = world.learn(bob, &answer_of(&state.to_string(), state, 3, None));
        assert!(world.admits(&from, bob), "{state}");
    }
}

#[test]
fn who_makes_routes_up_makes_no_more_than_there_can_be() {
    let world = World::at(1);
    let bob = caller("bob");
    for number in 0..1_001_u64 {
        let from = world.learn(bob, &answer_of(&number.to_string(), 1, 3, None));
        assert_eq!(world.admits(&from, bob), number < 1_000, "{number}");
    }
}
