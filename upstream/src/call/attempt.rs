//! One try: what it must be let through by, whom it asks, how long it waits, and what is learnt from how it went.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use super::{Answered, Calling, Next, Whose};
use crate::body::Resend;
use crate::breaker::{Outcome, Pass, Settings};
use crate::bulkhead::{Permit, Places};
use crate::endpoint::{Endpoint, InFlight};
use crate::error::{CallError, Failed, Kind};
use crate::fleet::Picked;
use crate::hedge::{self, Hedge, Winner};
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
    let first = begin(calling, next).await?;
    prepare(&first.endpoint, head);
    let begun = first.begun;
    let until = first.until(next, head);
    let (mut asking, result) = match hedge(calling, next, head) {
        None => {
            let request = (&*head, body);
            let result = first.ask(transport, request, until, Some(&next.body)).await;
            (first, result)
        }
        Some(hedge) => {
            let request = (&*head, body);
            let hedged = hedged(transport, (first, until), request, next, prepare, hedge);
            Box::pin(hedged).await
        }
    };
    if let (Some(hedge), Ok(_)) = (calling.hedge, &result) {
        hedge.record(begun.elapsed());
    }
    match result {
        Ok(response) => {
            let (in_flight, now) = asking.answered(&response);
            next.trail.took = now.saturating_duration_since(next.began);
            Ok(Answered {
                response,
                in_flight,
                permit: asking.permit.take(),
                trail: next.trail,
            })
        }
        Err(failed) if next.is_stale(calling, head, &failed) => {
            asking.in_flight = None;
            next.replace(&asking.endpoint);
            Err(Ended::Stale)
        }
        Err(failed) => {
            let now = asking.failed(failed.error.kind, next.body.is_awaited());
            next.trail.took = now.saturating_duration_since(next.began);
            Err(Ended::Failed(Failed {
                error: failed.error.at(&asking.endpoint),
                ..failed
            }))
        }
    }
}

/// Takes all that a try needs. It seldom waits for any of it.
async fn begin<'a, B: Resend>(
    calling: &'a Calling<'a>,
    next: &mut Next<B>,
) -> Result<Asking<'a>, Ended> {
    let pass = admit(calling, next.now)?;
    next.trail.probe |= pass.as_ref().is_some_and(Pass::is_probe);
    let mut permit = calling.places.and_then(enter);
    if let Some(places) = calling.places.filter(|_| permit.is_none()) {
        permit = Some(Box::pin(wait_for_place(calling, places)).await?);
        next.now = Instant::now();
    }
    let on = next.stale_at.take();
    let fresh = on.is_some();
    let endpoint = match on.or_else(|| pick(calling, next)) {
        Some(endpoint) => endpoint,
        None => Box::pin(wait_for_endpoint(calling, next)).await?,
    };
    let mut asking = Asking::begin(calling, next, endpoint, (pass, permit));
    asking.fresh = fresh;
    Ok(asking)
}

fn enter(places: Places<'_>) -> Option<Permit> {
    places.bulkhead.enter_up_to(places.up_to)
}

/// What makes a second try, and how long the first one has alone. A probe is one.
fn hedge<'a, B>(
    calling: &Calling<'a>,
    next: &Next<B>,
    head: &Request<()>,
) -> Option<(&'a Hedge, Duration)> {
    let hedge = calling.hedge.filter(|_| !next.trail.probe)?;
    Some((hedge, hedge.wait(head.method(), next.now)?))
}

/// Asks, and when that takes long, somebody else beside it. The try that the answer is of, and the answer.
async fn hedged<'a, T, B>(
    transport: &T,
    (first, until): (Asking<'a>, Instant),
    (head, body): (&Request<()>, B),
    next: &mut Next<B>,
    prepare: &impl Fn(&Endpoint, &mut Request<()>),
    (hedge, wait): (&Hedge, Duration),
) -> (Asking<'a>, Asked<T::Body>)
where
    T: Transport<B>,
    B: Resend,
{
    let calling = first.calling;
    let again = body.again();
    let one = async move {
        let asked = first.ask(transport, (head, body), until, None).await;
        (first, asked)
    };
    let two = || {
        let second = second(calling, next, hedge)?;
        let mut head = head.clone();
        prepare(&second.endpoint, &mut head);
        Some(async move {
            let request = (&head, again);
            let asked = second.ask(transport, request, calling.deadline, None);
            let asked = asked.await;
            (second, asked)
        })
    };
    let is_good = |(_, asked): &(Asking<'a>, Asked<T::Body>)| {
        let status = asked.as_ref().map(Response::status);
        status.is_ok_and(|status| !status.is_server_error())
    };
    let (answer, winner) = hedge::race(one, wait, two, is_good).await;
    if winner == Winner::Second && answer.1.is_ok() {
        hedge.won();
    }
    answer
}

/// A second try, if there is all that it takes at once.
fn second<'a, B>(calling: &'a Calling<'a>, next: &mut Next<B>, hedge: &Hedge) -> Option<Asking<'a>>
where
    B: Resend,
{
    if !next.body.is_whole() {
        return None;
    }
    next.now = Instant::now();
    let pass = admit(calling, next.now).ok()?;
    let permit = match calling.places {
        None => None,
        Some(places) => Some(enter(places)?),
    };
    let endpoint = pick(calling, next)?;
    // Asked last: only a try that is made is paid for.
    if !hedge.may_begin(&calling.upstream.budget, next.now) {
        return None;
    }
    Some(Asking::begin(calling, next, endpoint, (pass, permit)))
}

fn admit<'a>(calling: &Calling<'a>, now: Instant) -> Result<Option<Pass<'a>>, Ended> {
    let admitted = calling.breaker.map(|breaker| breaker.admit(now));
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
        .pick(next.now, &next.tried, calling.key, dice)?;
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
        next.now = Instant::now();
    }
    pick(calling, next).ok_or_else(|| Ended::Refused(CallError::new(Kind::NoEndpoint)))
}

