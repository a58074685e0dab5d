//! What the gateway has said about where routes lead and which callers are on which side: it decides what of a cache
//! a caller may be given, and whose calls may be one.
//!
//! The edge names the state of all routes on each request, the internal listener on each answer the route's part of it.
//! A kept answer may be given while its route has stood as it did without a break: a state in which nothing was heard
//! of the route is a break, so that what was kept before a rollback does not come back after it.

mod states;

use std::any::TypeId;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chassis::handover::{self, RouteState, State};
use http::HeaderMap;
use moka::sync::Cache;

pub(crate) use self::states::Moment;
use self::states::States;
use crate::cohort::{Audience, Provenance, Routed, Side, Way};
use crate::inbound::CallerId;

/// Pairs of a caller and a route whose side is remembered.
const PAIRS: u64 = 100_000;

/// Things of which it is remembered where calls for them led.
const THINGS: u64 = 20_000;

/// Routes that are remembered of one thing, or of one kind. More of them are not worth telling apart.
const LEADS: usize = 16;

/// What is known.
#[derive(Debug)]
pub(crate) struct Known {
    way: Way,
    states: Mutex<States>,
    /// By caller and route: the side, and the generation in which it was so.
    sides: Cache<(CallerId, Arc<str>), (u64, Side)>,
    /// The routes to which calls for a thing led, and those of a kind.
    leads: Cache<u64, Arc<[Routed]>>,
    /// Seeded, so that nobody chooses what looks alike.
    hasher: RandomState,
}

/// What is asked of a backend, as far as it decides which route takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Calls for one type lead to the same few routes, likely.
    kind: u64,
    /// Calls for the same thing lead to the same one, as long as no route takes other requests; then none stands as it
    /// did. Only where others may want the same.
    thing: Option<u64>,
}

/// Whose calls for the same thing may be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Company {
    /// Everybody's.
    Everybody,
    /// Those of callers on the same side.
    On(Side),
    /// Nobody knows yet on which side this one is.
    Alone(CallerId),
}

impl Known {
    /// Nothing yet, of answers that come this way.
    pub(crate) fn new(way: Way) -> Self {
        Self {
            way,
            states: Mutex::default(),
            sides: Cache::new(PAIRS),
            leads: Cache::new(THINGS),
            hasher: RandomState::new(),
        }
    }

    /// A request has come in that the edge took while routes led as in `state`.
    pub(crate) fn enter(&self, state: Option<State>) -> Moment {
        match self.way {
            Way::Gateway => self.states().enter(state),
            Way::Direct => Moment::default(),
        }
    }

    /// A call of `backend` for a `T`; `thing` is what of it is the same for all who want the same.
    pub(crate) fn asked<T: 'static>(
        &self,
        backend: &'static str,
        thing: Option<impl Hash>,
    ) -> Asked {
        Asked {
            kind: self.hasher.hash_one((backend, TypeId::of::<T>())),
            thing: thing.map(|thing| self.hasher.hash_one((backend, thing))),
        }
    }

    /// Reads what an answer to a call of a request of that moment says about where it came from, and remembers it.
    pub(crate) fn learn(
        &self,
        asked: Asked,
        moment: Moment,
        caller: impl FnOnce() -> CallerId,
        fields: &HeaderMap,
    ) -> Provenance {
        let said = fields.get(handover::STATE).and_then(RouteState::read);
        let audience = match &said {
            Some(said) => Audience::read(fields, said.token.has_cohorts()),
            None => Audience::read(fields, self.way == Way::Gateway),
        };
        let route = said.map(|said| self.states().hear(said, moment));
        if let Some(routed) = route.as_ref().filter(|routed| routed.generation > 0) {
            for asked in [Some(asked.kind), asked.thing].into_iter().flatten() {
                self.leads_to(asked, routed);
            }
            if let Audience::On(side) = audience {
                let key = (caller(), Arc::clone(&routed.route));
                self.sides.insert(key, (routed.generation, side));
            }
        }
        Provenance {
            side: Side::of(fields),
            route,
            audience,
        }
    }

    fn leads_to(&self, asked: u64, routed: &Routed) {
        let before = self.leads.get(&asked);
        let before = before.as_deref().unwrap_or_default();
        if before.contains(routed) {
            return;
        }
        let states = self.states();
        // A route of which nothing was heard in this state may be gone.
        let others = before.iter().filter(|one| states.token(one).is_some());
        let leads = others.take(LEADS - 1).chain([routed]).cloned().collect();
        drop(states);
        self.leads.insert(asked, leads);
    }

    /// Whether an answer that came from `from` may be given to `caller`, whose request came at that moment.
    pub(crate) fn admits(
        &self,
        from: &Provenance,
        moment: Moment,
        caller: impl FnOnce() -> CallerId,
    ) -> bool {
        if let Some(routed) = &from.route {
            let states = self.states();
            if states.still(moment).is_none() || states.token(routed).is_none() {
                return false;
            }
        }
        match (from.audience, &from.route) {
            (Audience::Everybody, _) => true,
            (Audience::On(side), Some(routed)) => self.side_of(caller(), routed) == Some(side),
            (Audience::On(_), None) | (Audience::Nobody, _) => false,
        }
    }

    /// Whose calls may be one with the caller's, whose request came at that moment; `None` when nobody's may, because
    /// it is not known how routes stand for this request.
    pub(crate) fn company(
        &self,
        asked: Asked,
        moment: Moment,
        caller: impl FnOnce() -> CallerId,
    ) -> Option<Company> {
        if self.way == Way::Direct {
            return Some(Company::Everybody);
        }
        let state = self.states().still(moment)?;
        if !state.has_cohorts() {
            return Some(Company::Everybody);
        }
        let caller = caller();
        // Of another thing of its kind it cannot be told: that may lead to a route which has no sides, and this not.
        let known = asked.thing.and_then(|thing| self.on(thing, caller));
        Some(known.unwrap_or(Company::Alone(caller)))
    }

    /// On which side a caller's call will be, likely: for what the sides do not share.
    pub(crate) fn side(&self, asked: Asked, caller: impl FnOnce() -> CallerId) -> Option<Side> {
        let current = self.states().current();
        if !current.is_some_and(State::has_cohorts) {
            return None;
        }
        let caller = caller();
        let known = asked.thing.and_then(|thing| self.on(thing, caller));
        match known.or_else(|| self.on(asked.kind, caller))? {
            Company::On(side) => Some(side),
            Company::Everybody | Company::Alone(_) => None,
        }
    }

    /// With whom a caller is on all routes of something that were heard of in this state; `None` without one.
    fn on(&self, asked: u64, caller: CallerId) -> Option<Company> {
        let leads = self.leads.get(&asked)?;
        let mut company = None;
        for routed in leads.iter() {
            let Some(token) = self.states().token(routed) else {
                continue;
            };
            let here = if token.has_cohorts() {
                let side = self.side_of(caller, routed);
                side.map_or(Company::Alone(caller), Company::On)
            } else {
                Company::Everybody
            };
            company = Some(match (company, here) {
                (None | Some(Company::Everybody), here) => here,
                (Some(there), Company::Everybody) => there,
                (Some(there), here) if there == here => here,
                (Some(_), _) => Company::Alone(caller),
            });
        }
        company
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

#[cfg(test)]
mod tests;
