//! Stands before every handler: remembers the request, then does what the switches say.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::clock::Clock;
use chassis::problem::Problem;
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};

use crate::stub::{Request as SeenRequest, Stub};
use crate::switches::{Settings, Wrong};

/// Who answered.
const SERVED: HeaderName = HeaderName::from_static("x-stub");

/// No answer of the shop is as large.
const LARGEST: usize = 16 * 1024 * 1024;

/// The layer.
pub async fn misbehave(State(stub): State<Arc<Stub>>, request: Request, next: Next) -> Response {
    stub.seen.add(remembered(&request));
    let settings = stub.switches.now();
    if settings.refuse {
        return broken_off();
    }
    tokio::time::sleep(settings.latency()).await;
    if settings.hang {
        stub.switches.let_go().await;
    }
    let mut answer = if fastrand::f64() < settings.error_rate {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "stub_error",
            "Failed on purpose",
        )
        .into_response()
    } else {
        next.run(request).await
    };
    if is_json(&answer) {
        answer = if let Some(raw) = settings.raw() {
            replaced(answer, raw)
        } else if settings.is_right() || is_problem(&answer) {
            answer
        } else {
            spoiled(answer, &settings).await
        };
    }
    answer
        .headers_mut()
        .insert(SERVED, HeaderValue::from_static(stub.name));
    answer
}

fn remembered(request: &Request) -> SeenRequest {
    let fields = request.headers().iter();
    let fields = fields.map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    SeenRequest {
        method: request.method().to_string(),
        target: request.uri().to_string(),
        fields: fields.collect(),
        body: length,
    }
}

/// A body that fails before its first byte makes the server close the connection without having sent anything.
fn broken_off() -> Response {
    let failing =
        stream::once(async { Err::<String, _>(std::io::Error::other("refused on purpose")) });
    Response::new(Body::from_stream(failing))
}

fn is_json(answer: &Response) -> bool {
    is(answer, b"application/json") || is_problem(answer)
}

fn is_problem(answer: &Response) -> bool {
    is(answer, b"application/problem+json")
}

fn is(answer: &Response, kind: &[u8]) -> bool {
    let said = answer.headers().get(CONTENT_TYPE);
    said.is_some_and(|said| said.as_bytes().starts_with(kind))
}

/// The same head over another body.
fn replaced(mut answer: Response, raw: Bytes) -> Response {
    answer.headers_mut().remove(CONTENT_LENGTH);
    *answer.body_mut() = Body::from(raw);
    answer
}

async fn spoiled(answer: Response, settings: &Settings) -> Response {
    let (mut parts, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST).await else {
        return broken_off();
    };
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    if settings.price_as_text {
        walk(&mut value, &price_as_text);
    }
    for wrong in &settings.wrong {
        match wrong {
            Wrong::Price => walk(&mut value, &prices_as_text),
            Wrong::Missing => walk(&mut value, &without_one),
            Wrong::Reorder => walk(&mut value, &reversed),
            Wrong::Timestamp => stamped(&mut value),
        }
    }
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

/// From the inside out.
fn walk(value: &mut Value, change: &impl Fn(&mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| walk(member, change)),
        _ => {}
    }
    change(value);
}

fn prices_as_text(value: &mut Value) {
    let Value::Object(members) = value else {
        return;
    };
    for name in ["price", "amount", "total"] {
        // A list's total is a count, not a price.
        if members.contains_key("items") && members.contains_key("page") {
            return;
        }
        as_text(members, name);
    }
}

fn price_as_text(value: &mut Value) {
    if let Value::Object(members) = value {
        as_text(members, "price");
    }
}

fn as_text(members: &mut Map<String, Value>, name: &str) {
    if let Some(member @ Value::Number(_)) = members.get_mut(name) {
        *member = Value::String(member.to_string());
    }
}

fn without_one(value: &mut Value) {
    let Value::Object(members) = value else {
        return;
    };
    let lost = ["description", "status", "email", "text", "count"]
        .into_iter()
        .find(|name| members.contains_key(*name));
    if let Some(name) = lost {
        members.shift_remove(name);
    }
}

fn reversed(value: &mut Value) {
    if let Value::Array(list) = value {
        list.reverse();
    }
}

fn stamped(value: &mut Value) {
    if let Value::Object(members) = value {
        let now = u64::try_from(Clock::system().unix().as_micros()).unwrap_or(u64::MAX);
        members.insert("generated_at".to_owned(), json!(now));
    }
}
