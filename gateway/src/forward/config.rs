//! Where to, as written: `[upstream.NAME]`, how a path or host changes on the way, and what happens when nobody answers.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::uri::Scheme;
use http::{HeaderValue, Method, StatusCode};
use upstream::balance::Balance;
use upstream::error::Kind;
use upstream::health::Statuses;
use upstream::{breaker, bulkhead, ejection, health, retry};

/// Who is asked what the names of endpoints stand for: `[dns]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// None: those that the system asks.
    pub servers: Vec<SocketAddr>,
}

/// A group of endpoints that answer alike.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamConfig {
    /// The table's name.
    pub name: String,
    /// Where they are; at least one. Of an `endpoints_file`, what it held when the routes file was read.
    pub endpoints: Vec<EndpointConfig>,
    /// The watched file that lists them instead.
    pub endpoints_file: Option<PathBuf>,
    /// Which of them gets the next request.
    pub balance: Balance,
    /// A new or recovered endpoint grows into its share over so long; zero is at once.
    pub slow_start: Duration,
    /// Which Host they see.
    pub host: HostPolicy,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// Kept connections per worker and endpoint.
    pub pool_idle: usize,
    /// A connection unused for this long is closed.
    pub pool_idle_timeout: Duration,
    /// How its endpoints are asked whether they are well; nobody asks unless it is written.
    pub health: Option<health::Settings>,
    /// When an endpoint that fails is left out.
    pub ejection: ejection::Settings,
    /// When an upstream that mostly fails is left alone; never unless it is written.
    pub breaker: Option<breaker::Settings>,
    /// How many requests it may have at once; any number unless it is written.
    pub bulkhead: Option<bulkhead::Settings>,
    /// Which failed tries are made again.
    pub retry: retry::Settings,
}

/// `http://host:port/base`, or `srv+http://_service._tcp.name/base`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointConfig {
    /// How the host becomes addresses.
    pub lookup: Lookup,
    /// A name or an address; an IPv6 address without brackets.
    pub host: String,
    /// 80 when the file names none; 0 with SRV records, which bring their own.
    pub port: u16,
    /// Put before every path; empty or `/base` without a slash at its end.
    pub base_path: String,
    /// Its share beside the others': 1 to 1000.
    pub weight: u32,
}

/// As the file names it, whatever its weight.
impl fmt::Display for EndpointConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lookup,
            host,
            port,
            base_path,
            weight: _,
        } = self;
        match lookup {
            Lookup::Srv => write!(f, "srv+http://{host}{base_path}"),
            Lookup::Address if host.contains(':') => {
                write!(f, "http://[{host}]:{port}{base_path}")
            }
            Lookup::Address => write!(f, "http://{host}:{port}{base_path}"),
        }
    }
}

/// How an endpoint's host becomes addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookup {
    /// `http`: it is one, or A and AAAA records name them.
    #[default]
    Address,
    /// `srv+http`: SRV records name hosts, ports and weights.
    Srv,
}

/// Which Host an upstream sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostPolicy {
    /// The client's.
    #[default]
    Preserve,
    /// The endpoint's.
    Endpoint,
    /// This one.
    Name(HeaderValue),
}

/// An upstream, and what changes on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendConfig {
    /// The name of an `[upstream.NAME]`.
    pub upstream: String,
    /// What the path becomes.
    pub path: PathRewrite,
    /// What the host becomes; wins over the upstream's own policy.
    pub host: Option<HeaderValue>,
}

/// What a request's path becomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PathRewrite {
    /// It stays.
    #[default]
    Keep,
    /// The route's matched prefix becomes this; empty takes it away (`strip_prefix`). No slash at its end.
    Prefix(String),
    /// The whole path becomes this.
    Full(String),
}

/// What becomes of fields with `_` in their name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnderscoreFields {
    /// They are removed: many backends read `x_user_id` as `x-user-id`.
    #[default]
    Drop,
    /// They stay.
    Keep,
}

/// Keys of a `retry` table; what it does not say, the one below it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RetryConfig {
    /// Tries in all.
    pub attempts: Option<u32>,
    /// How long a try may take after which another may follow.
    pub per_try_timeout: Option<Duration>,
    /// What the first wait is drawn below.
    pub backoff: Option<Duration>,
    /// It grows to no more.
    pub backoff_max: Option<Duration>,
    /// Retries, as a share of requests.
    pub budget: Option<f64>,
    /// After what.
    pub on: Option<retry::On>,
    /// What may be repeated although it was sent.
    pub methods: Option<Vec<Method>>,
}

impl RetryConfig {
    /// What holds where `base` does without these keys.
    pub fn over(&self, base: &retry::Settings) -> retry::Settings {
        retry::Settings {
            attempts: self.attempts.unwrap_or(base.attempts),
            per_try_timeout: self.per_try_timeout.or(base.per_try_timeout),
            backoff: self.backoff.unwrap_or(base.backoff),
            backoff_max: self.backoff_max.unwrap_or(base.backoff_max),
            budget: self.budget.unwrap_or(base.budget),
            on: self.on.unwrap_or(base.on),
            methods: self.methods.as_ref().unwrap_or(&base.methods).clone(),
        }
    }
}

/// Who answers when the backend does not: `[route.NAME.fallback]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FallbackConfig {
    /// Who.
    pub answer: FallbackAnswer,
    /// After what.
    pub on: FallbackOn,
    /// For which methods.
    pub methods: Vec<Method>,
}

