//! The request, top to bottom. Each stage gets its own policy and what earlier stages found; it answers, passes on or
//! rejects, and never calls another stage.

mod http2;
mod guard;
mod routing;
mod handing;
mod outgoing;
mod affinity;
mod returning;
mod asking;
mod shadowing;

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response};

use self::asking::{Told, within_cap};
use crate::auth::compiled::Verified;
use crate::auth::stage::{authenticate, authorise};
use crate::forward::client::{Client, Peer};
use crate::forward::compiled::Backend;
use crate::forward::incoming::ClientBody;
use crate::forward::own::Came;
use crate::forward::stage::Forwarding;
use crate::forward::upgrade::Wanted;
use crate::judge::stage::SoFar;
use crate::listener::config::Listener;
use crate::log::record::Record;
use crate::per_core::{PerCore, View};
use crate::rate_limit::compiled::Limit;
use crate::rate_limit::stage::{Counted, Standing, check};
use crate::rejection::Rejection;
use crate::rendering::Taken;
use crate::reply::ReplyBody;
use crate::route::compiled::{Route, Target};
use crate::side::stage::{Asking, decide};
use crate::side::sticky;

/// What is found out about a request on its way, for its answer and its record.
#[derive(Debug)]
struct Found<'a> {
    record: Box<Record>,
    /// How a problem is said to whoever asks.
    taken: Taken,
    route: Option<&'a Route>,
    verified: Option<Rc<Verified>>,
    standing: Option<Standing>,
    wants_visitor: bool,
    /// Whose page sent it, where the route asks.
    origin: Option<HeaderValue>,
    /// A browser asks beforehand, and the route has the answer.
    is_preflight: bool,
    /// What the judge is told, unless the answer breaks off.
    judged: Option<SoFar>,
}

