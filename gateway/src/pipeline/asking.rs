//! Asks the side that was chosen, notes how it did, and lets somebody else answer where it may not or cannot: legacy
//! for the service of a canary, a route's fallback for anybody.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use strangler::{Decision, Reason, Side};
use tokio::time::Instant;
use upstream::transport::hyper_h1::PooledBody;
use upstream::{Answered, CallError, Resend as _, Whose};

use super::{Found, Passage, returning};
use crate::forward::body::{Keeping, RequestBody};
use crate::forward::compiled::{Backend, Fallback, FallbackTo, Fixed};
use crate::forward::incoming::ClientBody;
use crate::forward::stage::{Forwarding, forward};
use crate::judge::compiled::Canary;
use crate::judge::stage::{Came, SoFar, Went};
use crate::log::record::{self, Record};
use crate::metrics::stats::OnService;
use crate::reply::ReplyBody;
use crate::route::compiled::{Route, Target};
use crate::side::compiled::Migration;

/// So much of a request's body is kept for another try; a longer one is sent once.
const KEPT_FOR_RETRY: usize = 64 * 1024;

/// A side's answer.
pub(super) type Answer = Answered<PooledBody<RequestBody>>;

/// Who answered.
pub(super) enum Told<'a> {
    /// A backend, asked so.
    By(Forwarding<'a>, Answer),
    /// The file.
    Fixed(Response<ReplyBody>),
}

/// Who catches a request on which the backend that was chosen fails.
#[derive(Clone, Copy)]
struct Nets<'a> {
    /// Legacy, for the service of a canary.
    legacy: Option<Net<'a>>,
    /// The route's own.
    fallback: Option<&'a Fallback>,
}

#[derive(Clone, Copy)]
struct Net<'a> {
    canary: &'a Canary,
    legacy: &'a Backend,
    decision: Decision,
}

/// Where the service has as many requests as it may have at once, legacy answers.
pub(super) fn within_cap(
    migration: &Migration,
    decision: Decision,
    record: &mut Record,
) -> Decision {
    let cap = migration.canary.and_then(|canary| canary.cap(decision));
    let Some(cap) = cap else {
        return decision;
    };
    if let Some(one) = OnService::begin(&record.stats, cap) {
        record.on_service = Some(Rc::new(one));
        return decision;
    }
    record.stats.capped.fetch_add(1, Ordering::Relaxed);
    decision.instead(Reason::Capped)
}

impl Passage<'_> {
    /// The request's body, of which as much is kept as another try may need.
    pub(super) fn body(
        &self,
        route: &Route,
        backend: &Backend,
        parts: &Parts,
        incoming: ClientBody,
    ) -> RequestBody {
        let idle = self.view.config.edge.body_idle_timeout;
        let fallback = route.fallback.as_ref();
        let is_kept = backend.repeats(&parts.method, &parts.headers)
            || fallback.is_some_and(|fallback| fallback.may_ask_for(&parts.method));
        let keeping = is_kept.then_some(Keeping {
            max: KEPT_FOR_RETRY,
            memory: &self.core.shared.kept_for_retry,
        });
        RequestBody::new(incoming, route.max_body, idle, keeping)
    }

    /// Sends the request, and waits for the head of an answer that can be handed on. Also says whom that is from.
    pub(super) async fn ask<'h, 'r: 'h>(
        &self,
        mut how: Forwarding<'h>,
        (mut head, mut body): (Request<()>, RequestBody),
        may_switch: bool,
        found: &mut Found<'r>,
    ) -> Result<Told<'h>, CallError> {
        let mut nets = Nets::of(&head, &body, may_switch, found);
        // One place that waits, for all who may be asked: every other makes what is kept of each request larger.
        loop {
            let spare = nets.may_ask().then(|| body.again());
            let asking = Forwarding {
                deadline: nets.first_until(how.deadline),
                ..how
            };
            let result = forward(&self.core.transport, &asking, &mut head, body).await;
            let result = self.looked_at(result, (may_switch, how.whose), found);
            let next = match nets.catches(&result, spare.as_ref()) {
                Caught::Not => return result.map(|answer| Told::By(how, answer)),
                Caught::Fixed(fixed) => {
                    found.record.fallback(record::Fallback::Static);
                    return Ok(Told::Fixed(fixed.answer()));
                }
                Caught::Legacy(net) => {
                    let record = &mut found.record;
                    record.on_service = None;
                    record.stats.failovers.fetch_add(1, Ordering::Relaxed);
                    record.decided(net.decision.instead(Reason::Failover));
                    net.legacy
                }
                Caught::Other(backend) => {
                    found.record.fallback(record::Fallback::Upstream);
                    backend
                }
            };
            // Nobody reads what was said: its connection is closed, its place is free.
            drop(result);
            how.backend = next;
            // After all that the tries so far were handed.
            body = spare.as_ref().map(RequestBody::again).unwrap_or_default();
            drop(spare);
        }
    }

    /// Notes who was asked and how that went, and makes no answer of what cannot be handed on.
    fn looked_at(
        &self,
        result: Result<Answer, CallError>,
        (may_switch, whose): (bool, Whose),
        found: &mut Found<'_>,
    ) -> Result<Answer, CallError> {
        let took = returning::record(&mut found.record, &result);
        let result = result.and_then(|answer| returning::sound(answer, may_switch));
        // Who answers in the place of a side says nothing about it.
        if found.record.fallback.is_none() {
            found.judged = found
                .route
                .and_then(Route::canary)
                .and_then(|canary| self.so_far(canary, &result, whose, took, &found.record));
        }
        result
    }

    fn so_far(
        &self,
        canary: &Canary,
        result: &Result<Answer, CallError>,
        whose: Whose,
        took: Duration,
        record: &Record,
    ) -> Option<SoFar> {
        let went = Went::of(came(result), whose);
        let sample = canary.sample(record.decision?, went, took)?;
        let notes = &self.core.judged;
        Some(SoFar::new(notes, &record.stats, canary, whose, sample))
    }
}

