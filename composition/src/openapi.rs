//! The description of a BFF, completed: what every screen answers besides its own content is written here once.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterStyle};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr};
use utoipa_axum::router::OpenApiRouter;

use crate::problems::CODES;
use crate::view::Meta;

const JSON: &str = "application/json";

/// What the shared description depends on.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    /// When answers have `_meta`.
    pub(crate) meta: Meta,
    /// The status for clients that are too old; `None` where no client says its version.
    pub(crate) upgrade: Option<StatusCode>,
}

/// Describes which fields `?fields=` may name on these screens. Any of them may then be left out of the answer, which its
/// schema says with `required = false`.
#[must_use]
pub fn selectable(mut screens: OpenApiRouter, fields: &[&'static str]) -> OpenApiRouter {
    let paths = screens.get_openapi_mut().paths.paths.values_mut();
    let operations = paths.filter_map(|path| path.get.as_mut());
    for parameter in operations.flat_map(|operation| operation.parameters.iter_mut().flatten()) {
        if let RefOr::T(parameter) = parameter
            && parameter.name == "fields"
        {
            list_fields(parameter, fields);
        }
    }
    screens
}

fn list_fields(parameter: &mut Parameter, fields: &[&'static str]) {
    let name = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(fields.iter().copied()));
    let names = ArrayBuilder::new().items(name).min_items(Some(1));
    *parameter = ParameterBuilder::from(parameter.clone())
        .schema(Some(names))
        .style(Some(ParameterStyle::Form))
        .explode(Some(false))
        .example(fields.first().map(|first| json!([first])))
        .build();
}

/// The whole document, from what the handlers say of themselves.
pub(crate) fn complete(api: &OpenApi, about: &About) -> Value {
    // What the library made is always JSON.
    let mut document = serde_json::to_value(api).unwrap_or_default();
    document["info"] = json!({
        "title": about.title,
        "description": about.description,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "MIT OR Apache-2.0"},
    });
    // Relative to where the document was found: the same behind the edge and without it.
    document["servers"] = json!([{"url": ".", "description": "where this document was found"}]);
    let responses = shared_responses(about);
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(|path| path.get_mut("get")) {
            finish(operation, about, &responses);
        }
    }
    let components = &mut document["components"];
    if !components.is_object() {
        *components = json!({});
    }
    components["securitySchemes"] = json!({
        "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the shop's issuer. Without one the caller is anonymous."}
    });
    for (name, schema) in schemas() {
        components["schemas"][name] = schema;
    }
    components["responses"] = Value::Object(responses);
    document
}

fn finish(operation: &mut Value, about: &About, responses: &Map<String, Value>) {
    operation["security"] = json!([{}, {"bearer": []}]);
    let parameters = operation
        .as_object_mut()
        .map(|operation| operation.entry("parameters").or_insert_with(|| json!([])));
    if let Some(Value::Array(parameters)) = parameters {
        parameters.extend(shared_parameters(about));
    }
    let said = &mut operation["responses"];
    if let Some(ok) = said.get_mut("200") {
        let own = ok["content"][JSON]["schema"].take();
        let marked = match about.meta {
            Meta::Always => "Marked",
            Meta::WhenAsked => "MarkedWhenAsked",
        };
        ok["content"][JSON]["schema"] =
            json!({"allOf": [own, {"$ref": format!("#/components/schemas/{marked}")}]});
        ok["headers"] = headers(&[
            "ETag",
            "Cache-Control",
            "Server-Timing",
            "x-degraded",
            "x-request-id",
        ]);
    }
    for status in responses.keys() {
        said[status] = json!({"$ref": format!("#/components/responses/{status}")});
    }
}

fn shared_parameters(about: &About) -> Vec<Value> {
    let field = |name: &str, description: &str, example: &str| {
        json!({"name": name, "in": "header", "required": false, "description": description,
               "schema": {"type": "string"}, "example": example})
    };
    let known = field(
        "If-None-Match",
        "The tag of an answer that is at hand; the same answer is not sent again.",
        "\"6c1f0fb0e5d1a43c9b7b7f2d8f1f0c11\"",
    );
    let client = field(
        "x-client",
        "Platform and version of the app. What cannot be read is left out of account.",
        "ios/5.2.1",
    );
    let versions = about.upgrade.is_some().then_some(client);
    std::iter::once(known).chain(versions).collect()
}