/// A try under way.
struct Asking<'a> {
    calling: &'a Calling<'a>,
    endpoint: Arc<Endpoint>,
    /// Taken when it has ended.
    in_flight: Option<InFlight>,
    /// Not over a kept connection.
    fresh: bool,
    pass: Option<Pass<'a>>,
    permit: Option<Permit>,
    begun: Instant,
}

/// The caller left. That is no failure, but whoever would have answered took at least so long.
impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if self.in_flight.is_some() {
            let now = Instant::now();
            let waited = now.saturating_duration_since(self.begun);
            let fleet = &self.calling.upstream.fleet;
            fleet.left(&self.endpoint, waited, now);
        }
    }
}

/// What came of a try.
type Asked<A> = Result<Response<A>, Failed>;

impl<'a> Asking<'a> {
    fn begin<B>(
        calling: &'a Calling<'a>,
        next: &mut Next<B>,
        endpoint: Arc<Endpoint>,
        (pass, permit): (Option<Pass<'a>>, Option<Permit>),
    ) -> Self {
        next.trail.attempts += 1;
        next.tried.push(endpoint.id());
        Self {
            calling,
            in_flight: Some(InFlight::at(&endpoint)),
            endpoint,
            fresh: false,
            pass,
            permit,
            begun: next.now,
        }
    }

    /// Waits until `until`, and until the call's deadline where by then no other try may follow: `spare`, what the next
    /// one would send, has become too long to be kept, or the budget is spent.
    async fn ask<T, B>(
        &self,
        transport: &T,
        (head, body): (&Request<()>, B),
        mut until: Instant,
        spare: Option<&B>,
    ) -> Asked<T::Body>
    where
        T: Transport<B>,
        B: Resend,
    {
        let by = Connection {
            connecting: &self.calling.upstream.connecting,
            fresh: self.fresh,
        };
        let mut asked = pin!(transport.call(&self.endpoint, by, head, body));
        loop {
            if let Ok(asked) = timeout_at(until, asked.as_mut()).await {
                return asked;
            }
            if until >= self.calling.deadline || self.may_follow(spare) {
                return Err(Failed::late());
            }
            until = self.calling.deadline;
        }
    }

    fn may_follow<B: Resend>(&self, spare: Option<&B>) -> bool {
        let Calling {
            upstream, retry, ..
        } = *self.calling;
        spare.is_none_or(Resend::is_whole) && upstream.budget.has_some(Instant::now(), retry.budget)
    }

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

    /// What is kept until the answer's end.
    fn answered<A>(&mut self, response: &Response<A>) -> (InFlight, Instant) {
        let now = Instant::now();
        let took = now.saturating_duration_since(self.begun);
        let fleet = &self.calling.upstream.fleet;
        let status = response.status();
        if status.is_server_error() {
            fleet.failed(&self.endpoint, "answered 5xx", took, now);
        } else {
            fleet.succeeded(&self.endpoint, took, now);
        }
        if let Some(pass) = self.pass.take() {
            let outcome = outcome(pass.settings(), status);
            pass.record(outcome, took, now);
        }
        let in_flight = self.in_flight.take();
        let in_flight = in_flight.unwrap_or_else(|| InFlight::at(&self.endpoint));
        (in_flight, now)
    }

    fn failed(&mut self, kind: Kind, is_awaited: bool) -> Instant {
        self.in_flight = None;
        let now = Instant::now();
        let callers = self.calling.whose == Whose::Callers && now >= self.calling.deadline;
        // What the caller did says nothing of the backend.
        if kind == Kind::RequestBody || (kind == Kind::Timeout && (callers || is_awaited)) {
            return now;
        }
        let took = now.saturating_duration_since(self.begun);
        let fleet = &self.calling.upstream.fleet;
        fleet.failed(&self.endpoint, kind.as_str(), took, now);
        if let Some(pass) = self.pass.take() {
            pass.record(Outcome::Failure, took, now);
        }
        now
    }
}

pub(super) fn outcome(settings: &Settings, status: StatusCode) -> Outcome {
    match status.as_u16() {
        502..=504 => Outcome::Failure,
        500 if settings.count_500 => Outcome::Failure,
        _ => Outcome::Success,
    }
}
