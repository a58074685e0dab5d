//! One try: what it must be let through by, whom it asks, how long it waits, and what is learnt from how it went.

use std::sync::Arc;

use http::{Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::{Answered, Calling, Next, Whose};
use crate::body::Resend;
use crate::breaker::{Outcome, Pass, Settings};
use crate::bulkhead::{Permit, Places};
use crate::endpoint::{Endpoint, InFlight};
use crate::error::{CallError, Failed, Kind};
use crate::fleet::Picked;
use crate::transport::{Connection, Transport};

/// How a try ended without an answer.
pub(super) enum Ended {
    /// It failed.
    Failed(Failed),
    /// A kept connection was dead, which was no try.
    Stale,
    /// It was never made, and no other will be.
    Refused(CallError),
}

pub(super) async fn attempt<T, B>(
    transport: &T,
    calling: &Calling<'_>,
    head: &mut Request<()>,
    body: B,
    next: &mut Next<B>,
    prepare: &impl Fn(&Endpoint, &mut Request<()>),
) -> Result<Answered<T::Body>, Ended>
where
    T: Transport<B>,
    B: Resend,
{
    let pass = admit(calling)?;
    next.trail.probe |= pass.as_ref().is_some_and(Pass::is_probe);
    let permit = match calling.places {
        None => None,
        Some(places) => Some(match places.bulkhead.enter_up_to(places.up_to) {
            Some(permit) => permit,
            None => Box::pin(wait_for_place(calling, places)).await?,
        }),
    };
    let on = next.stale_at.take();
    let fresh = on.is_some();
    let endpoint = match on.or_else(|| pick(calling, next)) {
        Some(endpoint) => endpoint,
        None => Box::pin(wait_for_endpoint(calling, next)).await?,
    };
    next.trail.attempts += 1;
    next.tried.push(endpoint.id());
    prepare(&endpoint, head);
    let in_flight = InFlight::at(&endpoint);
    let by = Connection {
        connecting: &calling.upstream.connecting,
        fresh,
    };
    let asking = Asking {
        calling,
        endpoint: &endpoint,
        pass,
        begun: Instant::now(),
    };
    let until = asking.until(next, head);
    let asked = transport.call(&endpoint, by, head, body);
    let result = timeout_at(until, asked).await;
    let result = result.unwrap_or_else(|_| Err(Failed::late()));
    match result {
        Ok(response) => {
            asking.answered(&response);
            Ok(Answered {
                response,
                in_flight,
                permit,
                trail: next.trail,
            })
        }
        Err(failed) if next.is_stale(calling, head, &failed) => {
            next.replace(&endpoint);
            Err(Ended::Stale)
        }
        Err(failed) => {
            asking.failed(failed.error.kind);
            Err(Ended::Failed(Failed {
                error: failed.error.at(&endpoint),
                ..failed
            }))
        }
    }
}

fn admit<'a>(calling: &Calling<'a>) -> Result<Option<Pass<'a>>, Ended> {
    let admitted = calling.breaker.map(|breaker| breaker.admit(Instant::now()));
    admitted
        .transpose()
        .map_err(|wait| Ended::Refused(CallError::until_later(Kind::BreakerOpen, wait)))
}

async fn wait_for_place(calling: &Calling<'_>, places: Places<'_>) -> Result<Permit, Ended> {
    let Places { bulkhead, up_to } = places;
    let permit = bulkhead.enter_by(up_to, calling.deadline).await;
    permit.ok_or_else(|| {
        calling.upstream.tally.bulkhead_full();
        let error = CallError::until_later(Kind::BulkheadFull, super::COME_BACK);
        Ended::Refused(error)
    })
}

fn pick<B>(calling: &Calling<'_>, next: &mut Next<B>) -> Option<Arc<Endpoint>> {
    let upstream = calling.upstream;
    let dice = |below| fastrand::usize(..below);
    let picked = upstream
        .fleet
        .pick(Instant::now(), &next.tried, calling.key, dice)?;
    let Picked { endpoint, panic } = picked;
    if panic {
        next.trail.panic = true;
        upstream.tally.panicked();
    }
    Some(endpoint)
}

/// A name may not have been looked up yet: so soon after the start that is no failure.
async fn wait_for_endpoint<B>(
    calling: &Calling<'_>,
    next: &mut Next<B>,
) -> Result<Arc<Endpoint>, Ended> {
    let upstream = calling.upstream;
    if !upstream.fleet.is_known() {
        let until = calling
            .deadline
            .min(Instant::now() + upstream.connecting.timeout);
        let _ = timeout_at(until, upstream.fleet.known()).await;
    }
    pick(calling, next).ok_or_else(|| Ended::Refused(CallError::new(Kind::NoEndpoint)))
}

/// A try under way.
struct Asking<'a, 'e> {
    calling: &'a Calling<'a>,
    endpoint: &'e Arc<Endpoint>,
    pass: Option<Pass<'a>>,
    begun: Instant,
}

impl Asking<'_, '_> {
    /// A try has less time than the call only while another may follow.
    fn until<B>(&self, next: &Next<B>, head: &Request<()>) -> Instant {
        let Calling {
            retry, deadline, ..
        } = *self.calling;
        match retry.per_try_timeout {
            Some(wait)
                if retry.on.timeout
                    && next.trail.attempts < retry.attempts
                    && retry.repeats(head.method(), head.headers()) =>
            {
                deadline.min(self.begun + wait)
            }
            _ => deadline,
        }
    }

    fn answered<A>(mut self, response: &Response<A>) {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.begun);
        let fleet = &self.calling.upstream.fleet;
        let status = response.status();
        if status.is_server_error() {
            fleet.failed(self.endpoint, "answered 5xx", took, now);
        } else {
            fleet.succeeded(self.endpoint, took, now);
        }
        if let Some(pass) = self.pass.take() {
            let outcome = outcome(pass.settings(), status);
            pass.record(outcome, took, now);
        }
    }

    fn failed(mut self, kind: Kind) {
        let now = Instant::now();
        let callers = self.calling.whose == Whose::Callers && now >= self.calling.deadline;
        // What the caller did says nothing of the backend.
        if kind == Kind::RequestBody || (kind == Kind::Timeout && callers) {
            return;
        }
        let took = now.saturating_duration_since(self.begun);
        let fleet = &self.calling.upstream.fleet;
        fleet.failed(self.endpoint, kind.as_str(), took, now);
        if let Some(pass) = self.pass.take() {
            pass.record(Outcome::Failure, took, now);
        }
    }
}

pub(super) fn outcome(settings: &Settings, status: StatusCode) -> Outcome {
    match status.as_u16() {
        502..=504 => Outcome::Failure,
        500 if settings.count_500 => Outcome::Failure,
        _ => Outcome::Success,
    }
}
