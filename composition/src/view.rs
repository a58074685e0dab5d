//! A screen: its plan, what its parts are composed into, and how the answer goes out.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::IntoResponse as _;
use chassis::problem::Problem;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::ask::Ask;
use crate::engine::Engine;
use crate::fields::{FieldList, Level};
use crate::inbound::Inbound;
use crate::markers::{DEGRADED, SERVER_TIMING, degraded, meta, timing};
use crate::metrics::ScreenStats;
use crate::plan::Plan;
use crate::problems;
use crate::run::{Failure, Parts, run};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// A composed answer is its caller's, and asked for again with its tag.
const REVALIDATE: HeaderValue = HeaderValue::from_static("private, no-cache");

type Compose<P> =
    Box<dyn Fn(&P, &Parts<'_>) -> Option<Result<Vec<u8>, serde_json::Error>> + Send + Sync>;

/// Whether a complete answer says so of its parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Meta {
    /// `_meta` stands in every answer.
    #[default]
    Always,
    /// `_meta` stands only where something is missing, or where it is asked for.
    WhenAsked,
}

/// A screen with parameters `P`.
pub struct View<P> {
    plan: Plan<P>,
    engine: Arc<Engine>,
    compose: Compose<P>,
    meta: Meta,
    cache_control: HeaderValue,
    level: Level,
    size_budget: usize,
    leaving: Vec<(HeaderName, HeaderValue)>,
    stats: ScreenStats,
}

/// How somebody wants an answer.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Only these fields.
    pub fields: Option<FieldList>,
    /// `_meta`, even where nothing is missing.
    pub meta: bool,
}

/// How an answer came out, for the access line.
#[derive(Clone, Debug)]
pub(crate) struct Composed {
    pub(crate) screen: &'static str,
    pub(crate) degraded: Option<HeaderValue>,
}

impl<P> fmt::Debug for View<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View")
            .field("name", &self.plan.name)
            .finish_non_exhaustive()
    }
}

