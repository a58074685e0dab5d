//! The way back: an upstream's answer, or our own, made fit for the client.

use std::time::Duration;

use chassis::handover::{REJECTED, SERVED_BY};
use chassis::request_id;
use http::header::{CONNECTION, CONTENT_LENGTH, UPGRADE};
use http::{HeaderName, HeaderValue, Response, StatusCode, Version};
use strangler::{Decision, Side};
use upstream::transport::hyper_h1::PooledBody;
use upstream::{Answered, CallError, Kind};

use super::{Found, Passage};
use crate::forward::answer::Naming;
use crate::forward::body::{AnswerBody, RequestBody};
use crate::forward::fields::clean_answer;
use crate::forward::stage::Forwarding;
use crate::forward::upgrade::Wanted;
use crate::listener::config::Listener;
use crate::log::record::{Asked, Record};
use crate::rejection::{Causes, Rejection};
use crate::rendering::render;
use crate::reply::ReplyBody;
use crate::side::visitor;

/// An answer that is not the backend's own: `static` or `upstream`.
const FALLBACK: HeaderName = HeaderName::from_static("x-fallback");
const ROUTE_REASON: HeaderName = HeaderName::from_static("x-route-reason");

/// Callers with this scope hear causes.
const DEBUG_SCOPE: &str = "gateway.debug";

/// Notes who was asked and how that went; says how long it took.
pub(super) fn record<B>(record: &mut Record, result: &Result<Answered<B>, CallError>) -> Duration {
    let (endpoint, trail) = match result {
        Ok(answered) => (Some(answered.in_flight.endpoint()), answered.trail),
        Err(error) => (error.endpoint.as_ref(), error.trail),
    };
    record.breaker_open |= matches!(result, Err(error) if error.kind == Kind::BreakerOpen);
    if let Some(endpoint) = endpoint {
        record.upstream = Some(Asked {
            endpoint: endpoint.logged().clone(),
            trail,
        });
    }
    trail.took
}

/// An answer that can be handed on: one that switches protocols only where it `may_switch`.
pub(super) fn sound<B>(answered: Answered<B>, may_switch: bool) -> Result<Answered<B>, CallError> {
    if answered.response.status() == StatusCode::SWITCHING_PROTOCOLS && !may_switch {
        return Err(CallError::new(Kind::Malformed));
    }
    Ok(answered)
}

