//! What the gateway has said about where routes lead and which callers are on which side: it decides what of a cache
//! a caller may be given.
//!
//! Two things are remembered, both bounded. Under which state of the routes (named on each request by the edge) each
//! route had which token: a kept answer may be given while its route's token is the one it had. And which caller is on
//! which side of a route that answers some callers otherwise than others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use chassis::handover::{self, RouteState, State};
use http::{HeaderMap, HeaderValue};
use moka::sync::Cache;

use crate::inbound::CallerId;

/// States that are remembered: before, during and after a reload, on a few replicas.
const STATES: usize = 16;

/// Callers that are remembered with their sides, by route.
const CALLERS: u64 = 100_000;

/// A side of a migration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The monolith.
    Legacy,
    /// What replaces it.
    Service,
}

impl Side {
    /// As `x-served-by` spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Legacy => "legacy",
            Self::Service => "service",
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "legacy" => Some(Self::Legacy),
            "service" => Some(Self::Service),
            _ => None,
        }
    }
}

/// Where an answer came from, as the gateway says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Which side gave it, on a route with sides.
    pub side: Option<Side>,
    /// The route and its token; `None` without a gateway.
    pub route: Option<Routed>,
    /// Who may be given it.
    pub audience: Audience,
}

/// Who may be given an answer, of those for whom it was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Audience {
    /// All of them.
    #[default]
    Everybody,
    /// Those on this side of the route.
    On(Side),
    /// It says that it is for some, but not in words that are understood.
    Nobody,
}

/// A route, and how it stood.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Routed {
    /// The route's name.
    pub route: Arc<str>,
    /// Changes when the route leads elsewhere or splits otherwise, or any route takes other requests.
    pub token: u64,
}

/// What is known.
#[derive(Debug)]
pub struct Known {
    states: Mutex<States>,
    /// By caller and route: the side, and the token under which it was so.
    sides: Cache<(CallerId, Arc<str>), (u64, Side)>,
}

#[derive(Debug, Default)]
struct States {
    tokens: HashMap<State, HashMap<Arc<str>, u64>>,
    oldest_first: VecDeque<State>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            states: Mutex::default(),
            sides: Cache::new(CALLERS),
        }
    }
}

impl Known {
    /// Reads what an answer says about where it came from, and remembers it.
    pub fn learn(&self, caller: impl FnOnce() -> CallerId, fields: &HeaderMap) -> Provenance {
        let said = fields.get(handover::STATE).and_then(RouteState::read);
        let side = |value: &HeaderValue| Side::read(value.to_str().ok()?);
        let route = said.map(|said| self.states().learn(said));
        let audience = fields.get(handover::COHORT).map(audience);
        if let (Some(routed), Some(Audience::On(side))) = (&route, audience) {
            let key = (caller(), Arc::clone(&routed.route));
            self.sides.insert(key, (routed.token, side));
        }
        Provenance {
            side: fields.get(handover::SERVED_BY).and_then(side),
            route,
            audience: audience.unwrap_or_default(),
        }
    }

    /// Whether an answer that came from `from` may be given to `caller` while routes lead as in `state`.
    pub fn admits(
        &self,
        from: &Provenance,
        state: Option<State>,
        caller: impl FnOnce() -> CallerId,
    ) -> bool {
        let Some(routed) = &from.route else {
            return true;
        };
        state.is_some_and(|state| self.states().has(state, routed))
            && match from.audience {
                Audience::Everybody => true,
                Audience::On(side) => self.side_of(caller(), routed) == Some(side),
                Audience::Nobody => false,
            }
    }

    /// On which side of a route a caller was, as long as the route stands as it did then.
    pub fn side_of(&self, caller: CallerId, routed: &Routed) -> Option<Side> {
        let (token, side) = self.sides.get(&(caller, Arc::clone(&routed.route)))?;
        (token == routed.token).then_some(side)
    }

