//! `[edge]`, `[internal]` and `[admin]`: the listeners; and on which of them a route is found.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use chassis::secret::{ExposeSecret, SecretString};
use ipnet::IpNet;

use crate::config::report::{At, Diagnostic, Place, quoted};
use crate::config::secret;
use crate::config::table::Table;
use crate::config::value::Value;
use crate::listener::config::{AdminConfig, EdgeConfig, InternalConfig, Listener, MetricsAccess};

const EDGE: ([u8; 4], u16) = ([127, 0, 0, 1], 8080);
const INTERNAL: ([u8; 4], u16) = ([127, 0, 0, 1], 8081);
const ADMIN: ([u8; 4], u16) = ([127, 0, 0, 1], 9900);

const WORKERS: usize = 1024;

/// The HTTP library cannot do with a smaller buffer than 8 KiB; more than a mebibyte of fields is nobody's request.
const HEADER_BYTES: (usize, usize) = (8 * 1024, 1024 * 1024);

/// The longest target that the library can hold.
const URI: (usize, usize) = (64, 65_534);

const METRICS: [(&str, MetricsAccess); 2] = [
    ("open", MetricsAccess::Open),
    ("token", MetricsAccess::Token),
];

/// All listeners of a file.
pub(super) struct Listeners {
    pub(super) edge: EdgeConfig,
    pub(super) internal: Option<InternalConfig>,
    pub(super) admin: AdminConfig,
}

/// Reads all, since two listeners cannot share an address.
pub(super) fn read(root: &Table<'_>) -> Listeners {
    let (edge, edge_at) = edge(&root.table("edge"));
    let (internal, internal_at) = internal(&root.table("internal"));
    let internal = root.has("internal").then_some(internal);
    let (admin, admin_at) = admin(&root.table("admin"));
    let edge_bound = ("the edge", edge.bind, &edge_at);
    let internal_bound = internal
        .as_ref()
        .map(|internal| ("the internal listener", internal.bind, &internal_at));
    if let Some(internal) = internal_bound {
        apart(root, edge_bound, internal);
    }
    let admin_bound = ("admin", admin.bind, &admin_at);
    for other in std::iter::once(edge_bound).chain(internal_bound) {
        apart(root, other, admin_bound);
    }
    Listeners {
        edge,
        internal,
        admin,
    }
}

/// What a listener is called, its address, and where that stands.
type Bound<'p> = (&'static str, SocketAddr, &'p Place);

fn apart(root: &Table<'_>, first: Bound<'_>, second: Bound<'_>) {
    let (name, address, place) = first;
    let (_, bind, at) = second;
    if !collide(address, bind) {
        return;
    }
    let error = Diagnostic::error(at, format!("{bind} is {name}'s address too"));
    let error = error
        .help("give each listener an address of its own")
        .needs_all();
    let error = if place.span == at.span {
        error
    } else {
        error.also(place, name)
    };
    root.reading.report(error);
}

fn internal(table: &Table<'_>) -> (InternalConfig, Place) {
    let bind = bind(table, INTERNAL);
    let callers = table.get("trusted_callers");
    let callers = callers.and_then(|value| value.each(network));
    let config = InternalConfig {
        bind: bind.value,
        trusted_callers: callers.map_or_else(this_machine, |callers| {
            callers.into_iter().map(|caller| caller.value).collect()
        }),
    };
    (config, bind.place)
}

/// Loopback, of both families.
fn this_machine() -> Vec<IpNet> {
    vec![
        IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
        IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128),
    ]
}

const NAMES: [(&str, Listener); 2] = [("edge", Listener::Edge), ("internal", Listener::Internal)];

/// A route's `listeners`. One that the file does not have is a mistake.
pub(super) fn of_route(value: &Value<'_>, has_internal: bool) -> Option<BTreeSet<Listener>> {
    let read = value.each(|one| one.choice(&NAMES))?;
    if value.list().is_some_and(|list| list.is_empty()) {
        let help = "write [\"edge\"], or take the whole route out";
        value.wrong("is empty: no request would ever come", help);
    }
    let missing = read
        .iter()
        .find(|one| one.value == Listener::Internal && !has_internal);
    if let Some(at) = missing {
        let error = Diagnostic::error(&at.place, "there is no internal listener");
        let help = "add [internal] with bind = \"127.0.0.1:8081\", or take \"internal\" out";
        value.reading.report(error.help(help).needs_all());
    }
    (!read.is_empty()).then(|| read.into_iter().map(|one| one.value).collect())
}

fn edge(table: &Table<'_>) -> (EdgeConfig, Place) {
    let bind = bind(table, EDGE);
    let wait = |key, seconds| {
        let read = table.get(key).and_then(|value| value.wait());
        read.unwrap_or(Duration::from_secs(seconds))
    };
    let size = |key, (least, most), default| {
        let read = table.get(key);
        read.and_then(|value| value.size_within(least..=most))
            .unwrap_or(default)
    };
    let number = |key, least, most, default| {
        let read = table.get(key);
        read.and_then(|value| value.integer(least..=most))
            .unwrap_or(default)
    };
    let config = EdgeConfig {
        bind: bind.value,
        http2: table
            .get("http2")
            .and_then(|value| value.boolean())
            .unwrap_or(true),
        workers: number("workers", 0, WORKERS, 0),
        trusted_proxies: networks(table, "trusted_proxies"),
        via: table.get("via").and_then(|value| pseudonym(&value)),
        header_timeout: wait("header_timeout", 10),
        idle_timeout: wait("idle_timeout", 75),
        body_idle_timeout: wait("body_idle_timeout", 30),
        max_header_bytes: size("max_header_bytes", HEADER_BYTES, 32 * 1024),
        max_headers: number("max_headers", 1, 1000, 100),
        max_uri: size("max_uri", URI, 8 * 1024),
        max_connections: number("max_connections", 1, 10_000_000, 20_000),
        drain: table
            .get("drain")
            .and_then(|value| value.duration())
            .unwrap_or(Duration::from_secs(30)),
    };
    (config, bind.place)
}