impl Passage<'_> {
    /// An upstream's answer, which is sound.
    pub(super) fn returning(
        &self,
        how: &Forwarding<'_>,
        answered: Answered<PooledBody<RequestBody>>,
        wanted: Option<Wanted>,
        record: &Record,
    ) -> Response<ReplyBody> {
        let Answered {
            mut response,
            in_flight,
            permit,
            ..
        } = answered;
        let edge = &self.view.config.edge;
        let switching = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = response
            .headers()
            .get(UPGRADE)
            .cloned()
            .filter(|_| switching);
        if let Some(wanted) = wanted.filter(|_| switching) {
            wanted.join(
                hyper::upgrade::on(&mut response),
                edge.idle_timeout,
                (record.on_legacy.clone(), record.on_service.clone()),
                &self.core.tasks,
            );
        }
        let endpoint = in_flight.endpoint();
        clean_answer(response.headers_mut());
        if let Some(outside) = how.outside {
            let sent = how.host(endpoint).unwrap_or(outside);
            let naming = Naming {
                paths: how.paths(endpoint),
                inside: [endpoint.authority(), sent],
                scheme: self.client.scheme(),
                outside,
            };
            naming.apply(response.headers_mut());
        }
        if let Some(protocol) = protocol {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("upgrade"));
            response.headers_mut().insert(UPGRADE, protocol);
        }
        // An answer that does not say how long it is may be a stream, which has no end to be late for.
        let sized = response.headers().contains_key(CONTENT_LENGTH);
        let (idle, ends, permit) = if sized {
            (edge.body_idle_timeout, Some(how.deadline), permit)
        } else {
            (edge.idle_timeout, None, None)
        };
        *response.version_mut() = Version::HTTP_11;
        let held = (in_flight, permit);
        response.map(|body| ReplyBody::passed(AnswerBody::new(body, held, idle, ends)))
    }

    /// Our own answer.
    pub(super) fn rejected(
        &self,
        rejection: &Rejection,
        found: &mut Found<'_>,
    ) -> Response<ReplyBody> {
        let (status, code) = rejection.kind();
        // A call of gRPC hears it under 200, which is no success.
        found.record.status = Some(status);
        found.record.code = Some(code);
        self.core.shared.metrics.problem(code);
        if let Rejection::Limited(limited) = rejection {
            found.standing = Some(limited.standing.clone());
        }
        let mut problem = rejection.problem(if self.is_trusted(found) {
            Causes::Shown
        } else {
            Causes::Hidden
        });
        let target = found
            .record
            .target
            .as_ref()
            .filter(|_| !matches!(rejection, Rejection::UriTooLong));
        if let Some(target) = target {
            problem = problem.instance(target.path());
        }
        if rejection.ends_the_connection() {
            problem = problem.field(CONNECTION, HeaderValue::from_static("close"));
        }
        if self.peer.listener == Listener::Internal {
            problem = problem.field(REJECTED, HeaderValue::from_static(code));
        }
        let problem = problem.request_id(found.record.request_id.as_str());
        render(&problem, found.taken)
    }

    /// What every answer says.
    pub(super) fn finish(
        &self,
        mut answer: Response<ReplyBody>,
        mut found: Found<'_>,
    ) -> Response<ReplyBody> {
        found.record.status.get_or_insert(answer.status());
        let trusted = found.record.decision.is_some() && self.is_trusted(&found);
        let fields = answer.headers_mut();
        fields.insert(request_id::FIELD, found.record.request_id.to_value());
        if let Some(fallback) = found.record.fallback {
            fields.insert(FALLBACK, HeaderValue::from_static(fallback.as_str()));
        } else if let Some(decision) = found.record.decision {
            let side = match decision.side {
                Side::Legacy => HeaderValue::from_static("legacy"),
                Side::Service => HeaderValue::from_static("service"),
            };
            fields.insert(SERVED_BY, side);
            if trusted {
                fields.insert(ROUTE_REASON, in_words(decision));
            }
        }
        if let (Listener::Internal, Some(route)) = (self.peer.listener, found.route) {
            // What legacy gave a caller of the service's, or somebody else in the place of both, is of no cohort, so it is kept for nobody.
            let instead = found.record.fallback.is_some();
            let decision = found.record.decision.filter(|_| !instead);
            let of_cohort = decision.filter(|decision| !decision.reason.is_instead());
            route
                .mark
                .tell(fields, of_cohort.map(|decision| decision.side));
        }
        if let Some(standing) = &found.standing {
            standing.tell(fields);
        }
        if found.wants_visitor && found.record.code.is_none() {
            visitor::give(fields, self.client.secure);
        }
        if let Some(cors) = found.route.and_then(|route| route.cors.as_ref()) {
            cors.tell(fields, found.origin.as_ref(), found.is_preflight);
        }
        answer.body_mut().judged(found.judged);
        answer.body_mut().recorded(found.record);
        answer
    }

    fn is_trusted(&self, found: &Found<'_>) -> bool {
        let by_scope = found.verified.as_ref().is_some_and(|verified| {
            verified
                .principal
                .scopes
                .iter()
                .any(|scope| scope == DEBUG_SCOPE)
        });
        by_scope
            || self
                .view
                .config
                .admin
                .trusted
                .iter()
                .any(|network| network.contains(&self.peer.address))
    }
}

/// `bucket; bucket=318`.
fn in_words(decision: Decision) -> HeaderValue {
    let text = match decision.bucket {
        Some(bucket) => format!("{}; bucket={}", decision.reason, bucket.number()),
        None => decision.reason.to_string(),
    };
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("unknown"))
}
