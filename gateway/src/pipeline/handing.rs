//! What is handed from the edge over a backend for frontends to the internal listener, so that a page and its parts
//! agree: told towards a backend outside the migration, believed from trusted callers and from nobody else.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chassis::handover::{self, DEADLINE, STATE, STICKY};
use chassis::principal::escaped;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use upstream::Whose;

use super::Passage;
use crate::auth::compiled::Verified;
use crate::forward::deadline;
use crate::forward::fields::Sender;
use crate::listener::config::Listener;
use crate::rejection::Rejection;
use crate::rendering::grpc;
use crate::route::compiled::{Route, Target};
use crate::side::sticky;

/// What a backend is handed with one request, beside the time that is left.
#[derive(Debug, Default)]
pub(super) struct Handed {
    sticky: Option<HeaderValue>,
    state: Option<HeaderValue>,
}

impl Passage<'_> {
    /// On the internal listener only those speak who may.
    pub(super) fn admit_caller(&self) -> Result<(), Rejection> {
        match (self.peer.listener, self.client.sender) {
            (Listener::Internal, Sender::Stranger | Sender::TrustedProxy) => {
                Err(Rejection::CallerRefused)
            }
            (Listener::Internal, Sender::TrustedCaller) | (Listener::Edge, _) => Ok(()),
        }
    }

    /// Until when the caller waits, where it is believed: a gRPC caller always is. What cannot be read is as good as not
    /// there, but counted.
    pub(super) fn caller_waits_until(&self, route: &Route, fields: &HeaderMap) -> Option<Instant> {
        let grpc = grpc::is_call(fields)
            .then(|| deadline::of_grpc(fields))
            .flatten();
        let told = self.told(route, fields);
        let wait = grpc.into_iter().chain(told).min()?;
        Some(Instant::now() + wait)
    }

    fn told(&self, route: &Route, fields: &HeaderMap) -> Option<Duration> {
        if !(route.client_deadline || self.client.sender == Sender::TrustedCaller) {
            return None;
        }
        let mut given = fields.get_all(DEADLINE).iter();
        let wait = match (given.next(), given.next()) {
            (None, _) => return None,
            (Some(value), None) => handover::deadline(value),
            (Some(_), Some(_)) => None,
        };
        if wait.is_none() {
            let ignored = &self.core.shared.metrics.deadlines_ignored;
            ignored.fetch_add(1, Ordering::Relaxed);
        }
        wait
    }

    /// What keeps the caller on one side, where that is of use: what a trusted caller hands on, else what the route
    /// looks for.
    pub(super) fn sticky_key<'f>(
        &self,
        route: &Route,
        fields: &'f HeaderMap,
        verified: Option<&'f Verified>,
    ) -> Option<Cow<'f, str>> {
        let decides = matches!(route.target, Target::Migration(_));
        if !(decides || self.hands_on(route)) {
            return None;
        }
        let own = || {
            let principal = verified.map(|verified| &verified.principal);
            sticky::key(&route.sticky, principal, fields).map(Cow::Borrowed)
        };
        match self.client.sender {
            Sender::TrustedCaller => sticky::handed(fields).or_else(own),
            Sender::TrustedProxy | Sender::Stranger => own(),
        }
    }

    /// Whether the route's backend is one that comes back to us, by the internal listener.
    pub(super) fn hands_on(&self, route: &Route) -> bool {
        self.peer.listener == Listener::Edge
            && self.view.config.internal.is_some()
            && matches!(route.target, Target::Upstream(_))
    }

    /// `waits` says that the caller's own deadline is known. Most requests are handed on with nothing.
    pub(super) fn handed(&self, route: &Route, key: Option<&str>, waits: bool) -> Option<Handed> {
        let hands_on = self.hands_on(route);
        (hands_on || waits).then(|| Handed {
            sticky: key.filter(|_| hands_on).map(escaped),
            state: hands_on.then(|| self.view.state.clone()),
        })
    }
}

impl Handed {
    /// Tells it, in place of whatever the request said.
    pub(super) fn tell(self, fields: &mut HeaderMap, deadline: Instant) {
        deadline::tell(fields, deadline);
        if let Some(sticky) = self.sticky {
            fields.insert(STICKY, sticky);
        }
        if let Some(state) = self.state {
            fields.insert(STATE, state);
        }
    }
}

/// When an answer's head must have come: the route's time, or the caller's where that is shorter.
pub(super) fn until(
    timeout: Duration,
    caller: Option<Instant>,
) -> Result<(Instant, Whose), Rejection> {
    let now = Instant::now();
    let own = now + timeout;
    match caller {
        // Nobody waits any more, so nobody is asked.
        Some(caller) if caller <= now => Err(Rejection::DeadlinePassed),
        Some(caller) if caller < own => Ok((caller, Whose::Callers)),
        Some(_) | None => Ok((own, Whose::Ours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_shorter_of_the_two_deadlines_holds() {
        let second = Duration::from_secs(1);
        let now = Instant::now();
        let until = |caller: Option<Duration>| until(second, caller.map(|wait| now + wait)).ok();
        let ours = Some((now + second, Whose::Ours));
        assert_eq!(until(None), ours);
        assert_eq!(until(Some(second * 2)), ours);
        let callers = Some((now + second / 2, Whose::Callers));
        assert_eq!(until(Some(second / 2)), callers);
        assert_eq!(until(Some(Duration::ZERO)), None);
    }
}
