//! A backend that tells what it was asked, and does as the request says: late, failing at first, with fields of its own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::origin::{Log, Origin};
use crate::wire::{Head, Wire};

/// The field of a request with what to add to the answer: `name: value, name: value`.
pub const SET: &str = "x-echo-set-header";

/// How often each target was asked.
type Counts = Arc<Mutex<HashMap<String, u32>>>;

/// Starts one.
///
/// It answers in JSON: `backend`, `method`, `path` (with the query), `host` and `headers`, where values of one name are
/// joined by commas. In the query, `delay=1s` makes it late, and `responseCode=500&succeedAfter=2` makes it fail twice so.
pub async fn echo(name: &str) -> Origin {
    let name: Arc<str> = name.into();
    let counts = Counts::default();
    Origin::handling(move |wire, log| serve(wire, log, Arc::clone(&name), Arc::clone(&counts)))
        .await
}

async fn serve(mut wire: Wire, log: Log, name: Arc<str>, counts: Counts) {
    while let Some((head, body)) = wire.request().await {
        let answer = answer(&name, &head, &counts);
        if let Some(delay) = parameter(&head, "delay").and_then(seconds) {
            tokio::time::sleep(delay).await;
        }
        log.note(head, body);
        if wire.try_send(answer).await.is_err() {
            return;
        }
    }
}

fn answer(name: &str, head: &Head, counts: &Counts) -> String {
    let body = told(name, head).to_string();
    let (status, length) = (status(head, counts), body.len());
    let mut answer = format!("HTTP/1.1 {status} Told\r\ncontent-length: {length}\r\n");
    for set in head.all(SET).iter().flat_map(|list| list.split(',')) {
        answer.extend([set.trim(), "\r\n"]);
    }
    answer.push_str("content-type: application/json\r\n\r\n");
    if head.method() != "HEAD" {
        answer.push_str(&body);
    }
    answer
}

fn told(name: &str, head: &Head) -> Value {
    let mut headers = Map::new();
    for (name, _) in &head.fields {
        headers.insert(name.clone(), head.all(name).join(",").into());
    }
    json!({
        "backend": name,
        "method": head.method(),
        "path": head.target(),
        "host": head.all("host").join(","),
        "headers": headers,
    })
}

fn status(head: &Head, counts: &Counts) -> String {
    let failures = parameter(head, "succeedAfter").and_then(|count| count.parse::<u32>().ok());
    let mut counts = counts.lock().unwrap_or_else(PoisonError::into_inner);
    let asked = counts.entry(head.target().to_owned()).or_default();
    *asked += 1;
    match (failures, parameter(head, "responseCode")) {
        (Some(failures), Some(code)) if *asked <= failures => code.to_owned(),
        _ => "200".to_owned(),
    }
}

fn parameter<'a>(head: &'a Head, name: &str) -> Option<&'a str> {
    let (_, query) = head.target().split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(found, _)| *found == name)
        .map(|(_, value)| value)
        .next()
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds = text.strip_suffix('s')?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
