//! Which requests a route takes: `path`, `hosts`, `methods`, `headers`, `query`.

use std::borrow::Cow;

use http::{HeaderName, Method};

use crate::config::nearest::nearest;
use crate::config::report::{Diagnostic, quoted};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::route::conditions::regex;
use crate::route::config::{HostConfig, PathConfig, ValueConfig};
use crate::route::host::canonical;
use crate::route::path::normalise;

const FORMS: &str = "write \"/prefix\", { exact = \"/x\" }, { pattern = \"/users/{id}\" } or { regex = \"^/v[12]/\" }";

const METHODS: [Method; 7] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::OPTIONS,
];

/// A string is a prefix by whole segments; a table says another form.
pub(super) fn path(value: &Value<'_>) -> Option<PathConfig> {
    if !value.is_table() {
        return prefix(value);
    }
    let table = value.table()?;
    let exact = table.get("exact");
    let pattern_value = table.get("pattern");
    let expression = table.get("regex");
    match (exact, pattern_value, expression) {
        (Some(value), None, None) => {
            let text = value.word()?;
            take_path(&value, &text).map(PathConfig::Exact)
        }
        (None, Some(value), None) => pattern(&value).map(PathConfig::Pattern),
        (None, None, Some(value)) => checked_regex(&value).map(PathConfig::Regex),
        _ => {
            value.wrong("must have one of exact, pattern and regex", FORMS);
            None
        }
    }
}

fn prefix(value: &Value<'_>) -> Option<PathConfig> {
    let text = value.word()?;
    let path = take_path(value, &text)?;
    let prefix = path.trim_end_matches('/');
    if prefix != path && !prefix.is_empty() {
        let said = format!(
            "goes by whole segments: it takes {} as well",
            quoted(prefix)
        );
        let warning = Diagnostic::warning(&value.place, said);
        value
            .reading
            .report(warning.help(format!("write {}", quoted(prefix))));
    }
    Some(PathConfig::Prefix(prefix.to_owned()))
}

/// Whole segments, each plain or `{name}`.
fn pattern(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    let path = take_path(value, &text)?;
    let mut names: Vec<&str> = Vec::new();
    for segment in path.split('/').filter(|part| part.contains(['{', '}'])) {
        let name = segment
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let Some(name) = name.filter(|name| !name.is_empty() && name.chars().all(letters)) else {
            value.wrong(
                format!("{} is no segment", quoted(segment)),
                "a segment is plain, or {name} as a whole; for anything else use { regex = … }",
            );
            return None;
        };
        if names.contains(&name) {
            value.wrong(
                format!("{{{name}}} stands in it twice"),
                "give each segment a name of its own",
            );
            return None;
        }
        names.push(name);
    }
    if names.is_empty() {
        value.wrong("has no {name} in it", "use { exact = … } for one path");
        return None;
    }
    Some(path)
}

/// A declared path in the form that requests have; another spelling is taken with a warning.
pub(super) fn take_path(value: &Value<'_>, text: &str) -> Option<String> {
    if text.contains(['?', '#']) {
        value.wrong(
            format!("{} is more than a path", quoted(text)),
            "a path has no query and no fragment; the keys of `query` ask for parameters",
        );
        return None;
    }
    match normalise(text) {
        Ok(Cow::Borrowed(path)) => Some(path.to_owned()),
        Ok(Cow::Owned(path)) => {
            if path != text {
                let said = format!("is taken as {}", quoted(&path));
                let warning = Diagnostic::warning(&value.place, said);
                value.reading.report(warning.help(
                    "requests are brought into this form before they are matched; write it so",
                ));
            }
            Some(path)
        }
        Err(error) => {
            value.wrong(format!("{} is no path", quoted(text)), error.to_string());
            None
        }
    }
}

pub(super) fn checked_regex(value: &Value<'_>) -> Option<String> {
    let text = value.word()?;
    if let Err(error) = regex(&text) {
        let said = error.to_string();
        // The library draws the expression over several lines; the last one says why.
        let why = said.lines().last().unwrap_or_default().trim();
        let why = why.strip_prefix("error: ").unwrap_or(why);
        value.wrong(format!("{} is no regular expression", quoted(&text)), why);
        return None;
    }
    Some(text)
}

