//! HTTP/1.1 over reqwest: one client for all threads of a process, for whoever is not on the gateway's data path.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use reqwest::Url;

use crate::endpoint::Endpoint;
use crate::error::{CallError, Failed, Kind, Reused};
use crate::transport::{Connecting, Connection, Transport};

/// So many addresses are remembered.
const ADDRESSES: usize = 4096;

/// A client and its connections. Clones are the same.
#[derive(Clone, Debug)]
pub struct ReqwestH1 {
    client: reqwest::Client,
    /// By endpoint: its address, read once.
    addresses: Arc<RwLock<HashMap<u32, Url>>>,
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
        Ok(Self {
            client,
            addresses: Arc::default(),
        })
    }

    /// The address of what is asked for.
    fn url(&self, endpoint: &Endpoint, head: &Request<()>) -> Result<Url, CallError> {
        let known = self.addresses.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let base = known.get(&endpoint.id()).cloned();
        drop(known);
        let mut url = match base {
            Some(base) => base,
            None => self.learn(endpoint)?,
        };
        url.set_path(head.uri().path());
        url.set_query(head.uri().query());
        Ok(url)
    }

    fn learn(&self, endpoint: &Endpoint) -> Result<Url, CallError> {
        // Where somebody has looked the name up, that is where it is; `Host` is whoever asks's to say.
        let text = match endpoint.address() {
            Some(address) => address.to_string(),
            None => String::from_utf8_lossy(endpoint.authority().as_bytes()).into_owned(),
        };
        let url = Url::parse(&format!("http://{text}/"))
            .map_err(|error| CallError::caused(Kind::Connect, error))?;
        let mut known = self
            .addresses
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        // Endpoints come and go; those that are still there are learnt again.
        if known.len() >= ADDRESSES {
            known.clear();
        }
        known.insert(endpoint.id(), url.clone());
        Ok(url)
    }

    async fn send(
        &self,
        url: Url,
        method: Method,
        fields: HeaderMap,
        body: Bytes,
    ) -> Result<Response<reqwest::Body>, CallError> {
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = fields;
        if !body.is_empty() {
            *request.body_mut() = Some(body.into());
        }
        let answer = self.client.execute(request).await;
        answer.map(Into::into).map_err(classify)
    }
}

impl Transport<Bytes> for ReqwestH1 {
    type Body = reqwest::Body;

    async fn call(
        &self,
        endpoint: &Arc<Endpoint>,
        _: Connection<'_>,
        head: &Request<()>,
        body: Bytes,
    ) -> Result<Response<reqwest::Body>, Failed> {
        let url = self.url(endpoint, head).map_err(Failed::connecting)?;
        self.send(url, head.method().clone(), head.headers().clone(), body)
            .await
            .map_err(|error| Failed {
                unsent: error.kind.is_connect(),
                error,
                reused: Reused::Unknown,
            })
    }
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