/// Every answer of a screen but its content, by status.
fn shared_responses(about: &About) -> Map<String, Value> {
    let mut problems: BTreeMap<String, Vec<(&str, &str)>> = BTreeMap::new();
    for (code, status, title) in CODES {
        let status = match (code, about.upgrade) {
            ("app_upgrade_required", None) => continue,
            ("app_upgrade_required", Some(chosen)) => chosen,
            _ => status,
        };
        let of_status = problems.entry(status.as_str().to_owned()).or_default();
        of_status.push((code, title));
    }
    problems
        .entry("429".to_owned())
        .or_default()
        .push(("rate_limited", "Too many requests"));
    let mut responses: Map<String, Value> = problems
        .into_iter()
        .map(|(status, problems)| {
            let response = problem_response(&status, &problems);
            (status, response)
        })
        .collect();
    responses.insert(
        "304".to_owned(),
        json!({"description": "The answer at hand is still the answer.", "headers": headers(&["ETag", "Cache-Control", "Server-Timing", "x-request-id"])}),
    );
    responses
}

fn problem_response(status: &str, problems: &[(&str, &str)]) -> Value {
    let number: u16 = status.parse().unwrap_or_default();
    let words: Vec<String> = problems
        .iter()
        .map(|(code, title)| format!("`{code}`: {title}."))
        .collect();
    let examples: Map<String, Value> = problems
        .iter()
        .map(|(code, title)| {
            let value = json!({
                "type": format!("/problems/{}", code.replace('_', "-")),
                "title": title, "status": number, "code": code,
            });
            ((*code).to_owned(), json!({ "value": value }))
        })
        .collect();
    let mut names = vec!["x-request-id"];
    match number {
        401 => names.push("WWW-Authenticate"),
        429 | 503 => names.push("Retry-After"),
        _ => {}
    }
    json!({
        "description": words.join(" "),
        "headers": headers(&names),
        "content": {"application/problem+json": {
            "schema": {"$ref": "#/components/schemas/Problem"},
            "examples": examples,
        }},
    })
}

fn headers(names: &[&str]) -> Value {
    let described = names.iter().map(|name| {
        let (description, kind) = match *name {
            "ETag" => (
                "Names the content, `_meta` left out. Only on complete answers.",
                "string",
            ),
            "Cache-Control" => ("`no-store` on incomplete answers.", "string"),
            "Server-Timing" => ("How long each part took, in milliseconds.", "string"),
            "x-degraded" => (
                "Which parts are missing or old, and why. Only on incomplete answers.",
                "string",
            ),
            "x-request-id" => ("Names the request in every log.", "string"),
            "WWW-Authenticate" => ("How to authenticate (RFC 6750).", "string"),
            _ => ("When to come back, in seconds.", "integer"),
        };
        let header = json!({"description": description, "schema": {"type": kind}});
        ((*name).to_owned(), header)
    });
    Value::Object(described.collect())
}

fn schemas() -> [(&'static str, Value); 5] {
    let text = |description: &str| json!({"type": "string", "description": description});
    let number =
        |description: &str| json!({"type": "integer", "minimum": 0, "description": description});
    let meta = json!({"$ref": "#/components/schemas/Meta"});
    [
        (
            "Problem",
            json!({
                "type": "object",
                "description": "What went wrong (RFC 9457). `code` is stable; `title` and `detail` are for people.",
                "required": ["type", "title", "status", "code"],
                "properties": {
                    "type": text("A path below /problems/."), "title": text("In a few words."),
                    "status": {"type": "integer", "minimum": 400, "maximum": 599}, "code": text("For programs."),
                    "detail": text("What is particular about this occurrence."), "request_id": text("Names the request."),
                    "part": text("The part that was lost."), "reason": {"$ref": "#/components/schemas/Reason"},
                },
            }),
        ),
        (
            "Reason",
            json!({
                "type": "string", "description": "Why a part is not as its backend says.",
                "enum": ["timeout", "connect", "5xx", "4xx", "breaker_open", "bulkhead_full", "decode", "deadline", "budget"],
            }),
        ),
        (
            "Meta",
            json!({
                "type": "object", "description": "How the parts of this answer came out.",
                "required": ["complete", "parts"],
                "properties": {
                    "complete": {"type": "boolean", "description": "Every part is as its backend says."},
                    "parts": {"type": "object", "additionalProperties": {
                        "type": "object", "required": ["status"],
                        "properties": {
                            "status": {"type": "string", "enum": ["ok", "stale", "default", "omitted", "skipped"]},
                            "reason": {"$ref": "#/components/schemas/Reason"},
                            "age": number("Seconds since the backend said so."),
                            "side": {"type": "string", "enum": ["legacy", "service"]},
                            "got": number("Of a list that lost some: how many came."),
                            "of": number("Of how many."),
                        },
                    }},
                },
                "example": {"complete": false, "parts": {"product": {"status": "ok", "side": "service"}, "reviews": {"status": "omitted", "reason": "timeout"}}},
            }),
        ),
        (
            "Marked",
            json!({"type": "object", "required": ["_meta"], "properties": {"_meta": meta}}),
        ),
        (
            "MarkedWhenAsked",
            json!({"type": "object", "properties": {"_meta": meta}}),
        ),
    ]
}
