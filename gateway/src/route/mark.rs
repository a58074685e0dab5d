//! What every answer of the internal listener says of its route, so that a backend for frontends mixes no answers of
//! different times or cohorts. Made once, when the route is.

use chassis::handover::{COHORT, Cohort, RouteState, STATE, State, Token};
use http::{HeaderMap, HeaderValue};
use strangler::Side;

use super::config::RouteConfig;

/// A route's values of these fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    state: HeaderValue,
    /// Legacy's and the service's, while it depends on the caller who answers.
    cohorts: Option<[HeaderValue; 2]>,
}

impl Mark {
    /// `token` is the route's own part of `state`.
    pub fn new(route: &RouteConfig, state: State, token: Token) -> Self {
        let name = || route.name.clone();
        let state = RouteState {
            state,
            route: name(),
            token,
        };
        let cohorts = route.target.canary().map(|migration| {
            let cohort = |side: Side| Cohort {
                route: name(),
                epoch: migration.epoch_in_force(),
                side: side.as_str().to_owned(),
            };
            [Side::Legacy, Side::Service].map(|side| cohort(side).to_value())
        });
        Self {
            state: state.to_value(),
            cohorts,
        }
    }

    /// Tells it. `side` is whoever was to answer, where that was decided.
    pub fn tell(&self, fields: &mut HeaderMap, side: Option<Side>) {
        fields.insert(STATE, self.state.clone());
        if let (Some([legacy, service]), Some(side)) = (&self.cohorts, side) {
            let cohort = match side {
                Side::Legacy => legacy,
                Side::Service => service,
            };
            fields.insert(COHORT, cohort.clone());
        }
    }
}
