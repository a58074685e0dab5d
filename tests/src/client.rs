//! An ordinary client, as polite as real ones: connections are kept, no redirect is followed, no proxy is asked.
//!
//! Its library puts paths in order before sending; where the exact target matters, use `wire`.

use std::net::SocketAddr;

use http::Method;

use crate::answer::{Answer, latin1};
use crate::wire::PATIENCE;

/// A client of one server.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: String,
}

/// A request that is being put together.
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    inner: reqwest::RequestBuilder,
}

impl Client {
    /// A client with connections of its own.
    pub fn new(server: SocketAddr) -> Self {
        Self {
            http: chassis::http_client::build(PATIENCE).expect("an HTTP client"),
            base: format!("http://{server}"),
        }
    }

    /// Starts a GET.
    pub fn get(&self, path: &str) -> Request {
        self.request(&Method::GET, path)
    }

    /// Starts a POST.
    pub fn post(&self, path: &str) -> Request {
        self.request(&Method::POST, path)
    }

    /// Starts a request with any method.
    pub fn request(&self, method: &Method, path: &str) -> Request {
        Request {
            inner: self
                .http
                .request(method.clone(), format!("{}{path}", self.base)),
        }
    }
}

impl Request {
    /// Adds a field.
    pub fn header(self, name: &str, value: &str) -> Self {
        Self {
            inner: self.inner.header(name, value),
        }
    }

    /// Adds a bearer token.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// Adds content.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        Self {
            inner: self.inner.body(body),
        }
    }

    /// Adds JSON content.
    pub fn json(self, body: &serde_json::Value) -> Self {
        self.header("content-type", "application/json")
            .body(body.to_string())
    }

    /// Sends it and reads the whole answer.
    pub async fn send(self) -> Answer {
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// The same, where the server may not answer.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let response = self.inner.send().await?;
        let status = response.status().as_u16();
        let fields = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), latin1(value.as_bytes())))
            .collect();
        let body = response.bytes().await?.to_vec();
        Ok(Answer {
            status,
            fields,
            body,
            ..Answer::default()
        })
    }
}
