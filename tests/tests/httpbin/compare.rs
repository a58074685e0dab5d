//! Two answers to one request: what may differ is listed here, everything else may not.

use std::collections::BTreeMap;
use std::io::Read as _;

use serde_json::Value;
use tests::answer::Answer;

use crate::cases::{Case, Coding, Compared};

/// They belong to one connection and are each side's own business.
const HOP_BY_HOP: [&str; 3] = ["connection", "keep-alive", "transfer-encoding"];

/// What the edge may add to an answer.
const ADDED_TO_ANSWERS: [&str; 3] = ["via", "x-request-id", "x-served-by"];

/// What the edge adds to a request, as httpbin spells it when it echoes.
const ADDED_TO_REQUESTS: [&str; 9] = [
    "Forwarded",
    "Traceparent",
    "Tracestate",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-Ip",
    "X-Request-Id",
];

/// What a request says to the next hop only. The edge answers an expectation by itself.
const NOT_PASSED_ON: [&str; 2] = ["Connection", "Expect"];

/// Every difference, in words.
pub(crate) fn differences(case: &Case, direct: &Answer, edge: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    if direct.status != edge.status {
        let body = String::from_utf8_lossy(&edge.body);
        let body: String = body.chars().take(200).collect();
        found.push(format!(
            "status {} became {} ({body})",
            direct.status, edge.status
        ));
    }
    found.extend(field_differences(case, direct, edge));
    found.extend(body_difference(case, &direct.body, &edge.body));
    if direct.trailers != edge.trailers {
        found.push(format!(
            "trailers {:?} became {:?}",
            direct.trailers, edge.trailers
        ));
    }
    found
}

fn field_differences(case: &Case, direct: &Answer, edge: &Answer) -> Vec<String> {
    let (expected, mut got) = (by_name(case, direct), by_name(case, edge));
    for name in ADDED_TO_ANSWERS {
        if !expected.contains_key(name) {
            got.remove(name);
        }
    }
    let mut names: Vec<&String> = expected.keys().chain(got.keys()).collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter(|name| expected.get(*name) != got.get(*name))
        .map(|name| {
            format!(
                "{name}: {:?} became {:?}",
                expected.get(name),
                got.get(name)
            )
        })
        .collect()
}

/// Values in order, per name; without what cannot be the same twice.
fn by_name(case: &Case, answer: &Answer) -> BTreeMap<String, Vec<String>> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &answer.fields {
        let value = match name.as_str() {
            name if HOP_BY_HOP.contains(&name) => continue,
            "content-length" if echoes(case) => continue,
            "date" => "a date".to_owned(),
            // Both are drawn anew for each answer.
            "etag" | "last-modified" if case.target.starts_with("/cache") => "drawn".to_owned(),
            _ => value.clone(),
        };
        fields.entry(name.clone()).or_default().push(value);
    }
    fields
}

fn echoes(case: &Case) -> bool {
    !matches!(case.compared, Compared::Bytes | Compared::Length)
}

fn body_difference(case: &Case, direct: &[u8], edge: &[u8]) -> Option<String> {
    if case.method == "HEAD" {
        return (!edge.is_empty()).then(|| "an answer to HEAD has a body".to_owned());
    }
    let same = match case.compared {
        Compared::Bytes => direct == edge,
        Compared::Length => direct.len() == edge.len(),
        Compared::Echo => echo(direct) == echo(edge),
        Compared::EchoLines => lines(direct) == lines(edge),
        Compared::Coded(coding) => echo(&decoded(coding, direct)) == echo(&decoded(coding, edge)),
    };
    (!same).then(|| {
        let at = direct.iter().zip(edge).take_while(|(a, b)| a == b).count();
        let (direct, edge) = (shown(direct, at), shown(edge, at));
        format!("the body differs from byte {at}: {direct} became {edge}")
    })
}

fn lines(body: &[u8]) -> Vec<Value> {
    body.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(echo)
        .collect()
}

/// The echo without what the edge adds, and without what each connection has for itself. A body that is no JSON is a text, so that it differs from an echo.
fn echo(body: &[u8]) -> Value {
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else {
        return Value::String(String::from_utf8_lossy(body).into_owned());
    };
    if let Some(fields) = document.get_mut("headers").and_then(Value::as_object_mut) {
        for name in ADDED_TO_REQUESTS.iter().chain(&NOT_PASSED_ON) {
            fields.shift_remove(*name);
        }
    }
    document
}

fn decoded(coding: Coding, body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        Coding::Gzip => flate2::read::GzDecoder::new(body).read_to_end(&mut plain),
        Coding::Deflate => flate2::read::ZlibDecoder::new(body).read_to_end(&mut plain),
        Coding::Brotli => {
            brotli_decompressor::Decompressor::new(body, 4096).read_to_end(&mut plain)
        }
    }
    .unwrap_or_else(|error| panic!("{coding:?}: {error}"));
    plain
}

fn shown(body: &[u8], from: usize) -> String {
    let some = &body[from..body.len().min(from + 100)];
    format!("{} bytes (… {} …)", body.len(), some.escape_ascii())
}
