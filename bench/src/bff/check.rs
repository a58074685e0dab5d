//! Everything that the comparison takes for granted: all BFFs do the same work and answer the same.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use serde_json::{Map, Value};

use super::origin::{self, Backends};
use super::{FIELDS, PATH};
use crate::http::{Answer, ask};
use crate::target::Target;

/// The trace that requests belong to.
pub(crate) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What requests are called.
pub(crate) const REQUEST_ID: &str = "0190a7c2-5f3e-7c1a-9b52-6d3f1e0a4b77";

/// How long the edge waits.
pub(crate) const DEADLINE_MS: &str = "900";

/// What every backend is asked along with.
const CONTINUED: [(&str, &str); 2] = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-"),
    ("x-request-id", REQUEST_ID),
];

/// Fails with what is different, or not as it should be.
pub(crate) fn all(targets: &[Target], backends: &Backends) -> anyhow::Result<()> {
    let mut contents = Vec::new();
    for target in targets {
        let content = one(target, backends).with_context(|| target.name.to_owned())?;
        contents.push((target.name, content));
    }
    for pair in contents.windows(2) {
        let [(name, content), (other, theirs)] = pair else {
            continue;
        };
        for key in content.keys().chain(theirs.keys()) {
            let (ours, theirs) = (content.get(key), theirs.get(key));
            ensure!(ours == theirs, "{key}: {name} {ours:?}, {other} {theirs:?}");
        }
    }
    Ok(())
}

/// The content of the whole screen.
fn one(target: &Target, backends: &Backends) -> anyhow::Result<Map<String, Value>> {
    target.take_log_lines()?;
    let screen = whole(target)?;
    told(backends)?;
    revalidated(target, screen.needed("etag")?)?;
    without_reviews(target, backends)?;
    without_product(target, backends)?;
    target.check_whole_log(4)?;
    serde_json::from_str(&screen.content).context("the content is no JSON object")
}

fn whole(target: &Target) -> anyhow::Result<Answer> {
    let answer = ask(target.address, PATH, FIELDS)?;
    ensure!(answer.status == 200, "the screen: {answer:?}");
    is_of_type(&answer, "application/json")?;
    ensure!(answer.needed("etag")?.starts_with('"'), "no strong ETag");
    ensure!(
        answer.field("cache-control") != Some("no-store"),
        "{answer:?}"
    );
    answer.needed("cache-control")?;
    ensure!(answer.needed("x-request-id")? == REQUEST_ID, "{answer:?}");
    let timing = answer.needed("server-timing")?;
    ensure!(timing.split(',').count() == 3, "server-timing: {timing}");
    Ok(answer)
}

fn revalidated(target: &Target, tag: &str) -> anyhow::Result<()> {
    let fields = [FIELDS, &[("if-none-match", tag)]].concat();
    let answer = ask(target.address, PATH, &fields)?;
    ensure!(answer.status == 304, "known already: {answer:?}");
    ensure!(answer.needed("etag")? == tag, "another ETag: {answer:?}");
    Ok(())
}

/// An optional part is left out, and the answer says so and is not kept.
fn without_reviews(target: &Target, backends: &Backends) -> anyhow::Result<()> {
    let asked = || ask(target.address, PATH, FIELDS);
    let answer = origin::while_broken(backends.reviews, asked)?;
    ensure!(answer.status == 200, "without reviews: {answer:?}");
    answer.needed("x-degraded")?;
    let kept = answer.field("cache-control") != Some("no-store") || answer.field("etag").is_some();
    ensure!(!kept, "half a screen may be kept: {answer:?}");
    let content: Value = serde_json::from_str(&answer.content)?;
    let rated = content.get("rating").is_some();
    ensure!(!rated && content["available"] == 40, "{answer:?}");
    Ok(())
}

/// A required part is not left out.
fn without_product(target: &Target, backends: &Backends) -> anyhow::Result<()> {
    let asked = || ask(target.address, PATH, FIELDS);
    let answer = origin::while_broken(backends.catalog, asked)?;
    ensure!(answer.status == 502, "without the product: {answer:?}");
    is_of_type(&answer, "application/problem+json")
}

/// With or without a charset.
fn is_of_type(answer: &Answer, wanted: &str) -> anyhow::Result<()> {
    let kind = answer.needed("content-type")?;
    ensure!(
        kind.split(';').next() == Some(wanted),
        "content-type: {kind}"
    );
    Ok(())
}

/// The backends were told which request and trace a call belongs to, and how long it may take.
fn told(backends: &Backends) -> anyhow::Result<()> {
    let mut spans = BTreeSet::new();
    for backend in [backends.catalog, backends.reviews, backends.inventory] {
        spans.insert(span_told(backend)?);
    }
    ensure!(spans.len() == 3, "calls share a span: {spans:?}");
    Ok(())
}

fn span_told(backend: SocketAddr) -> anyhow::Result<String> {
    let head = origin::last(backend)?;
    let field = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| *known == name);
        found
            .map(|(_, value)| value)
            .with_context(|| format!("a backend was told no {name}:\n{head}"))
    };
    for (name, beginning) in CONTINUED {
        let value = field(name)?;
        ensure!(value.starts_with(beginning), "{name}: {value}");
    }
    let left: u32 = field("x-request-deadline-ms")?.parse()?;
    ensure!((1..900).contains(&left), "x-request-deadline-ms: {left}");
    let parent = field("traceparent")?;
    ensure!(parent != TRACEPARENT, "the call has the caller's span");
    Ok(parent.to_owned())
}
