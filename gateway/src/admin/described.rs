//! The description of admin for programs, completed: what every answer can be besides its own content, and the paths that
//! tell the same since before there was a description.

use serde_json::{Map, Value, json};
use utoipa::OpenApi;

const NO_TOKEN: &str = "It needs the token";

/// What the handlers say of themselves is added to this.
#[derive(Debug, OpenApi)]
#[openapi(info(
    title = "banyan admin",
    description = "How far the routes of a migration have got, and what an operator says at run time. Health is open to everybody, reads to this machine, and to others with the token of [admin]; a write needs the token, or comes from this machine."
))]
pub(super) struct Described;

/// The whole document.
pub(super) fn document(api: &utoipa::openapi::OpenApi) -> Value {
    // What the library made is always JSON.
    let mut document = serde_json::to_value(api).unwrap_or_default();
    if let Some(paths) = document["paths"].as_object_mut() {
        for operation in paths.values_mut().filter_map(Value::as_object_mut) {
            operation.values_mut().for_each(finish);
        }
        paths.extend(plain());
    }
    let components = &mut document["components"];
    components["schemas"]["Problem"] = problem();
    components["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "The token of [admin]. This machine needs none."}
    });
    document
}

/// A question can be bad, whoever asks may have to show the token, and a thread may have ended.
fn finish(operation: &mut Value) {
    operation["security"] = security();
    let responses = &mut operation["responses"];
    for (status, description) in [
        ("400", "It cannot be understood"),
        ("401", NO_TOKEN),
        ("503", "It cannot be told, or be kept"),
    ] {
        if responses[status].is_null() {
            responses[status] = json!({ "description": description });
        }
    }
    let Some(responses) = responses.as_object_mut() else {
        return;
    };
    for (_, response) in responses
        .iter_mut()
        .filter(|(status, _)| status.as_str() >= "400")
    {
        response["content"] = in_words();
    }
}

fn security() -> Value {
    json!([{}, {"token": []}])
}

fn in_words() -> Value {
    json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}})
}

fn problem() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457). `code` is stable; `title` and `detail` are for people.",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": {"type": "string"},
            "detail": {"type": "string"},
        },
    })
}

/// A path whose answers are text, or an object that says what it is.
struct Plain {
    path: &'static str,
    method: &'static str,
    summary: &'static str,
    media: &'static str,
    /// Of an object.
    members: &'static [&'static str],
    answers: &'static [(&'static str, &'static str)],
    guarded: bool,
}

const JSON: &str = "application/json";

const READ: Plain = Plain {
    path: "",
    method: "get",
    summary: "",
    media: JSON,
    members: &[],
    answers: &[("200", "What it says")],
    guarded: true,
};

const PLAIN: [Plain; 7] = [
    Plain {
        path: "/livez",
        summary: "Whether the process lives.",
        media: "text/plain",
        guarded: false,
        ..READ
    },
    Plain {
        path: "/readyz",
        summary: "Whether requests are taken, and what is not as it should be all the same.",
        members: &["ready", "generation", "details"],
        answers: &[("200", "They are"), ("503", "The process is about to end")],
        guarded: false,
        ..READ
    },
    Plain {
        path: "/metrics",
        summary: "Counters, as OpenMetrics text.",
        media: "application/openmetrics-text",
        ..READ
    },
    Plain {
        path: "/routes",
        summary: "The routes in force, in the order in which they are asked.",
        members: &["generation", "routes"],
        ..READ
    },
    Plain {
        path: "/status",
        summary: "Version, file, upstreams, issuers.",
        members: &["version", "generation", "file", "upstreams", "issuers"],
        ..READ
    },
    Plain {
        path: "/openapi.json",
        summary: "This description.",
        members: &["openapi", "paths"],
        ..READ
    },
    Plain {
        path: "/reload",
        method: "post",
        summary: "Reads the file again.",
        members: &["outcome", "generation"],
        answers: &[("200", "What changed"), ("422", "What is wrong with it")],
        ..READ
    },
];

fn plain() -> Map<String, Value> {
    let described = PLAIN.iter().map(|one| {
        let schema = if one.media == JSON {
            json!({"type": "object", "required": one.members})
        } else {
            json!({"type": "string"})
        };
        let mut content = Map::new();
        content.insert(one.media.to_owned(), json!({ "schema": schema }));
        let mut operation = json!({"summary": one.summary, "responses": {}});
        for (status, description) in one.answers {
            operation["responses"][status] =
                json!({"description": description, "content": content});
        }
        if one.guarded {
            operation["security"] = security();
            operation["responses"]["401"] = json!({"description": NO_TOKEN, "content": in_words()});
        }
        let mut path = Map::new();
        path.insert(one.method.to_owned(), operation);
        (one.path.to_owned(), Value::Object(path))
    });
    described.collect()
}
