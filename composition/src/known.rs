//! What the gateway has said about where routes lead and which callers are on which side: it decides what of a cache
//! a caller may be given, and whose calls may be one.
//!
//! The edge names the state of all routes on each request, the internal listener on each answer the route's part of it.
//! A kept answer may be given while its route has stood as it did without a break: a state in which nothing was heard
//! of the route is a break, so that what was kept before a rollback does not come back after it.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::handover::{self, RouteState, State};
use http::HeaderMap;
use moka::sync::Cache;

use crate::cohort::{Audience, Provenance, Routed, Side};
use crate::inbound::CallerId;

/// Pairs of a caller and a route whose side is remembered.
const PAIRS: u64 = 100_000;

/// Routes that are remembered: a gateway has not more of them, unless it makes them up.
const ROUTES: usize = 1_000;

/// What is asked of a backend: calls for one type lead to the same few routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Kind {
    backend: &'static str,
    answer: TypeId,
}

/// What is known.
#[derive(Debug)]
pub(crate) struct Known {
    states: Mutex<States>,
    /// By caller and route: the side, and the generation in which it was so.
    sides: Cache<(CallerId, Arc<str>), (u64, Side)>,
}

#[derive(Debug, Default)]
struct States {
    /// As the last request named it.
    current: Option<State>,
    /// Counts the changes of `current`.
    era: u64,
    generations: u64,
    routes: HashMap<Arc<str>, Lineage>,
    kinds: HashMap<Kind, Vec<Arc<str>>>,
}

/// How a route has stood, without a break.
#[derive(Clone, Copy, Debug)]
struct Lineage {
    token: u64,
    generation: u64,
    /// The last one in which it was heard of.
    era: u64,
    /// It answers some callers otherwise than others.
    has_cohorts: bool,
}

/// Whose calls for the same thing may be one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Company {
    /// Everybody's.
    Everybody,
    /// Those of callers on the same side of each route that has sides.
    On(Vec<Side>),
    /// Nobody knows yet on which side this one is.
    Alone(CallerId),
}

impl Kind {
    /// Calls of `backend` for a `T`.
    pub(crate) fn of<T: 'static>(backend: &'static str) -> Self {
        Self {
            backend,
            answer: TypeId::of::<T>(),
        }
    }
}

impl Default for Known {
    fn default() -> Self {
        Self {
            states: Mutex::default(),
            sides: Cache::new(PAIRS),
        }
    }
}

impl Known {
    /// A request has come in that the edge took while routes led as in `state`.
    pub(crate) fn enter(&self, state: Option<State>) {
        let mut states = self.states();
        if state.is_some() && states.current != state {
            states.current = state;
            states.era += 1;
        }
    }

    /// Reads what an answer of a backend says about where it came from, and remembers it.
    pub(crate) fn learn(
        &self,
        kind: Kind,
        caller: impl FnOnce() -> CallerId,
        fields: &HeaderMap,
    ) -> Provenance {
        let said = fields.get(handover::STATE).and_then(RouteState::read);
        let audience = Audience::read(fields);
        let route = said.map(|said| self.states().learn(kind, said, audience));
        if let (Some(routed), Audience::On(side)) = (&route, audience) {
            let key = (caller(), Arc::clone(&routed.route));
            self.sides.insert(key, (routed.generation, side));
        }
        Provenance {
            side: Side::of(fields),
            route,
            audience,
        }
    }

    /// Whether an answer that came from `from` may be given to `caller`, whose request came while routes led as in
    /// `state`.
    pub(crate) fn admits(
        &self,
        from: &Provenance,
        state: Option<State>,
        caller: impl FnOnce() -> CallerId,
    ) -> bool {
        let Some(routed) = &from.route else {
            return true;
        };
        self.states().stands(routed, state)
            && match from.audience {
                Audience::Everybody => true,
                Audience::On(side) => self.side_of(caller(), routed) == Some(side),
                Audience::Nobody => false,
            }
    }

    /// Whose calls of a kind may be one with the caller's.
    pub(crate) fn company(&self, kind: Kind, caller: impl FnOnce() -> CallerId) -> Company {
        let Some(routes) = self.states().with_cohorts(kind) else {
            return Company::Alone(caller());
        };
        if routes.is_empty() {
            return Company::Everybody;
        }
        let caller = caller();
        let sides: Option<Vec<Side>> = routes
            .iter()
            .map(|routed| self.side_of(caller, routed))
            .collect();
        sides.map_or(Company::Alone(caller), Company::On)
    }

    /// On which side of a route a caller was, as long as the route stands as it did then.
    fn side_of(&self, caller: CallerId, routed: &Routed) -> Option<Side> {
        let (generation, side) = self.sides.get(&(caller, Arc::clone(&routed.route)))?;
        (generation == routed.generation).then_some(side)
    }

    fn states(&self) -> MutexGuard<'_, States> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Company {
    /// The side, where it is one and known: for what the sides do not share.
    pub(crate) fn side(&self) -> Option<Side> {
        match self {
            Self::On(sides) => sides.first().copied(),
            Self::Everybody | Self::Alone(_) => None,
        }
    }
}

impl States {
    fn learn(&mut self, kind: Kind, said: RouteState, audience: Audience) -> Routed {
        let route: Arc<str> = match self.routes.get_key_value(said.route.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => said.route.into(),
        };
        self.belongs(kind, &route);
        // The answer is of another moment than the last request: nothing follows from it for the next one.
        if self.current != Some(said.state) {
            return Routed {
                route,
                generation: 0,
            };
        }
        let before = self.routes.get(&route);
        let unbroken =
            before.filter(|before| before.token == said.token && before.era + 1 >= self.era);
        let (generation, had_cohorts) = if let Some(before) = unbroken {
            (before.generation, before.has_cohorts)
        } else {
            self.generations += 1;
            (self.generations, false)
        };
        let lineage = Lineage {
            token: said.token,
            generation,
            era: self.era,
            // Answers for which nobody had to decide say nothing of sides.
            has_cohorts: had_cohorts || audience != Audience::Everybody,
        };
        if self.routes.len() < ROUTES || self.routes.contains_key(&route) {
            self.routes.insert(Arc::clone(&route), lineage);
        }
        Routed { route, generation }
    }

    fn belongs(&mut self, kind: Kind, route: &Arc<str>) {
        let routes = self.kinds.entry(kind).or_default();
        if routes.len() < ROUTES && !routes.contains(route) {
            routes.push(Arc::clone(route));
        }
    }

    fn stands(&self, routed: &Routed, state: Option<State>) -> bool {
        let lineage = self.routes.get(&routed.route);
        state.is_some()
            && state == self.current
            && lineage.is_some_and(|lineage| {
                lineage.generation == routed.generation && lineage.era == self.era
            })
    }

    /// The routes of a kind that have sides; `None` while it is not known of each how it stands now.
    fn with_cohorts(&self, kind: Kind) -> Option<Vec<Routed>> {
        if self.current.is_none_or(|state| !state.has_cohorts()) {
            return Some(Vec::new());
        }
        let routes = self.kinds.get(&kind)?;
        let mut split = Vec::new();
        for route in routes {
            let lineage = self.routes.get(route);
            let lineage = lineage.filter(|lineage| lineage.era == self.era)?;
            if lineage.has_cohorts {
                split.push(Routed {
                    route: Arc::clone(route),
                    generation: lineage.generation,
                });
            }
        }
        Some(split)
    }
}

#[cfg(test)]
mod tests;
