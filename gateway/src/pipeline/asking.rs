//! Asks the side that was chosen, notes how it did, and lets legacy answer where the service of a canary may not or
//! cannot.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Request;
use strangler::{Decision, Reason, Side};
use tokio::time::Instant;
use upstream::transport::hyper_h1::PooledBody;
use upstream::{Answered, CallError};

use super::handing::tell_again;
use super::{Found, Passage, returning};
use crate::forward::body::RequestBody;
use crate::forward::compiled::Backend;
use crate::forward::stage::{Forwarding, forward};
use crate::forward::upgrade::Wanted;
use crate::judge::compiled::Canary;
use crate::judge::stage::{Came, SoFar, Went, Whose};
use crate::log::record::Record;
use crate::metrics::stats::OnService;
use crate::route::compiled::{Route, Target};
use crate::side::compiled::Migration;

/// A side's answer.
pub(super) type Answer = Answered<PooledBody<RequestBody>>;

/// What an answer must fit to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Whose time runs out at the deadline.
    whose: Whose,
    /// The client would switch to another protocol.
    may_switch: bool,
}

impl Terms {
    /// `wanted` is what the client would switch to.
    pub(super) fn of(whose: Whose, wanted: Option<&Wanted>) -> Self {
        let may_switch = wanted.is_some();
        Self { whose, may_switch }
    }
}

/// What catches a request that the service fails on.
struct Net<'a> {
    canary: &'a Canary,
    legacy: &'a Backend,
    decision: Decision,
    /// The request once more; it has no body.
    again: Request<RequestBody>,
    /// The service's part of the time.
    service_until: Instant,
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
    /// Sends the request, and waits for the head of an answer that can be handed on. Also says whom that is from.
    pub(super) async fn ask<'h, 'r: 'h>(
        &self,
        mut how: Forwarding<'h>,
        mut request: Request<RequestBody>,
        terms: Terms,
        found: &mut Found<'r>,
    ) -> Result<(Forwarding<'h>, Answer), CallError> {
        let mut net = net(&how, &request, terms, found);
        // One place that waits, for the service and for legacy: every other makes what is kept of each request larger.
        loop {
            let asking = Forwarding {
                deadline: net.as_ref().map_or(how.deadline, |net| net.service_until),
                ..how
            };
            if asking.deadline != how.deadline {
                tell_again(request.headers_mut(), asking.deadline);
            }
            let asked_at = self.core.clock().now();
            let result = forward(&self.core.transport, &asking, request).await;
            let took = self.core.clock().now().saturating_duration_since(asked_at);
            let result = self.looked_at(result, took, terms, found);
            let Some(net) = net.take().filter(|net| net.catches(&result)) else {
                return Ok((how, result?));
            };
            // Nobody reads what the service said: its connection is closed, its place is free.
            drop(result);
            let record = &mut found.record;
            record.on_service = None;
            record.stats.failovers.fetch_add(1, Ordering::Relaxed);
            record.decided(net.decision.instead(Reason::Failover));
            how.backend = net.legacy;
            request = net.again;
            tell_again(request.headers_mut(), how.deadline);
        }
    }

    /// Notes who was asked and how that went, and makes no answer of what cannot be handed on.
    fn looked_at(
        &self,
        result: Result<Answer, CallError>,
        took: Duration,
        terms: Terms,
        found: &mut Found<'_>,
    ) -> Result<Answer, CallError> {
        returning::record(&mut found.record, &result, took);
        let result = result.and_then(|answer| returning::sound(answer, terms.may_switch));
        found.judged = found
            .route
            .and_then(Route::canary)
            .and_then(|canary| self.so_far(canary, &result, terms.whose, took, &found.record));
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

impl Net<'_> {
    fn catches(&self, result: &Result<Answer, CallError>) -> bool {
        self.canary.falls(came(result))
    }
}

fn came(result: &Result<Answer, CallError>) -> Came<'_> {
    match result {
        Ok(answer) => Ok((answer.response.status(), answer.response.headers())),
        Err(error) => Err(error.kind),
    }
}

fn net<'r>(
    how: &Forwarding<'_>,
    request: &Request<RequestBody>,
    terms: Terms,
    found: &Found<'r>,
) -> Option<Box<Net<'r>>> {
    let Target::Migration(migration) = &found.route?.target else {
        return None;
    };
    let (canary, decision) = (migration.canary.as_ref()?, found.record.decision?);
    if terms.may_switch || !canary.has_net(decision, request) {
        return None;
    }
    let mut again = Request::new(RequestBody::default());
    again.method_mut().clone_from(request.method());
    again.headers_mut().clone_from(request.headers());
    Some(Box::new(Net {
        canary,
        legacy: migration.backend(Side::Legacy)?,
        decision,
        again,
        service_until: halfway(Instant::now(), how.deadline),
    }))
}

/// Half of what is left is the service's; so whatever it does, legacy has as much.
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
