//! Which route takes a request, and the path under which it is forwarded.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::ORIGIN;
use http::uri::PathAndQuery;
use http::{Method, Request, Response};

use super::{Found, Passage};
use crate::cors::stage::asked_about;
use crate::forward::incoming::ClientBody;
use crate::rejection::Rejection;
use crate::reply::ReplyBody;
use crate::route::compiled::Route;
use crate::route::conditions::Asked;
use crate::route::path::normalise;

impl<'a> Passage<'a> {
    /// The route, and the path as the route wants it forwarded: a path that leads to that route.
    pub(super) fn route<'p>(
        &self,
        request: &Request<ClientBody>,
        host: &str,
        given: &'p PathAndQuery,
        found: &mut Found<'a>,
    ) -> Result<(&'a Route, Cow<'p, str>), Rejection> {
        let path = normalise(given.path())?;
        if path != given.path() {
            found.record.path = Some(path.to_string());
        }
        let table = self.view.table(self.peer.listener);
        let find = |method: &Method, path: &str| {
            table.find(&Asked {
                host,
                path,
                query: given.query().unwrap_or_default(),
                method,
                fields: request.headers(),
            })
        };
        let known = |index: Option<usize>| index.and_then(|index| self.view.routes.get(index));
        let (mut method, mut index) = (request.method(), None);
        // A browser that asks beforehand means the route of the request that is to follow.
        let about = asked_about(method, request.headers());
        if let Some(about) = &about {
            index = find(about, &path);
            found.is_preflight = known(index).is_some_and(|route| route.cors.is_some());
        }
        match &about {
            Some(about) if found.is_preflight => method = about,
            _ => index = find(method, &path),
        }
        let route = known(index).ok_or(Rejection::RouteNotFound)?;
        found.route = Some(route);
        if route.cors.is_some() {
            found.origin = request.headers().get(ORIGIN).cloned();
        }
        found.record.stats = Arc::clone(&route.stats);

        let settled = route
            .slashes
            .settle(given.path(), path, |other| find(method, other) == index)?;
        if settled.observed {
            let (_, code) = Rejection::EncodedSlash.kind();
            found.record.observed = Some(code);
            route.stats.slashes_observed.fetch_add(1, Ordering::Relaxed);
        }
        let written = found.record.path.as_deref().unwrap_or(given.path());
        if settled.path != written {
            found.record.path = Some(settled.path.to_string());
        }
        Ok((route, settled.path))
    }

    /// The answer to a browser that asks beforehand.
    pub(super) fn preflight(
        route: &Route,
        request: &Request<ClientBody>,
        found: &Found<'_>,
    ) -> Option<Response<ReplyBody>> {
        let cors = route.cors.as_ref().filter(|_| found.is_preflight)?;
        Some(cors.preflight(request.headers()))
    }
}
