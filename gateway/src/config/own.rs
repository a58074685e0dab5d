//! Answers of the file's own: a route's `redirect` and `respond`, and what a fallback says.

use http::uri::Scheme;
use http::{HeaderValue, StatusCode};

use crate::config::backend::changed_path;
use crate::config::report::Diagnostic;
use crate::config::table::Table;
use crate::config::upstream::host_name;
use crate::config::value::Value;
use crate::forward::config::{PathRewrite, RedirectConfig, RespondConfig};
use crate::route::config::PathConfig;

const SCHEMES: [(&str, Scheme); 2] = [("http", Scheme::HTTP), ("https", Scheme::HTTPS)];
const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// `redirect = { … }`. `path` is the route's, when it could be read.
pub(super) fn redirect(
    table: &Table<'_>,
    is_written: bool,
    path: Option<&PathConfig>,
) -> Option<RedirectConfig> {
    let rewrite = changed_path(table, None, path);
    let scheme = table.get("scheme").map(|value| scheme(&value));
    let host = table.get("host").map(|value| host(&value));
    let port = table
        .get("port")
        .map(|value| value.integer(1..=u16::MAX).unwrap_or_default());
    let status = match table.get("status") {
        Some(value) => status(&value),
        None => Some(StatusCode::FOUND),
    };
    // A status alone may be meant: after a 303 somebody gets what was posted to.
    let changes = rewrite.is_some() || scheme.is_some() || host.is_some() || port.is_some();
    if !changes && table.get("status").is_none() {
        // What is no table has been reported as such.
        if is_written && table.is_written() {
            let error =
                Diagnostic::error(&table.place, "leads back to where the request came from");
            let help = "say what changes: path, full_path, scheme, host or port";
            table.reading.report(error.help(help).needs_all());
        }
        return None;
    }
    Some(RedirectConfig {
        path: rewrite.unwrap_or(PathRewrite::Keep),
        scheme: scheme.flatten(),
        host: host.flatten(),
        port,
        status: status?,
    })
}

fn scheme(value: &Value<'_>) -> Option<Scheme> {
    let known = SCHEMES.each_ref().map(|(word, _)| (*word, *word));
    let word = value.choice(&known)?;
    let scheme = SCHEMES.into_iter().find(|(known, _)| *known == word);
    scheme.map(|(_, scheme)| scheme)
}

/// Its port has a key of its own.
fn host(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    host_name(value, &text)?;
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.ends_with(']'));
    if has_port {
        value.wrong("has a port", "write it as the key port");
        return None;
    }
    Some(text)
}

fn status(value: &Value<'_>) -> Option<StatusCode> {
    let status = value.integer(100..=599_u16)?;
    if !STATUSES.contains(&status) {
        value.wrong(
            "is no redirect that takes the client elsewhere",
            "write 301, 302, 303, 307 or 308",
        );
        return None;
    }
    StatusCode::from_u16(status).ok()
}

/// `respond = { … }`.
pub(super) fn respond(table: &Table<'_>, is_written: bool) -> Option<RespondConfig> {
    let status = if is_written {
        table.required("status", "200, or another status from 200 on")
    } else {
        table.get("status")
    };
    let status = status.and_then(|value| value.integer(200..=599_u16));
    let body = table.get("body");
    let text = body.as_ref().and_then(Value::text);
    let kind = table.get("content_type");
    let content_type = match &kind {
        Some(value) => content_type(value),
        None => Some(HeaderValue::from_static("text/plain; charset=utf-8")),
    };
    let status = StatusCode::from_u16(status?).ok()?;
    let has_no_body = matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        || status == StatusCode::NOT_MODIFIED;
    if let Some(body) = body.as_ref().filter(|_| has_no_body) {
        let said = format!("an answer {} has no body", status.as_u16());
        body.wrong(said, "take it out, or write another status");
    }
    let respond = RespondConfig {
        status,
        body: text.unwrap_or_default(),
        content_type: content_type?,
    };
    if let Some(body) = &body {
        is_what_it_says(body, &respond);
    }
    Some(respond)
}

fn content_type(value: &Value<'_>) -> Option<HeaderValue> {
    let text = value.word()?;
    let read = HeaderValue::from_str(&text).ok();
    let read = read.filter(|_| text.contains('/'));
    if read.is_none() {
        value.wrong("is no content type", "write \"application/json\"");
    }
    read
}

/// A slip in a body would be found by the client, on the day on which the backend is down.
fn is_what_it_says(body: &Value<'_>, respond: &RespondConfig) {
    let is_json = respond
        .content_type
        .to_str()
        .is_ok_and(|kind| kind.starts_with("application/json"));
    if !is_json {
        return;
    }
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&respond.body) {
        body.wrong(
            format!("is not the JSON that content_type says: {error}"),
            "write the whole value, such as '{ \"items\": [] }'",
        );
    }
}
