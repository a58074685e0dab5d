//! A request that was answered, as the control side gets it.

use std::sync::Arc;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::compiled::Copying;
use crate::forward::tap::{Held, Tap};

/// What was asked and what was answered.
#[derive(Debug)]
pub struct Job {
    /// What to do with it.
    pub copying: Arc<Copying>,
    /// The request.
    pub asked: Asked,
    /// Its whole body.
    pub body: Tap,
    /// The answer.
    pub answered: Answered,
    /// What the heads take of the process's memory for copies.
    pub held: Held,
}

/// A request as the upstream was to get it, but for what depends on the endpoint.
#[derive(Debug)]
pub struct Asked {
    /// The method.
    pub method: Method,
    /// The target as it came.
    pub given: PathAndQuery,
    /// Its path in normal form, where that is another.
    pub path: Option<Box<str>>,
    /// The fields.
    pub fields: HeaderMap,
    /// `http` or `https`, as the client speaks.
    pub scheme: &'static str,
}

/// An answer as the client got it.
#[derive(Debug)]
pub struct Answered {
    /// The status.
    pub status: StatusCode,
    /// The fields by which it is read and compared.
    pub fields: HeaderMap,
    /// The whole body.
    pub body: Tap,
}

impl Asked {
    /// The path in normal form.
    pub fn path(&self) -> &str {
        self.path.as_deref().unwrap_or_else(|| self.given.path())
    }

    /// The host that the client asked.
    pub fn host(&self) -> Option<&HeaderValue> {
        self.fields.get(HOST)
    }
}
