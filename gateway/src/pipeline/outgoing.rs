//! What an upstream is told: the request's own fields without what must not go on, then ours.

use chassis::principal::{USER_GROUPS, USER_ID, USER_SCOPES};
use chassis::request_id::{self, RequestId};
use chassis::trace::{TRACEPARENT, TraceContext};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, Request};

use super::{Found, Passage};
use crate::auth::compiled::Verified;
use crate::forward::client::Client;
use crate::forward::fields::{Sender, clean_request};
use crate::forward::incoming::ClientBody;
use crate::forward::upgrade::Wanted;
use crate::log::record::Record;
use crate::route::compiled::{Route, Target};
use crate::side::visitor;

/// A request's id and its place in a trace. An id is taken over from whoever is trusted, a trace from everybody.
pub(super) fn identify(request: &mut Request<ClientBody>, client: &Client, record: &mut Record) {
    let fields = request.headers_mut();
    if client.sender != Sender::Stranger
        && let Some(id) = fields.get(request_id::FIELD).and_then(RequestId::accept)
    {
        record.request_id = id;
    }
    let trace = fields
        .get(TRACEPARENT)
        .and_then(TraceContext::continued)
        .unwrap_or_else(TraceContext::root);
    record.trace_id = trace.trace_id_digits();
    fields.insert(TRACEPARENT, trace.to_value());
}

impl Passage<'_> {
    /// The request's head as the upstream gets it, but for what depends on the endpoint.
    pub(super) fn outgoing(
        &self,
        route: &Route,
        parts: Parts,
        wanted: Option<&Wanted>,
        found: &Found<'_>,
    ) -> Request<()> {
        let mut request = Request::new(());
        let via = self.view.via.of(self.peer.listener).value(parts.version);
        *request.method_mut() = parts.method;
        let mut fields = parts.headers;
        let underscored = clean_request(&mut fields, self.client.sender, route.underscore_fields);
        if underscored > 0 {
            self.core.underscored(underscored);
        }
        if let Target::Migration(migration) = &route.target
            && let Some(chooser) = &migration.chooser
        {
            fields.remove(&chooser.header);
        }
        visitor::withhold(&mut fields);
        if let Some(verified) = &found.verified {
            tell_identity(&mut fields, verified);
        }
        self.peer.tell(&mut fields, self.client, via);
        fields.insert(request_id::FIELD, found.record.request_id.to_value());
        if let Some(wanted) = wanted {
            wanted.ask(&mut fields);
        }
        *request.headers_mut() = fields;
        request
    }
}

fn tell_identity(fields: &mut HeaderMap, verified: &Verified) {
    fields.insert(USER_ID, verified.user_value.clone());
    fields.insert(USER_SCOPES, verified.scopes_value.clone());
    fields.insert(USER_GROUPS, verified.groups_value.clone());
    if !verified.issuer.config.forward_token {
        fields.remove(AUTHORIZATION);
    }
}
