use chassis::identity::Trust;
use http::HeaderValue;
use tokio::time::Instant;

use super::*;
use crate::inbound::Inbound;

/// A state in which some route has cohorts.
fn at(state: u64) -> State {
    State::new(state << 1, true)
}

fn products() -> Kind {
    Kind::of::<Product>("catalog")
}

fn caller(token: &'static str) -> CallerId {
    let mut fields = HeaderMap::new();
    fields.insert("authorization", HeaderValue::from_static(token));
    Inbound::read(&fields, Trust::Trusted, None, Instant::now())
        .0
        .caller()
}

/// What the internal listener says: the state of all, the route's token, and the caller's cohort.
fn answer(state: u64, token: u64, cohort: Option<&'static str>) -> HeaderMap {
    let said = RouteState {
        state: at(state),
        route: "products".into(),
        token,
    };
    let mut fields = HeaderMap::new();
    fields.insert(handover::STATE, said.to_value());
    fields.insert(handover::SERVED_BY, HeaderValue::from_static("service"));
    if let Some(cohort) = cohort {
        fields.insert(handover::COHORT, HeaderValue::from_static(cohort));
    }
    fields
}

struct Product;

struct User;

struct World(Known);

impl World {
    fn at(state: u64) -> Self {
        let world = Self(Known::default());
        world.moves_to(state);
        world
    }

    fn moves_to(&self, state: u64) {
        self.0.enter(Some(at(state)));
    }

    fn learn(&self, who: CallerId, fields: &HeaderMap) -> Provenance {
        self.0.learn(products(), || who, fields)
    }

    fn admits(&self, from: &Provenance, who: CallerId, state: u64) -> bool {
        self.0.admits(from, Some(at(state)), || who)
    }
}

#[test]
fn an_answer_is_for_callers_on_its_side_while_its_route_stands_as_it_did() {
    let world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    let from = world.learn(alice, &answer(1, 7, Some("products;1;service")));
    assert_eq!(from.side, Some(Side::Service));
    assert!(world.admits(&from, alice, 1));
    assert!(!world.admits(&from, bob, 1), "nobody knows where bob is");
    world.learn(bob, &answer(1, 7, Some("products;1;legacy")));
    assert!(!world.admits(&from, bob, 1));
    assert!(!world.0.admits(&from, None, || alice));

    world.moves_to(2);
    assert!(
        !world.admits(&from, alice, 2),
        "nothing was heard of it yet"
    );
    // Another route has changed: this one's token is the same.
    world.learn(bob, &answer(2, 7, Some("products;1;legacy")));
    assert!(world.admits(&from, alice, 2));
    world.moves_to(3);
    world.learn(bob, &answer(3, 8, Some("products;1;legacy")));
    assert!(!world.admits(&from, alice, 3));
}

#[test]
fn what_was_kept_before_a_rollback_does_not_come_back_after_it() {
    let alice = caller("alice");
    for heard_of_in_between in [true, false] {
        let world = World::at(1);
        let from = world.learn(alice, &answer(1, 7, None));
        assert!(world.admits(&from, alice, 1));
        world.moves_to(2);
        if heard_of_in_between {
            world.learn(alice, &answer(2, 8, None));
        }
        world.moves_to(1);
        let again = world.learn(alice, &answer(1, 7, None));
        assert!(!world.admits(&from, alice, 1), "{heard_of_in_between}");
        assert!(world.admits(&again, alice, 1));
    }
}

#[test]
fn an_answer_of_another_moment_is_for_its_caller_alone() {
    let world = World::at(1);
    let alice = caller("alice");
    // The gateway has taken over the file between the edge and the internal listener.
    let from = world.learn(alice, &answer(2, 7, None));
    assert!(!world.admits(&from, alice, 1) && !world.admits(&from, alice, 2));
}

#[test]
fn without_a_gateway_there_are_no_sides() {
    let known = Known::default();
    let from = known.learn(products(), || caller("alice"), &HeaderMap::new());
    assert_eq!(from, Provenance::default());
    assert!(known.admits(&from, None, || caller("bob")));
    assert_eq!(
        known.company(products(), || caller("bob")),
        Company::Everybody
    );
}

#[test]
fn what_is_for_some_in_words_that_are_not_understood_is_for_nobody_else() {
    let world = World::at(1);
    let alice = caller("alice");
    let from = world.learn(alice, &answer(1, 7, Some("products;1;elsewhere")));
    assert!(!world.admits(&from, alice, 1));
}

#[test]
fn an_answer_for_which_no_side_was_chosen_says_nothing_of_sides() {
    let world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    world.learn(alice, &answer(1, 7, Some("products;1;service")));
    world.learn(alice, &answer(1, 7, None));
    assert_eq!(world.0.company(products(), || bob), Company::Alone(bob));
}

#[test]
fn calls_are_one_only_with_those_of_the_same_side() {
    let world = World::at(1);
    let [alice, bob] = [caller("alice"), caller("bob")];
    let company = |who| world.0.company(products(), || who);
    assert_eq!(company(alice), Company::Alone(alice), "nothing was heard");
    world.learn(alice, &answer(1, 7, Some("products;1;service")));
    assert_eq!(company(alice), Company::On(vec![Side::Service]));
    assert_eq!(company(bob), Company::Alone(bob));
    let users = Kind::of::<User>("catalog");
    assert_eq!(world.0.company(users, || bob), Company::Alone(bob));
    world.moves_to(2);
    assert_eq!(company(alice), Company::Alone(alice), "it may have moved");
    world.learn(alice, &answer(2, 9, None));
    assert_eq!(company(bob), Company::Everybody);
    world.0.enter(Some(State::new(3 << 1, false)));
    assert_eq!(company(bob), Company::Everybody, "no route has sides");
}
