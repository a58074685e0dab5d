//! Endpoints: `endpoints` and `weights` of `[upstream.NAME]`, and the watched file that may hold them instead.

use std::path::PathBuf;

use toml::de::DeTable;
use url::{Host, Url};

use crate::config::reading::Reading;
use crate::config::report::{Diagnostic, Report, Severity, quoted};
use crate::config::source::Source;
use crate::config::syntax;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::forward::config::{EndpointConfig, Lookup};
use crate::route::path::normalise;

const ENDPOINT: &str =
    "write \"http://127.0.0.1:7000\", or with a base path \"http://shop.internal:7000/base\"";
const SRV: &str = "write \"srv+http://_web._tcp.shop.internal\", as the records are named";
const FILE: &str = "the file holds endpoints = [\"http://127.0.0.1:7000\"], and weights if need be; \
                    its path starts at this file's folder, unless it starts with /";

/// An upstream's endpoints, and the file that they were read from.
pub(super) type Listed = (Vec<EndpointConfig>, Option<PathBuf>);

/// `endpoints`, with `weights` where they differ, or `endpoints_file`.
pub(super) fn listed(table: &Table<'_>) -> Option<Listed> {
    let file = table.get("endpoints_file");
    match (file, table.get("endpoints")) {
        (None, None) => {
            let error = table.missing("endpoints");
            let help = "add endpoints = [\"http://127.0.0.1:7000\"], or endpoints_file";
            table.reading.report(error.help(help));
            table.get("weights");
            None
        }
        (None, Some(endpoints)) => {
            let weights = table.get("weights");
            Some((weighted(&endpoints, weights.as_ref())?, None))
        }
        (Some(file), None) => {
            if let Some(weights) = table.get("weights") {
                let error =
                    Diagnostic::error(&weights.key, "belongs into the file with the endpoints");
                let error = error.also(&file.key, "this file");
                table
                    .reading
                    .report(error.help("move it there, beside endpoints"));
            }
            from_file(&file)
        }
        (Some(file), Some(endpoints)) => {
            let error = Diagnostic::error(&file.key, "endpoints are given as well");
            let error = error.also(&endpoints.key, "here");
            table.reading.report(error.help("keep one of the two"));
            let weights = table.get("weights");
            weighted(&endpoints, weights.as_ref());
            None
        }
    }
}

fn from_file(value: &Value<'_>) -> Option<Listed> {
    let path = value.reading.file(&value.word()?);
    let shown = path.display();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            value.wrong(format!("{shown} cannot be read: {error}"), FILE);
            return None;
        }
    };
    match read_endpoints_file(&text) {
        Ok(endpoints) => Some((endpoints, Some(path))),
        Err(error) => {
            value.wrong(format!("{shown} cannot be used: {error}"), FILE);
            None
        }
    }
}

/// What the text of an `endpoints_file` lists: at least one endpoint. The error says where in it something is wrong.
pub fn read_endpoints_file(text: &str) -> Result<Vec<EndpointConfig>, String> {
    let source = Source {
        path: PathBuf::from("endpoints"),
        text: text.to_owned(),
    };
    let (root, wrong) = DeTable::parse_recoverable(&source.text);
    let reading = Reading::new(&source, &|_| None);
    let table = Table::root(&reading, root.get_ref());
    let endpoints = table.required("endpoints", "[\"http://127.0.0.1:7000\"]");
    let weights = table.get("weights");
    let endpoints = endpoints.and_then(|value| weighted(&value, weights.as_ref()));
    drop(table);
    let mut found = syntax::explain(&source, &wrong);
    if found.is_empty() {
        found = reading.finish();
    }
    found.retain(|diagnostic| diagnostic.severity == Severity::Error);
    match endpoints {
        Some(endpoints) if found.is_empty() => Ok(endpoints),
        _ => Err(said(&source, found)),
    }
}

/// "line 2, column 5: endpoints: is empty", for the first; a log has one line.
fn said(source: &Source, diagnostics: Vec<Diagnostic>) -> String {
    let report = Report {
        source: source.clone(),
        diagnostics,
    };
    let Some(first) = report.diagnostics.first() else {
        return "it lists no endpoints".to_owned();
    };
    let at = report.position(first);
    let titled = first.titled();
    format!("line {}, column {}: {titled}", at.line, at.column)
}

