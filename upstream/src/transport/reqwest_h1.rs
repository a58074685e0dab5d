//! HTTP/1.1 over reqwest: one client for all threads of a process, for whoever is not on the gateway's data path.

use std::error::Error as StdError;
use std::sync::Arc;

use bytes::Bytes;
use http::uri::{Authority, Scheme, Uri};
use http::{Request, Response};

use crate::endpoint::Endpoint;
use crate::error::{CallError, Failed, Kind};
use crate::transport::{Connecting, Transport};

/// A client and its connections. Clones are the same.
#[derive(Clone, Debug)]
pub struct ReqwestH1 {
    client: reqwest::Client,
}

impl ReqwestH1 {
    /// No connections yet. All endpoints' connections come about and are kept alike, so `connecting` is said here.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new(connecting: &Connecting) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .connect_timeout(connecting.timeout)
            .pool_max_idle_per_host(connecting.idle_max)
            .pool_idle_timeout(connecting.idle_timeout)
            .build()?;
        Ok(Self { client })
    }
}

impl Transport<Bytes> for ReqwestH1 {
    type Body = reqwest::Body;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        _: &Connecting,
        request: Request<Bytes>,
    ) -> Result<Response<reqwest::Body>, Failed<Bytes>> {
        // The body is a handle, so keeping the request costs its fields only.
        let unsent = request.clone();
        let sent = absolute(endpoint, request)
            .map_err(|error| CallError::caused(Kind::Malformed, error))
            .and_then(|request| {
                reqwest::Request::try_from(request)
                    .map_err(|error| CallError::caused(Kind::Malformed, error))
            });
        let request = match sent {
            Ok(request) => request,
            Err(error) => {
                return Err(Failed {
                    error,
                    unsent: None,
                });
            }
        };
        match self.client.execute(request).await {
            Ok(response) => Ok(response.into()),
            Err(error) => {
                let error = classify(error);
                let unsent = error.kind.is_connect().then(|| Box::new(unsent));
                Err(Failed { error, unsent })
            }
        }
    }
}

/// The request with its endpoint in its target, as reqwest wants it.
fn absolute(endpoint: &Endpoint, request: Request<Bytes>) -> Result<Request<Bytes>, http::Error> {
    let (mut parts, body) = request.into_parts();
    let mut target = parts.uri.into_parts();
    target.scheme = Some(Scheme::HTTP);
    target.authority = Some(Authority::try_from(endpoint.authority().as_bytes())?);
    parts.uri = Uri::from_parts(target)?;
    Ok(Request::from_parts(parts, body))
}

fn classify(error: reqwest::Error) -> CallError {
    let kind = if error.is_connect() && error.is_timeout() {
        Kind::ConnectTimeout
    } else if error.is_connect() {
        Kind::Connect
    } else if error.is_timeout() {
        Kind::Timeout
    } else if is_no_http(&error) {
        Kind::Malformed
    } else {
        Kind::ResetBeforeHead
    };
    // A URL in an error would name the endpoint a second time.
    CallError::caused(kind, error.without_url())
}

fn is_no_http(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            return http.is_parse();
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