impl<P: Send + Sync + 'static> View<P> {
    /// A screen. `compose` makes the answer of what the parts brought; it is asked only when all required parts are
    /// there, and says `None` when one is missing all the same.
    pub fn new<B: Serialize>(
        engine: &Arc<Engine>,
        plan: Plan<P>,
        compose: impl Fn(&P, &Parts<'_>) -> Option<B> + Send + Sync + 'static,
    ) -> Self {
        let compose = move |params: &P, parts: &Parts<'_>| {
            compose(params, parts).map(|answer| serde_json::to_vec(&answer))
        };
        Self {
            stats: engine.stats().screen(plan.name, &plan.names),
            plan,
            engine: Arc::clone(engine),
            compose: Box::new(compose),
            meta: Meta::default(),
            cache_control: REVALIDATE,
            level: Level::Top,
            size_budget: usize::MAX,
            leaving: Vec::new(),
        }
    }

    /// When answers have `_meta`.
    #[must_use]
    pub fn meta(self, meta: Meta) -> Self {
        Self { meta, ..self }
    }

    /// `Cache-Control` of complete answers; the others are never stored.
    #[must_use]
    pub fn cache_control(self, value: &'static str) -> Self {
        Self {
            cache_control: HeaderValue::from_static(value),
            ..self
        }
    }

    /// `?fields=` means those of each item of a list.
    #[must_use]
    pub fn fields_of_items(self) -> Self {
        Self {
            level: Level::Items,
            ..self
        }
    }

    /// Answers with more bytes than this are counted.
    #[must_use]
    pub fn size_budget(self, bytes: usize) -> Self {
        Self {
            size_budget: bytes,
            ..self
        }
    }

    /// The screen is going away: `deprecated` is when that was decided (RFC 9745, `@1767225600`), `sunset` when it will
    /// be gone (RFC 8594, an HTTP date).
    #[must_use]
    pub fn going_away(self, deprecated: &'static str, sunset: &'static str) -> Self {
        let leaving = vec![
            (
                HeaderName::from_static("deprecation"),
                HeaderValue::from_static(deprecated),
            ),
            (
                HeaderName::from_static("sunset"),
                HeaderValue::from_static(sunset),
            ),
        ];
        Self { leaving, ..self }
    }

    /// Composes the answer to one request.
    pub async fn answer(&self, inbound: Arc<Inbound>, params: P) -> Response<Body> {
        self.shaped(inbound, params, Shape::default()).await
    }

    /// Composes the answer to one request, in the form that it asks for.
    pub async fn shaped(&self, inbound: Arc<Inbound>, params: P, shape: Shape) -> Response<Body> {
        let ask = Ask { params, inbound };
        let result = run(&self.plan, &self.engine, &ask).await;
        let (outcome, mut answer) = match result {
            Ok(parts) => {
                parts.reports().for_each(|report| self.stats.part(report));
                self.composed(&ask, &parts, &shape)
            }
            Err(failure) => {
                failure
                    .reports
                    .iter()
                    .for_each(|report| self.stats.part(report));
                ("failed", Self::failed(&failure))
            }
        };
        self.stats.answered(outcome, ask.inbound.began.elapsed());
        let fields = answer.headers_mut();
        fields.extend(self.leaving.iter().cloned());
        let composed = Composed {
            screen: self.plan.name,
            degraded: fields.get(DEGRADED).cloned(),
        };
        answer.extensions_mut().insert(composed);
        answer
    }

    fn composed(
        &self,
        ask: &Ask<P>,
        parts: &Parts<'_>,
        shape: &Shape,
    ) -> (&'static str, Response<Body>) {
        let made = (self.compose)(&ask.params, parts).and_then(Result::ok);
        let selected = match (made, &shape.fields) {
            (Some(made), Some(fields)) => fields.select(&made, self.level),
            (made, _) => made,
        };
        let Some(canonical) = selected.filter(|made| made.ends_with(b"}")) else {
            tracing::error!(screen = self.plan.name, "a screen could not be composed");
            return (
                "failed",
                problems::problem("internal_error").into_response(),
            );
        };
        if canonical.len() > self.size_budget {
            self.stats.large();
        }
        let complete = parts.is_complete();
        let timing = timing(parts.reports());
        let tag = complete.then(|| tag(&canonical));
        if let Some(tag) = &tag
            && ask.inbound.has(tag)
        {
            let mut answer = Response::new(Body::empty());
            *answer.status_mut() = StatusCode::NOT_MODIFIED;
            let fields = answer.headers_mut();
            fields.insert(ETAG, tag.clone());
            fields.insert(CACHE_CONTROL, self.cache_control.clone());
            fields.insert(SERVER_TIMING, timing);
            return ("complete", answer);
        }
        let with_meta = !complete || shape.meta || self.meta == Meta::Always;
        let body = if with_meta {
            with_member(canonical, "_meta", &meta(complete, parts.reports()))
        } else {
            canonical
        };
        let mut answer = Response::new(Body::from(body));
        let fields = answer.headers_mut();
        fields.insert(CONTENT_TYPE, JSON);
        fields.insert(SERVER_TIMING, timing);
        match tag {
            Some(tag) => {
                fields.insert(ETAG, tag);
                fields.insert(CACHE_CONTROL, self.cache_control.clone());
            }
            None => {
                fields.insert(CACHE_CONTROL, NO_STORE);
            }
        }
        if let Some(degraded) = degraded(parts.reports()) {
            fields.insert(DEGRADED, degraded);
        }
        (if complete { "complete" } else { "degraded" }, answer)
    }

    fn failed(failure: &Failure) -> Response<Body> {
        let problem: Problem = problems::failed(failure);
        problem
            .field(SERVER_TIMING, timing(failure.reports.iter()))
            .into_response()
    }
}

/// A strong validator (RFC 9110, section 8.8.3): equal answers have equal tags, on every replica.
fn tag(canonical: &[u8]) -> HeaderValue {
    let whole = digest(&SHA256, canonical);
    let mut text = String::with_capacity(34);
    text.push('"');
    for byte in &whole.as_ref()[..16] {
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text.push('"');
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Adds a member to an object's text.
fn with_member(mut object: Vec<u8>, name: &str, value: &str) -> Vec<u8> {
    object.pop();
    if object.last() != Some(&b'{') {
        object.push(b',');
    }
    object.extend_from_slice(b"\"");
    object.extend_from_slice(name.as_bytes());
    object.extend_from_slice(b"\":");
    object.extend_from_slice(value.as_bytes());
    object.push(b'}');
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_added_to_an_object_even_to_an_empty_one() {
        let added = |object: &str| with_member(object.into(), "_meta", "{}");
        assert_eq!(added("{}"), br#"{"_meta":{}}"#);
        assert_eq!(added(r#"{"a":1}"#), br#"{"a":1,"_meta":{}}"#);
    }

    #[test]
    fn a_tag_depends_on_the_content_alone() {
        assert_eq!(tag(b"{}"), tag(b"{}"));
        assert_ne!(tag(b"{}"), tag(b"{ }"));
        assert_eq!(tag(b"{}").len(), 34);
    }
}