/// What a fallback answers with.
#[derive(Clone, Debug, PartialEq)]
pub enum FallbackAnswer {
    /// Another upstream is asked.
    Upstream(BackendConfig),
    /// Always the same.
    Respond(RespondConfig),
}

/// An answer of the file's own: `respond = { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RespondConfig {
    /// From 200 on.
    pub status: StatusCode,
    /// Possibly empty.
    pub body: String,
    /// What the body is.
    pub content_type: HeaderValue,
}

/// The client is sent elsewhere: `redirect = { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectConfig {
    /// What the path becomes.
    pub path: PathRewrite,
    /// What the scheme becomes, where it changes.
    pub scheme: Option<Scheme>,
    /// What the host becomes, where it changes; without a port.
    pub host: Option<String>,
    /// What the port becomes, where it is said.
    pub port: Option<u16>,
    /// 301, 302, 303, 307 or 308.
    pub status: StatusCode,
}

/// What a route answers that asks nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnConfig {
    /// Go there instead.
    Redirect(RedirectConfig),
    /// Always the same.
    Respond(RespondConfig),
}

/// What it is, for people; a body may be long, and is left out.
impl fmt::Display for OwnConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let redirect = match self {
            Self::Redirect(redirect) => redirect,
            Self::Respond(respond) => return write!(f, "respond {}", respond.status.as_u16()),
        };
        write!(f, "redirect {}", redirect.status.as_u16())?;
        if let Some(scheme) = &redirect.scheme {
            write!(f, " by {scheme}")?;
        }
        if let Some(host) = &redirect.host {
            write!(f, " to {host}")?;
        }
        if let Some(port) = redirect.port {
            write!(f, " port {port}")?;
        }
        match &redirect.path {
            PathRewrite::Keep => Ok(()),
            PathRewrite::Prefix(prefix) if prefix.is_empty() => f.write_str(" without its prefix"),
            PathRewrite::Prefix(prefix) => write!(f, " at {prefix}"),
            PathRewrite::Full(path) => write!(f, " at exactly {path}"),
        }
    }
}

/// After what a fallback answers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set, as the file names it")]
pub struct FallbackOn {
    /// `connect`: no endpoint could be reached, or none began with the request.
    pub connect: bool,
    /// `reset`: the connection ended before an answer, or what came was none.
    pub reset: bool,
    /// `timeout`: no answer before the route's timeout.
    pub timeout: bool,
    /// `breaker`: it is open.
    pub breaker: bool,
    /// `bulkhead`: it is full.
    pub bulkhead: bool,
    /// `"503"`, `"5xx"`: the backend answered so.
    pub statuses: Vec<Statuses>,
}

impl Default for FallbackOn {
    fn default() -> Self {
        Self {
            connect: true,
            reset: true,
            timeout: true,
            breaker: true,
            bulkhead: true,
            statuses: [
                StatusCode::BAD_GATEWAY,
                StatusCode::SERVICE_UNAVAILABLE,
                StatusCode::GATEWAY_TIMEOUT,
            ]
            .map(Statuses::One)
            .to_vec(),
        }
    }
}

impl FallbackOn {
    /// Whether the fallback answers when there was no answer.
    pub fn failed(&self, kind: Kind) -> bool {
        match kind {
            Kind::NoEndpoint | Kind::Connect | Kind::ConnectTimeout | Kind::Refused => self.connect,
            Kind::ResetBeforeHead | Kind::Malformed => self.reset,
            Kind::Timeout => self.timeout,
            Kind::BreakerOpen => self.breaker,
            Kind::BulkheadFull => self.bulkhead,
            // The client's own doing: nobody else could answer.
            Kind::RequestBody => false,
        }
    }

    /// Whether the fallback answers instead of this answer.
    pub fn answered(&self, status: StatusCode) -> bool {
        self.statuses
            .iter()
            .any(|statuses| statuses.contain(status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_says_of_retries_what_it_says_and_the_upstream_the_rest() {
        let base = retry::Settings {
            per_try_timeout: Some(Duration::from_secs(1)),
            budget: 0.1,
            ..retry::Settings::default()
        };
        assert_eq!(RetryConfig::default().over(&base), base);
        let own = RetryConfig {
            attempts: Some(4),
            methods: Some(vec![Method::PUT]),
            ..RetryConfig::default()
        };
        let expected = retry::Settings {
            attempts: 4,
            methods: vec![Method::PUT],
            ..base.clone()
        };
        assert_eq!(own.over(&base), expected);
    }

    #[test]
    fn a_fallback_answers_for_a_backend_that_does_not() {
        let on = FallbackOn::default();
        for kind in [
            Kind::NoEndpoint,
            Kind::Connect,
            Kind::ConnectTimeout,
            Kind::Refused,
            Kind::ResetBeforeHead,
            Kind::Malformed,
            Kind::Timeout,
            Kind::BreakerOpen,
            Kind::BulkheadFull,
        ] {
            assert!(on.failed(kind), "{kind:?}");
        }
        assert!(!on.failed(Kind::RequestBody));
        let answered: Vec<u16> = [200, 404, 500, 501, 502, 503, 504]
            .into_iter()
            .filter(|code| on.answered(StatusCode::from_u16(*code).unwrap()))
            .collect();
        assert_eq!(answered, [502, 503, 504]);
    }
}