/// A token of RFC 9110; letters, digits and a few signs are enough for a name.
fn pseudonym(value: &Value<'_>) -> Option<String> {
    let text = value.text()?;
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if (1..=64).contains(&text.len()) && text.bytes().all(fine) {
        return Some(text);
    }
    let help = "use 1 to 64 letters, digits, '-', '.' and '_', such as \"shop-edge\"";
    value.wrong(format!("{} is no name for a gateway", quoted(&text)), help);
    None
}

fn admin(table: &Table<'_>) -> (AdminConfig, Place) {
    let bind = bind(table, ADMIN);
    let token = secret::read(table, "token", "token_file");
    let metrics = table.get("metrics");
    let access = metrics
        .as_ref()
        .and_then(|value| value.choice(&METRICS))
        .unwrap_or_default();
    let has_token = table.has("token") || table.has("token_file");
    if let (Some(value), MetricsAccess::Token, false) = (&metrics, access, has_token) {
        let error = Diagnostic::error(&value.place, "asks for a token, but admin has none");
        let help = "set admin.token = \"${BANYAN_ADMIN_TOKEN}\", or metrics = \"open\"";
        table.reading.report(error.help(help).needs_all());
    }
    if !bind.value.ip().is_loopback() && !has_token {
        let said = format!(
            "{} can be reached from elsewhere, and admin has no token",
            bind.value
        );
        let error = Diagnostic::error(&bind.place, said).needs_all();
        table.reading.report(error.help(
            "set admin.token = \"${BANYAN_ADMIN_TOKEN}\" or admin.token_file, or bind to 127.0.0.1",
        ));
    }
    let token = token.filter(|token| is_a_field_value(table, token));
    let config = AdminConfig {
        bind: bind.value,
        token,
        trusted: networks(table, "trusted"),
        metrics: access,
    };
    (config, bind.place)
}

/// A token comes in `Authorization`; one that cannot stand there would lock everybody out.
fn is_a_field_value(table: &Table<'_>, token: &SecretString) -> bool {
    let fine = token
        .expose_secret()
        .bytes()
        .all(|byte| byte.is_ascii_graphic());
    if !fine {
        let error = Diagnostic::error(
            &table.place,
            "the token has characters that no field can carry",
        );
        table.reading.report(
            error.help("use visible ASCII, for example what `openssl rand -hex 32` prints"),
        );
    }
    fine
}

fn collide(edge: SocketAddr, admin: SocketAddr) -> bool {
    let everywhere = edge.ip().is_unspecified() || admin.ip().is_unspecified();
    edge.port() != 0 && edge.port() == admin.port() && (everywhere || edge.ip() == admin.ip())
}

fn bind(table: &Table<'_>, default: ([u8; 4], u16)) -> At<SocketAddr> {
    let default = SocketAddr::from(default);
    match table.get("bind") {
        Some(value) => value.at(address(&value).unwrap_or(default)),
        None => At {
            value: default,
            place: Place {
                path: format!("{}.bind", table.place.path),
                span: table.place.span.clone(),
            },
        },
    }
}

fn address(value: &Value<'_>) -> Option<SocketAddr> {
    let text = value.text()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let port = text.rsplit(':').next().unwrap_or_default();
    let help = match port.parse::<u16>() {
        Ok(port) if text.starts_with("localhost:") => {
            format!("names are not looked up here; write \"127.0.0.1:{port}\"")
        }
        Ok(port) => format!(
            "write \"127.0.0.1:{port}\" for this machine only, \"0.0.0.0:{port}\" for everybody"
        ),
        Err(_) => "write \"127.0.0.1:8080\", or \"[::1]:8080\" for IPv6".to_owned(),
    };
    value.wrong(format!("{} is no address with a port", quoted(&text)), help);
    None
}

fn networks(table: &Table<'_>, key: &'static str) -> Vec<IpNet> {
    let read = table.get(key).and_then(|value| value.each(network));
    read.unwrap_or_default()
        .into_iter()
        .map(|network| network.value)
        .collect()
}

/// `10.0.0.0/8`; a mere address is that one alone.
pub(super) fn network(value: &Value<'_>) -> Option<IpNet> {
    let text = value.text()?;
    match parse_network(&text) {
        Ok(network) => Some(network),
        Err(help) => {
            value.wrong(format!("{} is no network", quoted(&text)), help);
            None
        }
    }
}

/// The network, or what to write instead.
pub(super) fn parse_network(text: &str) -> Result<IpNet, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.addr() == network.network() => Ok(network),
        Ok(network) => Err(format!(
            "did you mean \"{}\", the whole network, or \"{}\", this address?",
            network.trunc(),
            network.addr()
        )),
        Err(_) => Err(
            "write an address and how many bits of it count: \"10.0.0.0/8\", \"::1/128\""
                .to_owned(),
        ),
    }
}
