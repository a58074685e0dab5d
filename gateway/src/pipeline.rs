//! The request, top to bottom. Each stage gets its own policy and what earlier stages found; it answers, passes on or
//! rejects, and never calls another stage.

mod guard;
mod outgoing;
mod returning;

use std::rc::Rc;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::auth::compiled::Verified;
use crate::auth::stage::{authenticate, authorise};
use crate::forward::body::RequestBody;
use crate::forward::client::{Client, Peer};
use crate::forward::compiled::Backend;
use crate::forward::stage::{Forwarding, forward};
use crate::forward::upgrade::Wanted;
use crate::log::record::Record;
use crate::per_core::{PerCore, View};
use crate::rate_limit::stage::{Counted, Standing, check};
use crate::rejection::Rejection;
use crate::reply::ReplyBody;
use crate::route::compiled::{Route, Target};
use crate::route::conditions::Asked;
use crate::route::config::EncodedSlash;
use crate::route::path::{has_encoded_slash, normalise};
use crate::side::stage::{Asking, decide};

/// What is found out about a request on its way, for its answer and its record.
#[derive(Debug)]
struct Found {
    record: Box<Record>,
    verified: Option<Rc<Verified>>,
    standing: Option<Standing>,
    wants_visitor: bool,
}

/// Answers one request.
pub async fn answer(
    core: &Rc<PerCore>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<ReplyBody> {
    let view = core.view();
    let client = Client::of(
        peer.address,
        request.headers(),
        &view.config.edge.trusted_proxies,
    );
    let record = core.begin(&view, &client, &request);
    let mut found = Found {
        record,
        verified: None,
        standing: None,
        wants_visitor: false,
    };
    let passage = Passage {
        core,
        peer,
        view: &view,
        client: &client,
    };
    let answer = match passage.through(request, &mut found).await {
        Ok(answer) => answer,
        Err(rejection) => passage.rejected(&rejection, &mut found),
    };
    passage.finish(answer, found)
}

/// What stays the same while one request passes.
#[derive(Clone, Copy)]
struct Passage<'a> {
    core: &'a Rc<PerCore>,
    peer: &'a Peer,
    view: &'a View,
    client: &'a Client,
}

impl Passage<'_> {
    async fn through(
        self,
        mut request: Request<Incoming>,
        found: &mut Found,
    ) -> Result<Response<ReplyBody>, Rejection> {
        let Self {
            core, view, client, ..
        } = self;
        let unix = core.clock().unix();

        let host = guard::admit(&mut request, &view.config.edge, view.table.asks_for_hosts())?;
        outgoing::identify(&mut request, client, &mut found.record);

        let given = guard::target(request.uri())?;
        let path = normalise(given.path())?;
        if path != given.path() {
            found.record.path = Some(path.to_string());
        }
        let route = self.route(&request, &host, given.query().unwrap_or_default(), &path)?;
        found.record.stats = std::sync::Arc::clone(&route.stats);
        if route.encoded_slash == EncodedSlash::Reject && has_encoded_slash(&path) {
            return Err(Rejection::EncodedSlash);
        }

        // By address first: a flood must not reach the cost of a signature.
        found.standing = check(
            &route.limits.before_auth,
            &self.counted(request.headers(), route, None),
        )?;
        let verified = authenticate(&route.auth, request.headers(), &core.tokens, unix).await?;
        found.verified.clone_from(&verified);
        authorise(&route.auth, verified.as_deref())?;
        let standing = check(
            &route.limits.after_auth,
            &self.counted(request.headers(), route, verified.as_deref()),
        )?;
        found.standing = standing.or(found.standing.take());
        guard::admit_body(request.headers(), route.max_body)?;

        let backend = self.decide(route, &request, verified.as_deref(), found)?;

        let wanted = Wanted::take(&mut request);
        let deadline = Instant::now() + route.timeout;
        let (parts, incoming) = request.into_parts();
        let edge_host = parts.headers.get(http::header::HOST).cloned();
        let body = RequestBody::new(incoming, route.max_body, view.config.edge.body_idle_timeout);
        let request = self.outgoing(route, parts, body, wanted.as_ref(), found);

        let how = Forwarding {
            backend,
            prefix: &route.prefix,
            given: &given,
            path: &path,
            deadline,
        };
        let asked_at = core.clock().now();
        let result = forward(&core.transport, &how, request).await;
        let took = core.clock().now().saturating_duration_since(asked_at);
        returning::record(&mut found.record, &result, took);
        self.returning(&how, result?, edge_host.as_ref(), wanted)
    }

    fn route(
        &self,
        request: &Request<Incoming>,
        host: &str,
        query: &str,
        path: &str,
    ) -> Result<&Route, Rejection> {
        let asked = Asked {
            host,
            path,
            query,
            method: request.method(),
            fields: request.headers(),
        };
        let index = self
            .view
            .table
            .find(&asked)
            .ok_or(Rejection::RouteNotFound)?;
        self.view.routes.get(index).ok_or(Rejection::RouteNotFound)
    }

    fn counted<'a>(
        &self,
        fields: &'a http::HeaderMap,
        route: &'a Route,
        verified: Option<&'a Verified>,
    ) -> Counted<'a> {
        let caller = verified.map(|verified| (&verified.principal, &verified.claims));
        Counted {
            client: self.client.address,
            fields,
            caller,
            route: &route.name,
        }
    }

    /// Once per request; retries keep the answer.
    fn decide<'r>(
        &self,
        route: &'r Route,
        request: &Request<Incoming>,
        verified: Option<&Verified>,
        found: &mut Found,
    ) -> Result<&'r Backend, Rejection> {
        let migration = match &route.target {
            Target::Upstream(backend) => return Ok(backend),
            Target::Migration(migration) => migration,
        };
        let outcome = decide(
            migration,
            &Asking {
                principal: verified.map(|verified| &verified.principal),
                method: request.method(),
                fields: request.headers(),
                client: self.client.address,
            },
        );
        if outcome.override_refused {
            let refused = &self.core.shared.metrics.overrides_refused;
            refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
        found.record.decision = Some(outcome.decision);
        found.wants_visitor = outcome.wants_visitor;
        // A snapshot is built only when at least one side is there.
        migration
            .backend(outcome.decision.side)
            .ok_or(Rejection::RouteNotFound)
    }
}
