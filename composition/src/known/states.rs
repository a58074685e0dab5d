//! How each route stands, and since when.

use std::collections::HashMap;
use std::sync::Arc;

use chassis::handover::{RouteState, State, Token};

use crate::cohort::Routed;

/// Routes that are remembered: a gateway has not more of them, unless it makes them up.
const ROUTES: usize = 1_000;

/// When a request came in, counted in changes of what requests say of the routes. Where routes led the same way before
/// and after a rollback, this tells the two apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Moment {
    era: u64,
    /// The request's edge named the state.
    is_named: bool,
}

#[derive(Debug, Default)]
pub(super) struct States {
    /// As the last request named it.
    current: Option<State>,
    /// Counts the changes of `current`.
    era: u64,
    generations: u64,
    routes: HashMap<Arc<str>, Lineage>,
}

/// How a route has stood, without a break.
#[derive(Clone, Copy, Debug)]
struct Lineage {
    token: Token,
    generation: u64,
    /// The last one in which it was heard of.
    era: u64,
}

impl States {
    /// A request comes in.
    pub(super) fn enter(&mut self, state: Option<State>) -> Moment {
        if state.is_some() && self.current != state {
            self.current = state;
            self.era += 1;
        }
        Moment {
            era: self.era,
            is_named: state.is_some(),
        }
    }

    /// What the last request said.
    pub(super) fn current(&self) -> Option<State> {
        self.current
    }

    /// What the request of a moment said, while no other one has said otherwise.
    pub(super) fn still(&self, moment: Moment) -> Option<State> {
        let still = moment.is_named && moment.era == self.era;
        self.current.filter(|_| still)
    }

    /// An answer to a call of a request says how its route stands.
    pub(super) fn hear(&mut self, said: RouteState, moment: Moment) -> Routed {
        let route: Arc<str> = match self.routes.get_key_value(said.route.as_str()) {
            Some((known, _)) => Arc::clone(known),
            None => said.route.into(),
        };
        // It is of another moment than the last request, or the call was begun in one: nothing follows from it for the
        // next one.
        if self.current != Some(said.state) || moment.era != self.era {
            return Routed {
                route,
                generation: 0,
            };
        }
        let generation = self.remember(&route, said.token);
        Routed { route, generation }
    }

    /// The generation in which a route stands with this token; 0 when there are too many routes.
    fn remember(&mut self, route: &Arc<str>, token: Token) -> u64 {
        let era = self.era;
        if let Some(lineage) = self.routes.get_mut(route) {
            if lineage.token != token || lineage.is_broken(era) {
                self.generations += 1;
                lineage.generation = self.generations;
            }
            (lineage.token, lineage.era) = (token, era);
            return lineage.generation;
        }
        if self.routes.len() >= ROUTES {
            self.routes.retain(|_, lineage| !lineage.is_broken(era));
        }
        if self.routes.len() >= ROUTES {
            return 0;
        }
        self.generations += 1;
        let lineage = Lineage {
            token,
            generation: self.generations,
            era,
        };
        self.routes.insert(Arc::clone(route), lineage);
        lineage.generation
    }

    /// A route's token, when it was heard of in this state and stands as it did then.
    pub(super) fn token(&self, routed: &Routed) -> Option<Token> {
        let lineage = self.routes.get(&routed.route)?;
        let stands = lineage.generation == routed.generation && lineage.era == self.era;
        stands.then_some(lineage.token)
    }
}

impl Lineage {
    /// There was a state in which nothing was heard of it.
    fn is_broken(&self, now: u64) -> bool {
        self.era + 1 < now
    }
}
