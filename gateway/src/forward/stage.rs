//! Sends one request to one backend, fitted to whichever endpoint gets it.

use http::header::HOST;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Request, Version};
use tokio::time::Instant;
use upstream::{Answered, CallError, Endpoint, Transport};

use super::compiled::Backend;
use super::config::HostPolicy;
use super::target::Paths;

/// Where a request goes, and under which name.
#[derive(Clone, Copy, Debug)]
pub struct Forwarding<'a> {
    /// Who answers.
    pub backend: &'a Backend,
    /// The route's matched prefix.
    pub prefix: &'a str,
    /// The request target as it came.
    pub given: &'a PathAndQuery,
    /// Its path in normal form.
    pub path: &'a str,
    /// An answer's head must have come by then.
    pub deadline: Instant,
}

/// Sends it and waits for the answer's head.
pub async fn forward<T: Transport<B>, B>(
    transport: &T,
    how: &Forwarding<'_>,
    request: Request<B>,
) -> Result<Answered<T::Body>, CallError> {
    let fit = |endpoint: &Endpoint, request: &mut Request<B>| how.fit(endpoint, request);
    upstream::call(transport, &how.backend.upstream, request, how.deadline, fit).await
}

impl<'a> Forwarding<'a> {
    /// How paths map between the edge and an endpoint.
    pub fn paths(&self, endpoint: &'a Endpoint) -> Paths<'a> {
        Paths {
            prefix: self.prefix,
            rewrite: &self.backend.path,
            base: endpoint.base_path(),
        }
    }

    /// The Host that an endpoint sees; `None` is the client's.
    pub fn host<'e>(&'e self, endpoint: &'e Endpoint) -> Option<&'e HeaderValue> {
        match &self.backend.host {
            HostPolicy::Preserve => None,
            HostPolicy::Endpoint => Some(endpoint.authority()),
            HostPolicy::Name(name) => Some(name),
        }
    }

    fn fit<B>(&self, endpoint: &Endpoint, request: &mut Request<B>) {
        let paths = Paths {
            prefix: self.prefix,
            rewrite: &self.backend.path,
            base: endpoint.base_path(),
        };
        // Both parts of a target were valid before, so the whole is.
        *request.uri_mut() = Uri::from(
            paths
                .target(self.given, self.path)
                .unwrap_or_else(|| self.given.clone()),
        );
        *request.version_mut() = Version::HTTP_11;
        if let Some(host) = self.host(endpoint) {
            request.headers_mut().insert(HOST, host.clone());
        } else if !request.headers().contains_key(HOST) {
            // Only HTTP/1.0 may leave it out; the upstream speaks 1.1.
            request
                .headers_mut()
                .insert(HOST, endpoint.authority().clone());
        }
    }
}