/// `shop.example` or `*.shop.example`.
pub(super) fn host(value: &Value<'_>) -> Option<HostConfig> {
    let text = value.word()?;
    let name = text.trim_end_matches('.').to_ascii_lowercase();
    let wrong = |help: &str| {
        value.wrong(format!("{} is no host", quoted(&text)), help);
        None
    };
    if name == "*" {
        return wrong("leave `hosts` out to take all");
    }
    let (below, plain) = match name.strip_prefix("*.") {
        Some(below) => (true, below),
        None => (false, name.as_str()),
    };
    let is_ipv6 = plain.starts_with('[') && plain.ends_with(']');
    if is_ipv6 {
        let inner = plain.trim_matches(['[', ']']);
        if below || inner.parse::<std::net::Ipv6Addr>().is_err() {
            return wrong("write an IPv6 address as \"[::1]\"");
        }
        return canonical(plain).map(HostConfig::Exact);
    } else if plain.contains('/') {
        return wrong("write the name alone, \"shop.example\"");
    } else if plain.contains(':') {
        return wrong("leave the port out: it does not count");
    } else if !plain.is_ascii() {
        return wrong("write the name as it goes over the wire, \"xn--…\"");
    } else if !plain.split('.').all(is_label) {
        return wrong("write \"shop.example\", or \"*.shop.example\" for every name below it");
    }
    Some(if below {
        HostConfig::Suffix(format!(".{plain}"))
    } else {
        HostConfig::Exact(plain.to_owned())
    })
}

fn is_label(label: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    !label.is_empty() && label.chars().all(letters)
}

/// A method in capitals; extension methods are fine, a slip in a known one is not.
pub(super) fn method(value: &Value<'_>) -> Option<Method> {
    let text = value.word()?;
    let known = || METHODS.iter().map(Method::as_str);
    let read = Method::from_bytes(text.as_bytes()).ok();
    let read = read.filter(|_| text.chars().all(|c| c.is_ascii_uppercase() || c == '-'));
    match read {
        Some(Method::TRACE | Method::CONNECT) => {
            value.wrong(format!("{text} is refused by the edge"), "take it out");
            None
        }
        Some(method) if METHODS.contains(&method) || nearest(&text, known()).is_none() => {
            Some(method)
        }
        _ => {
            let help = nearest(&text, known()).map_or_else(
                || "methods are in capitals: \"GET\", \"POST\"".to_owned(),
                |meant| format!("did you mean {}?", quoted(meant)),
            );
            value.wrong(format!("{} is no method", quoted(&text)), help);
            None
        }
    }
}

/// A field's name; `example` is what one would write here.
pub(super) fn header_name(value: &Value<'_>, name: &str, example: &str) -> Option<HeaderName> {
    let read = HeaderName::from_bytes(name.as_bytes()).ok();
    if read.is_none() {
        value.wrong(
            format!("{} is no header's name", quoted(name)),
            format!("write {}", quoted(example)),
        );
    }
    read
}

/// `headers = { x-beta = "1" }`
pub(super) fn headers(table: &Table<'_>) -> Vec<(HeaderName, ValueConfig)> {
    let mut all: Vec<(HeaderName, ValueConfig)> = Vec::new();
    for (name, value) in table.table("headers").open() {
        let wanted = wanted(&value);
        let Ok(field) = HeaderName::from_bytes(name.value.as_bytes()) else {
            let error = Diagnostic::error(&name.place, "is no header's name");
            table.reading.report(error.help("write it as \"x-beta\""));
            continue;
        };
        if all.iter().any(|(other, _)| *other == field) {
            let error = Diagnostic::error(&name.place, "stands there twice");
            table
                .reading
                .report(error.help("capitals make no difference in headers"));
        } else if let Some(wanted) = wanted {
            all.push((field, wanted));
        }
    }
    all
}

/// `query = { beta = "1" }`
pub(super) fn query(table: &Table<'_>) -> Vec<(String, ValueConfig)> {
    let entries = table.table("query").open().into_iter();
    entries
        .filter_map(|(name, value)| Some((name.value, wanted(&value)?)))
        .collect()
}

/// A string, or `{ regex = … }`.
fn wanted(value: &Value<'_>) -> Option<ValueConfig> {
    if !value.is_table() {
        return value.text().map(ValueConfig::Exact);
    }
    let table = value.table()?;
    let expression = table.required("regex", "\"^v[0-9]+$\", or another expression")?;
    checked_regex(&expression).map(ValueConfig::Regex)
}