fn weighted(endpoints: &Value<'_>, weights: Option<&Value<'_>>) -> Option<Vec<EndpointConfig>> {
    let read = endpoints_of(endpoints);
    let Some(weights) = weights else {
        return read;
    };
    let listed = weights.list()?;
    let each: Vec<Option<u32>> = listed.iter().map(|one| one.integer(1..=1000)).collect();
    let written = endpoints.list()?.len();
    if each.len() != written {
        let said = format!("{} for {written} endpoints", each.len());
        let error = Diagnostic::error(&weights.place, said).also(&endpoints.place, "these");
        let help = "write one weight for each endpoint, in their order";
        weights.reading.report(error.help(help));
        return None;
    }
    let mut read = read.filter(|read| read.len() == written)?;
    if read.iter().any(|one| one.lookup == Lookup::Srv) {
        let error = Diagnostic::error(&weights.key, "SRV records bring their own weights");
        let error = error.also(&endpoints.place, "one of these asks for them");
        weights.reading.report(error.help("take weights out"));
        return None;
    }
    for (endpoint, weight) in read.iter_mut().zip(each) {
        endpoint.weight = weight?;
    }
    Some(read)
}

fn endpoints_of(value: &Value<'_>) -> Option<Vec<EndpointConfig>> {
    let read = value.each(endpoint)?;
    if value.list().is_some_and(|list| list.is_empty()) {
        value.wrong(
            "is empty",
            format!("an upstream has at least one endpoint; {ENDPOINT}"),
        );
    }
    let read: Vec<_> = read.into_iter().map(|endpoint| endpoint.value).collect();
    (!read.is_empty()).then_some(read)
}

fn endpoint(value: &Value<'_>) -> Option<EndpointConfig> {
    let text = value.word()?;
    parse(&text)
        .map_err(|(said, help)| {
            // A user and password could stand in it.
            let shown = if text.contains('@') {
                String::new()
            } else {
                format!("{} ", quoted(&text))
            };
            value.wrong(format!("{shown}{said}"), help);
        })
        .ok()
}

/// What is wrong with it, and what to write.
type Wrong = (String, String);

fn wrong<T>(said: impl Into<String>, help: impl Into<String>) -> Result<T, Wrong> {
    Err((said.into(), help.into()))
}

fn parse(text: &str) -> Result<EndpointConfig, Wrong> {
    let (lookup, address) = match text.strip_prefix("srv+") {
        Some(address) => (Lookup::Srv, address),
        None => (Lookup::Address, text),
    };
    let Some((scheme, _)) = address.split_once("://") else {
        let whole = format!("write \"http://{text}\"");
        let help = if text.contains('@') { ENDPOINT } else { &whole };
        return wrong("does not say http://", help);
    };
    if scheme != "http" {
        return wrong(
            format!("is {scheme}, which this release does not speak to upstreams"),
            "write http://; put a TLS proxy of your own between, where the way needs protection",
        );
    }
    let url = match Url::parse(address) {
        Ok(url) => url,
        Err(error) => return wrong(format!("is no endpoint: {error}"), ENDPOINT),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("has a user or password in it", "endpoints take none");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong(
            "has a query or fragment",
            "only a base path may follow the port",
        );
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return wrong("names no host", ENDPOINT),
    };
    let port = match lookup {
        Lookup::Address => port(&url)?,
        Lookup::Srv => no_port(&url, &host)?,
    };
    match normalise(url.path()) {
        Ok(path) => Ok(EndpointConfig {
            lookup,
            host,
            port,
            base_path: path.trim_end_matches('/').to_owned(),
            weight: 1,
        }),
        Err(error) => wrong(format!("has a wrong base path: {error}"), ENDPOINT),
    }
}

fn port(url: &Url) -> Result<u16, Wrong> {
    match url.port_or_known_default().unwrap_or(80) {
        0 => wrong("has port 0, on which nobody listens", ENDPOINT),
        port => Ok(port),
    }
}

fn no_port(url: &Url, host: &str) -> Result<u16, Wrong> {
    if url.port().is_some() {
        return wrong("has a port, but SRV records name the ports", SRV);
    }
    if !is_service(host) {
        return wrong("names no SRV records", SRV);
    }
    Ok(0)
}

/// `_service._tcp.name`
fn is_service(host: &str) -> bool {
    let mut labels = host.split('.');
    let service = labels
        .next()
        .is_some_and(|one| one.len() > 1 && one.starts_with('_'));
    service && labels.next() == Some("_tcp") && labels.next().is_some_and(|one| !one.is_empty())
}
