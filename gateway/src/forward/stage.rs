//! Sends one request to one backend, fitted to whichever endpoint gets it.

use http::header::HOST;
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Request, Version};
use tokio::time::Instant;
use upstream::bulkhead::Places;
use upstream::{Answered, CallError, Calling, Endpoint, Resend, Transport, Whose};

use super::compiled::Backend;
use super::config::HostPolicy;
use super::deadline::tell_again;
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
    /// The client's Host; only HTTP/1.0 has none.
    pub outside: Option<&'a HeaderValue>,
    /// What keeps the caller at one endpoint.
    pub key: Option<u64>,
    /// An answer's head must have come by then.
    pub deadline: Instant,
    /// Whose time that is.
    pub whose: Whose,
}

/// Sends it and waits for the answer's head, as long and as often as the backend's policies say.
pub async fn forward<T: Transport<B>, B: Resend>(
    transport: &T,
    how: &Forwarding<'_>,
    head: &mut Request<()>,
    body: B,
) -> Result<Answered<T::Body>, CallError> {
    let backend = how.backend;
    let calling = Calling {
        upstream: &backend.upstream,
        retry: &backend.retry,
        breaker: backend.breaker.as_deref(),
        hedge: None,
        places: backend.upstream.bulkhead.as_ref().map(Places::all),
        key: how.key,
        deadline: how.deadline,
        whose: how.whose,
    };
    let fit = |endpoint: &Endpoint, head: &mut Request<()>| how.fit(endpoint, head);
    upstream::call(transport, &calling, head, body, fit).await
}

impl Forwarding<'_> {
    /// How paths map between the edge and an endpoint.
    pub fn paths<'e>(&'e self, endpoint: &'e Endpoint) -> Paths<'e> {
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

    /// Makes of the request the one that this endpoint gets.
    pub fn fit(&self, endpoint: &Endpoint, head: &mut Request<()>) {
        // Both parts of a target were valid before, so the whole is.
        *head.uri_mut() = Uri::from(
            self.paths(endpoint)
                .target(self.given, self.path)
                .unwrap_or_else(|| self.given.clone()),
        );
        *head.version_mut() = Version::HTTP_11;
        let fields = head.headers_mut();
        // Another endpoint, of another backend even, may have seen another.
        let host = self.host(endpoint).or(self.outside);
        let host = host.unwrap_or(endpoint.authority());
        if fields.get(HOST) != Some(host) {
            fields.insert(HOST, host.clone());
        }
        tell_again(fields, self.deadline);
    }
}
