//! Answers about what went wrong: `application/problem+json`, RFC 9457.
//!
//! `code` is stable and made for programs; `title` and `detail` are for people and may change.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

/// The media type of a problem.
pub const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// One problem, about to become an answer. As an error it is one pointer wide.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    code: &'static str,
    title: Cow<'static, str>,
    members: Map<String, Value>,
    fields: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    /// `code` in snake case; the problem's `type` is the same with dashes below `/problems/`.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        title: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self(Box::new(Parts {
            status,
            code,
            title: title.into(),
            members: Map::new(),
            fields: Vec::new(),
        }))
    }

    /// What is particular about this occurrence. Never an upstream's address, body or stack trace.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        self.with("detail", Value::String(detail.into()))
    }

    /// Which request it was.
    #[must_use]
    pub fn request_id(self, id: &str) -> Self {
        self.with("request_id", Value::String(id.to_owned()))
    }

    /// The path that was asked for.
    #[must_use]
    pub fn instance(self, path: &str) -> Self {
        self.with("instance", Value::String(path.to_owned()))
    }

    /// A further member of the JSON object.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// A further field of the answer's head.
    #[must_use]
    pub fn field(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.fields.push((name, value));
        self
    }

    /// The same under another status, where an operator may choose it.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// The answer's status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What is wrong, in a few words.
    pub fn title(&self) -> &str {
        &self.0.title
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.members.get(name)?.as_str()
    }

    /// The JSON text.
    pub fn to_json(&self) -> Bytes {
        let mut object = Map::new();
        object.insert(
            "type".to_owned(),
            format!("/problems/{}", self.0.code.replace('_', "-")).into(),
        );
        object.insert("title".to_owned(), Value::String(self.0.title.to_string()));
        object.insert("status".to_owned(), self.0.status.as_u16().into());
        object.insert("code".to_owned(), self.0.code.into());
        object.extend(self.0.members.clone());
        Value::Object(object).to_string().into()
    }

    /// The whole answer, in whichever body type the caller speaks.
    pub fn to_response<B: From<Bytes>>(&self) -> http::Response<B> {
        self.to_response_of(MEDIA_TYPE, self.to_json())
    }

    /// The same answer with the problem said in another way: `body`, which is of this media type.
    pub fn to_response_of<B: From<Bytes>>(
        &self,
        media_type: HeaderValue,
        body: Bytes,
    ) -> http::Response<B> {
        let length = body.len();
        let mut answer = http::Response::new(B::from(body));
        *answer.status_mut() = self.0.status;
        let fields = answer.headers_mut();
        fields.insert(CONTENT_TYPE, media_type);
        fields.insert(CONTENT_LENGTH, length.into());
        fields.extend(self.0.fields.iter().cloned());
        answer
    }
}

impl IntoResponse for Problem {
    /// The problem also goes along with the answer, so that whoever stands in front can add which request it was.
    fn into_response(self) -> Response {
        let mut answer: Response = self.to_response();
        answer.extensions_mut().insert(self);
        answer
    }
}

/// Adds a request's id to an answer that is a problem.
pub fn named(mut answer: Response, id: &str) -> Response {
    let Some(problem) = answer.extensions_mut().remove::<Problem>() else {
        return answer;
    };
    let json = problem.request_id(id).to_json();
    answer
        .headers_mut()
        .insert(CONTENT_LENGTH, json.len().into());
    *answer.body_mut() = json.into();
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_type_title_status_code_and_what_was_added() {
        let problem = Problem::new(StatusCode::NOT_FOUND, "route_not_found", "No route matches")
            .detail("nothing here")
            .request_id("7");
        let json: Value = serde_json::from_slice(&problem.to_json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "type": "/problems/route-not-found", "title": "No route matches", "status": 404,
                "code": "route_not_found", "detail": "nothing here", "request_id": "7",
            })
        );
        let answer: http::Response<Bytes> = problem.to_response();
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/problem+json");
        assert_eq!(
            answer.headers()[CONTENT_LENGTH],
            answer.body().len().to_string().as_str()
        );
    }
}