/// Answers one request.
pub async fn answer(
    core: &Rc<PerCore>,
    peer: &Peer,
    request: Request<ClientBody>,
) -> Response<ReplyBody> {
    let view = core.view();
    let client = match peer.listener {
        Listener::Edge => {
            let trusted = &view.config.edge.trusted_proxies;
            Client::of(peer, request.headers(), trusted)
        }
        Listener::Internal => Client::calling(peer.address, view.config.trusted_callers()),
    };
    let mut record = core.begin(&view, &client, &request);
    record.listener = peer.listener;
    let mut found = Found {
        record,
        taken: Taken::by(request.method(), request.headers()),
        route: None,
        verified: None,
        standing: None,
        wants_visitor: false,
        origin: None,
        is_preflight: false,
        judged: None,
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

impl<'a> Passage<'a> {
    async fn through(
        self,
        mut request: Request<ClientBody>,
        found: &mut Found<'a>,
    ) -> Result<Response<ReplyBody>, Rejection> {
        let host = self.admit(&mut request)?;
        if let Some(answer) = guard::options(&request) {
            return Ok(answer);
        }
        outgoing::identify(&mut request, self.client, &mut found.record);

        let given = guard::target(request.uri())?;
        let (route, path) = self.route(&request, &host, &given, found)?;
        if let Some(answer) = Self::preflight(route, &request, found) {
            return Ok(answer);
        }
        let caller_waits_until = self.caller_waits_until(route, request.headers());

        let verified = self.let_in(route, &request, found).await?;
        if let Target::Own(own) = &route.target {
            return Ok(own.answer(&self.came(route, &request, (&given, &path))));
        }

        let key = self.sticky_key(route, request.headers(), verified.as_deref());
        let backend = self.decide(route, &request, verified.as_deref(), key.as_deref(), found)?;
        let handed = self.handed(route, key.as_deref(), caller_waits_until.is_some());
        let shadow = Self::copied(route, &request, key.as_deref(), found);

        let wanted = Wanted::take(&mut request);
        let (deadline, whose) = handing::until(route.timeout, caller_waits_until)?;
        let (parts, incoming) = request.into_parts();
        let outside = parts.headers.get(HOST).cloned();
        let affinity = self.affinity(backend, &parts.headers, verified.as_deref());
        let body = self.body(route, backend, &parts, incoming);
        let mut head = self.outgoing(route, parts, wanted.as_ref(), found);
        if let Some(handed) = handed {
            handed.tell(head.headers_mut(), deadline);
        }
        let capture = self.capture(shadow, (&head, &body), (&given, &path));

        let how = Forwarding {
            backend,
            prefix: &route.prefix,
            given: &given,
            path: &path,
            outside: outside.as_ref(),
            key: affinity,
            deadline,
            whose,
        };
        let may_switch = wanted.is_some();
        let answer = match self.ask(how, (head, body), may_switch, found).await? {
            Told::By(how, answer) => self.returning(&how, answer, wanted, &found.record),
            Told::Fixed(answer) => answer,
        };
        Ok(shadowing::keep(answer, capture))
    }

    /// By address first: a flood must not reach the cost of a signature.
    async fn let_in(
        &self,
        route: &'a Route,
        request: &Request<ClientBody>,
        found: &mut Found<'a>,
    ) -> Result<Option<Rc<Verified>>, Rejection> {
        let Route { auth, limits, .. } = route;
        let unix = self.core.clock().unix();
        found.standing = self.limit(&limits.before_auth, request, route, None)?;
        let verified = authenticate(auth, request.headers(), &self.core.tokens, unix).await?;
        found.verified.clone_from(&verified);
        authorise(auth, verified.as_deref())?;
        let standing = self.limit(&limits.after_auth, request, route, verified.as_deref())?;
        found.standing = standing.or(found.standing.take());
        guard::admit_body(request.headers(), route.max_body)?;
        Ok(verified)
    }

    fn came<'r>(
        &self,
        route: &'r Route,
        request: &'r Request<ClientBody>,
        (given, path): (&'r PathAndQuery, &'r str),
    ) -> Came<'r> {
        Came {
            scheme: self.client.scheme(),
            host: request.headers().get(HOST),
            prefix: &route.prefix,
            given,
            path,
        }
    }

    /// A page is counted once, at the edge; its parts are not.
    fn limit(
        &self,
        limits: &[Arc<Limit>],
        request: &Request<ClientBody>,
        route: &Route,
        verified: Option<&Verified>,
    ) -> Result<Option<Standing>, Rejection> {
        if self.peer.listener == Listener::Internal {
            return Ok(None);
        }
        let counted = Counted {
            client: self.client.address,
            fields: request.headers(),
            caller: verified.map(|verified| (&verified.principal, &verified.claims)),
            route: &route.name,
        };
        Ok(check(limits, &counted)?)
    }

    /// Once per request; retries keep the answer.
    fn decide<'r>(
        &self,
        route: &'r Route,
        request: &Request<ClientBody>,
        verified: Option<&Verified>,
        key: Option<&str>,
        found: &mut Found<'_>,
    ) -> Result<&'r Backend, Rejection> {
        // An id is the edge's to give, to whoever has no other key and is about to need one.
        let known = key.is_some() || self.peer.listener == Listener::Internal;
        let needed = matches!(route.target, Target::Migration(_)) || self.hands_on(route);
        found.wants_visitor = needed
            && !known
            && sticky::wants_visitor(&route.sticky, request.method(), request.headers());
        let migration = match &route.target {
            Target::Upstream(backend) => return Ok(backend),
            Target::Migration(migration) => migration,
            // It has answered already.
            Target::Own(_) => return Err(Rejection::RouteNotFound),
        };
        let outcome = decide(
            migration,
            &Asking {
                principal: verified.map(|verified| &verified.principal),
                key,
                method: request.method(),
                fields: request.headers(),
                client: self.client.address,
            },
        );
        if outcome.override_refused {
            let refused = &self.core.shared.metrics.overrides_refused;
            refused.fetch_add(1, Ordering::Relaxed);
        }
        let decision = within_cap(migration, outcome.decision, &mut found.record);
        found.record.decided(decision);
        // A snapshot is built only when at least one side is there.
        migration
            .backend(decision.side)
            .ok_or(Rejection::RouteNotFound)
    }
}