enum Caught<'a> {
    Not,
    Legacy(Net<'a>),
    Other(&'a Backend),
    Fixed(&'a Fixed),
}

impl<'a> Nets<'a> {
    fn of(head: &Request<()>, body: &RequestBody, may_switch: bool, found: &Found<'a>) -> Self {
        if may_switch {
            return Self {
                legacy: None,
                fallback: None,
            };
        }
        let fallback = found.route.and_then(|route| route.fallback.as_deref());
        Self {
            legacy: net(head, body, found),
            fallback: fallback.filter(|fallback| fallback.methods.contains(head.method())),
        }
    }

    /// Whether somebody else may be asked.
    fn may_ask(self) -> bool {
        let by_fallback = self.fallback.is_some_and(Fallback::asks);
        self.legacy.is_some() || by_fallback
    }

    /// Half of the time is for whoever is asked next; so whatever the first one does, the second has as much.
    fn first_until(self, deadline: Instant) -> Instant {
        if self.may_ask() {
            halfway(Instant::now(), deadline)
        } else {
            deadline
        }
    }

    /// Who answers instead. Each net catches once.
    fn catches(
        &mut self,
        result: &Result<Answer, CallError>,
        spare: Option<&RequestBody>,
    ) -> Caught<'a> {
        let is_whole = spare.is_some_and(RequestBody::is_whole);
        if let Some(net) = self
            .legacy
            .take_if(|net| net.canary.falls(came(result)) && is_whole)
        {
            return Caught::Legacy(net);
        }
        // What legacy would have caught was none of its failures, so it is over with it.
        self.legacy = None;
        let falls = |fallback: &&Fallback| match result {
            Ok(answer) => fallback.on.answered(answer.response.status()),
            Err(error) => fallback.on.failed(error.kind),
        };
        match self
            .fallback
            .take()
            .filter(falls)
            .map(|fallback| &fallback.to)
        {
            Some(FallbackTo::Fixed(fixed)) => Caught::Fixed(fixed),
            Some(FallbackTo::Backend(backend)) if is_whole => Caught::Other(backend),
            Some(FallbackTo::Backend(_)) | None => Caught::Not,
        }
    }
}

fn came(result: &Result<Answer, CallError>) -> Came<'_> {
    match result {
        Ok(answer) => Ok((answer.response.status(), answer.response.headers())),
        Err(error) => Err(error.kind),
    }
}

fn net<'r>(head: &Request<()>, body: &RequestBody, found: &Found<'r>) -> Option<Net<'r>> {
    let Target::Migration(migration) = &found.route?.target else {
        return None;
    };
    let (canary, decision) = (migration.canary.as_ref()?, found.record.decision?);
    if !canary.has_net(decision, head.method(), body) {
        return None;
    }
    Some(Net {
        canary,
        legacy: migration.backend(Side::Legacy)?,
        decision,
    })
}

fn halfway(now: Instant, deadline: Instant) -> Instant {
    now + deadline.saturating_duration_since(now) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn legacy_has_as_much_time_as_the_service() {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        assert_eq!(halfway(now, now + second), now + second / 2);
        assert_eq!(halfway(now + second, now), now + second);
    }
}