    fn states(&self) -> std::sync::MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn audience(value: &HeaderValue) -> Audience {
    let cohort = handover::Cohort::read(value);
    let side = cohort.and_then(|cohort| Side::read(&cohort.side));
    side.map_or(Audience::Nobody, Audience::On)
}

impl States {
    fn learn(&mut self, said: RouteState) -> Routed {
        let RouteState {
            state,
            route,
            token,
        } = said;
        if !self.tokens.contains_key(&state) {
            self.oldest_first.push_back(state);
            if self.oldest_first.len() > STATES
                && let Some(oldest) = self.oldest_first.pop_front()
            {
                self.tokens.remove(&oldest);
            }
        }
        let tokens = self.tokens.entry(state).or_default();
        if let Some((known, last)) = tokens.get_key_value(route.as_str())
            && *last == token
        {
            let route = Arc::clone(known);
            return Routed { route, token };
        }
        let route: Arc<str> = route.into();
        tokens.insert(Arc::clone(&route), token);
        Routed { route, token }
    }

    fn has(&self, state: State, routed: &Routed) -> bool {
        let tokens = self.tokens.get(&state);
        tokens.and_then(|tokens| tokens.get(&routed.route)) == Some(&routed.token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::Inbound;
    use chassis::identity::Trust;
    use tokio::time::Instant;

    fn caller(token: &'static str) -> CallerId {
        let mut fields = HeaderMap::new();
        fields.insert("authorization", HeaderValue::from_static(token));
        Inbound::read(&fields, Trust::Trusted, None, Instant::now())
            .0
            .caller()
    }

    fn answer(state: u64, token: u64, cohort: Option<&'static str>) -> HeaderMap {
        let said = RouteState {
            state: State(state),
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

    #[test]
    fn an_answer_is_for_callers_on_its_side_while_its_route_stands_as_it_did() {
        let known = Known::default();
        let [alice, bob] = [caller("alice"), caller("bob")];
        let from = known.learn(|| alice, &answer(1, 7, Some("products;1;service")));
        assert_eq!(from.side, Some(Side::Service));
        let admits = |who, state| known.admits(&from, Some(State(state)), || who);
        assert!(admits(alice, 1));
        assert!(!admits(bob, 1), "nobody knows yet where bob is");
        known.learn(|| bob, &answer(1, 7, Some("products;1;legacy")));
        assert!(!admits(bob, 1));
        assert!(
            !admits(alice, 2),
            "routes lead otherwise, and how is not known"
        );
        assert!(!known.admits(&from, None, || alice));

        // Another route has changed: this one's token is the same.
        known.learn(|| bob, &answer(2, 7, Some("products;1;legacy")));
        assert!(admits(alice, 2));
        // This one has.
        known.learn(|| bob, &answer(3, 8, Some("products;1;legacy")));
        assert!(!admits(alice, 3));
    }

    #[test]
    fn without_a_gateway_there_are_no_sides() {
        let known = Known::default();
        let from = known.learn(|| caller("alice"), &HeaderMap::new());
        assert_eq!(from, Provenance::default());
        assert!(known.admits(&from, None, || caller("bob")));
    }

    #[test]
    fn what_is_for_some_in_words_that_are_not_understood_is_for_nobody_else() {
        let known = Known::default();
        let alice = caller("alice");
        let from = known.learn(|| alice, &answer(1, 7, Some("products;1;elsewhere")));
        assert!(!known.admits(&from, Some(State(1)), || alice));
    }

    #[test]
    fn states_are_forgotten_oldest_first() {
        let known = Known::default();
        let alice = caller("alice");
        let from = known.learn(|| alice, &answer(0, 7, None));
        for state in 1..=STATES as u64 {
            known.learn(|| alice, &answer(state, 7, None));
        }
        assert!(!known.admits(&from, Some(State(0)), || alice));
        assert!(known.admits(&from, Some(State(1)), || alice));
    }
}
