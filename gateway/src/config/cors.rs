//! `[route.NAME.cors]`.

use std::time::Duration;

use http::Method;
use url::{Position, Url};

use crate::config::matching;
use crate::config::report::{Diagnostic, quoted};
use crate::config::table::Table;
use crate::config::value::Value;
use crate::cors::config::{CorsConfig, Listed, OriginConfig, PortConfig, split_port};

const MAX_AGE: Duration = Duration::from_hours(1);
const FORMS: &str = "write \"https://shop.example\", \"https://*.shop.example\", \"https://shop.example:*\" or \"*\"";

/// What a route says of other origins, if anything.
pub(super) fn read(route: &Table<'_>) -> Option<CorsConfig> {
    let table = route.table("cors");
    let origins = table.get("allow_origins");
    if table.is_written() && origins.is_none() {
        let error = table.missing("allow_origins");
        let help = "add allow_origins = [\"https://shop.example\"]";
        table.reading.report(error.help(help));
    }
    let origins = origins.and_then(|value| Some((listed(&value, origin)?, value)));
    let header = |value: &Value<'_>| {
        let name = value.word()?;
        matching::header_name(value, &name, "x-total")
    };
    let methods = table.get("allow_methods");
    let methods = methods.and_then(|value| listed(&value, matching::method));
    let headers = table.get("allow_headers");
    let headers = headers.and_then(|value| listed(&value, header));
    let expose = table.get("expose_headers");
    let exposed = expose.as_ref().and_then(|value| listed(value, header));
    let credentials = table.get("allow_credentials");
    let credentials = credentials.and_then(|value| value.boolean()) == Some(true);
    let max_age = table.get("max_age").and_then(|value| value.duration());
    if let (true, Some(Listed::All), Some(value)) = (credentials, &exposed, &expose) {
        value.wrong(
            "\"*\" means nothing to browsers with allow_credentials",
            "name the fields",
        );
    }
    let (origins, value) = origins?;
    if credentials && origins == Listed::All {
        let said = "lets every page on the web act with the user's cookies";
        let warning = Diagnostic::warning(&value.place, said);
        let help = "name the origins, or leave allow_credentials out";
        value.reading.report(warning.help(help));
    }
    // What browsers send without asking anyway.
    let simple = || Listed::These(vec![Method::GET, Method::HEAD, Method::POST]);
    Some(CorsConfig {
        origins,
        methods: methods.unwrap_or_else(simple),
        headers: headers.unwrap_or(Listed::These(Vec::new())),
        exposed: exposed.unwrap_or(Listed::These(Vec::new())),
        credentials,
        max_age: max_age.unwrap_or(MAX_AGE),
    })
}

/// `"*"` among others makes them superfluous.
fn listed<T: PartialEq>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Option<T>,
) -> Option<Listed<T>> {
    let entries = value.each(|entry| match entry.raw.as_str() {
        Some("*") => Some(None),
        _ => read(entry).map(Some),
    })?;
    let these: Option<Vec<T>> = entries.into_iter().map(|entry| entry.value).collect();
    Some(these.map_or(Listed::All, Listed::These))
}

/// An origin as browsers write it, possibly with `*` for a part of its host or for its port.
fn origin(value: &Value<'_>) -> Option<OriginConfig> {
    let text = value.word()?;
    let read = parts(&text);
    if read.is_none() {
        value.wrong(format!("{} is no origin", quoted(&text)), FORMS);
    }
    read
}

fn parts(text: &str) -> Option<OriginConfig> {
    let (scheme, authority) = text.split_once("://")?;
    let (host, port) = split_port(authority);
    let (below, plain) = match host.strip_prefix("*.") {
        Some(plain) => (".", plain),
        None => ("", host),
    };
    let any_port = port == Some("*");
    let written = port.filter(|_| !any_port);
    let written = written.map_or(String::new(), |port| format!(":{port}"));
    let url = Url::parse(&format!("{scheme}://{plain}{written}")).ok()?;
    // Nothing but scheme, host and port: no path, no user, no star in another place.
    let whole = &url[..Position::BeforePath];
    let host = url
        .host_str()
        .filter(|host| !host.is_empty() && !host.contains('*'))?;
    let is_plain = url.path().is_empty() || url.path() == "/" && !text.ends_with('/');
    if !is_plain || whole.contains('@') || url.query().is_some() || url.fragment().is_some() {
        return None;
    }
    let port = match url.port() {
        _ if any_port => PortConfig::Any,
        Some(port) => PortConfig::This(port),
        None => PortConfig::Default,
    };
    Some(OriginConfig {
        scheme: url.scheme().to_owned(),
        host: format!("{below}{host}"),
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_write_it() {
        let of = |host: &str, port| {
            Some(OriginConfig {
                scheme: "https".into(),
                host: host.into(),
                port,
            })
        };
        for (text, read) in [
            (
                "https://Shop.example:443",
                of("shop.example", PortConfig::Default),
            ),
            (
                "https://*.shop.example:*",
                of(".shop.example", PortConfig::Any),
            ),
            (
                "https://shop.example:8443",
                of("shop.example", PortConfig::This(8443)),
            ),
            ("https://[::1]:*", of("[::1]", PortConfig::Any)),
            ("https://shop.example/", None),
            ("https://shop.example/x", None),
            ("https://me@shop.example", None),
            ("https://shop.*", None),
            ("https://*", None),
            ("shop.example", None),
            ("null", None),
        ] {
            assert_eq!(parts(text), read, "{text}");
        }
    }
}
