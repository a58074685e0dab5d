//! Who a request is for and which request it is part of: all that a BFF hands to each of its calls.
//!
//! It is handed on, not verified: the gateway's internal listener verifies the token as the edge did.

use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::handover::{DEADLINE, STICKY, deadline_value};
use crate::request_id::{self, RequestId};
use crate::trace::{TRACEPARENT, TraceContext};

/// What further parties of a trace have noted.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Longer ones are not handed on (W3C trace context, section 3.3.1.5: at least 512 must be).
const TRACESTATE_MAX: usize = 512;

/// Whether the caller was configured as one that may speak for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// What it hands on is believed.
    Trusted,
    /// It speaks for itself.
    Stranger,
}

/// One request's identity context.
#[derive(Clone, Debug)]
pub struct Identity {
    /// `Authorization` as received; `None` is anonymous.
    pub authorization: Option<HeaderValue>,
    /// What keeps the caller on one side of every migration; believed from trusted callers only.
    pub sticky: Option<HeaderValue>,
    /// The request's id: a trusted caller's, or a new one.
    pub request_id: RequestId,
    /// Where this process stands in the trace.
    pub trace: TraceContext,
    /// `tracestate` as received.
    pub tracestate: Option<HeaderValue>,
}

impl Identity {
    /// Reads a request's fields.
    pub fn read(fields: &HeaderMap, trust: Trust) -> Self {
        let believed = |name: &HeaderName| fields.get(name).filter(|_| trust == Trust::Trusted);
        let continued = fields.get(TRACEPARENT).and_then(TraceContext::continued);
        Self {
            authorization: fields.get(AUTHORIZATION).cloned(),
            sticky: believed(&STICKY).cloned(),
            request_id: believed(&request_id::FIELD)
                .and_then(RequestId::accept)
                .unwrap_or_else(RequestId::random),
            // The state of a trace that is not continued belongs to nothing.
            tracestate: fields
                .get(TRACESTATE)
                .filter(|value| continued.is_some() && value.len() <= TRACESTATE_MAX)
                .cloned(),
            trace: continued.unwrap_or_else(TraceContext::root),
        }
    }

    /// Tells one call about it, under a span of the call's own; the call has `left` to answer.
    pub fn tell(&self, fields: &mut HeaderMap, left: Duration) {
        let given = [
            (AUTHORIZATION, &self.authorization),
            (STICKY, &self.sticky),
            (TRACESTATE, &self.tracestate),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                fields.insert(name, value.clone());
            }
        }
        fields.insert(TRACEPARENT, self.trace.child().to_value());
        fields.insert(request_id::FIELD, self.request_id.to_value());
        fields.insert(DEADLINE, deadline_value(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn received() -> HeaderMap {
        let list = [
            ("authorization", "Bearer x"),
            ("traceparent", PARENT),
            ("tracestate", "a=1"),
            ("x-request-id", "r7"),
            ("x-banyan-sticky", "alice"),
            ("x-user-id", "root"),
            ("cookie", "a=b"),
            ("via", "1.1 banyan"),
            ("cdn-loop", "cdn"),
        ];
        list.into_iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_trusted_callers_request_is_handed_on_and_nothing_else_of_it() {
        let mut told = HeaderMap::new();
        Identity::read(&received(), Trust::Trusted).tell(&mut told, Duration::from_micros(99_900));
        assert_eq!(told["authorization"], "Bearer x");
        assert_eq!(told["x-banyan-sticky"], "alice");
        assert_eq!(told["x-request-id"], "r7");
        assert_eq!(told["tracestate"], "a=1");
        assert_eq!(told["x-request-deadline-ms"], "99");
        let parent = told["traceparent"].to_str().unwrap();
        assert_eq!(parent[..36], PARENT[..36]);
        assert_ne!(parent[36..52], PARENT[36..52]);
        assert_eq!(told.len(), 6, "{told:?}");
    }

    #[test]
    fn a_stranger_chooses_neither_side_nor_request_id() {
        let identity = Identity::read(&received(), Trust::Stranger);
        assert_eq!(identity.sticky, None);
        assert_ne!(identity.request_id.as_str(), "r7");
        assert!(identity.authorization.is_some());
    }

    #[test]
    fn every_call_has_a_span_of_its_own() {
        let identity = Identity::read(&received(), Trust::Trusted);
        let told = |_| {
            let mut fields = HeaderMap::new();
            identity.tell(&mut fields, Duration::ZERO);
            fields[TRACEPARENT].clone()
        };
        let [first, second] = [0, 1].map(told);
        assert_ne!(first, second);
    }
}
