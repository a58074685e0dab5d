//! What settings are written as: addresses, waits, pairs.

use std::str::FromStr;
use std::time::Duration;

use chassis::telemetry::lines::Target;
use http::{HeaderName, StatusCode};
use jiff::SignedDuration;
use url::Url;

use crate::shop::Place;

/// `http://host:port/path`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(pub Place);

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let example = "write http://host:port, with a path if need be";
        let url = Url::parse(text).map_err(|error| format!("{error}; {example}"))?;
        let plain = url.scheme() == "http"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        let host = url.host_str().filter(|_| plain).ok_or(example)?;
        Ok(Self(Place {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port_or_known_default().unwrap_or(80),
            base_path: url.path().trim_end_matches('/').to_owned(),
        }))
    }
}

/// `10s`, `1m 30s`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read: Result<SignedDuration, _> = text.parse();
        let wait = read.ok().and_then(|wait| Duration::try_from(wait).ok());
        wait.map(Self)
            .ok_or_else(|| "write a number and a unit, such as 10s".to_owned())
    }
}

/// `stdout`, `off` or a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessLog(pub Target);

impl FromStr for AccessLog {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stdout" => Ok(Self(Target::Stdout)),
            "off" => Ok(Self(Target::Off)),
            path if path.contains(['/', '.']) => Ok(Self(Target::File(path.into()))),
            _ => Err("write stdout, off, or a path with a / or a . in it".to_owned()),
        }
    }
}

/// `name=value`; names make no difference between capitals and others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair<T> {
    /// The name, in lower case.
    pub name: String,
    /// The value.
    pub value: T,
}

impl<T: FromStr<Err: std::fmt::Display>> FromStr for Pair<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write name=value")?;
        if name.trim().is_empty() {
            return Err("write name=value".to_owned());
        }
        Ok(Self {
            name: name.trim().to_ascii_lowercase(),
            value: value
                .trim()
                .parse()
                .map_err(|error: T::Err| error.to_string())?,
        })
    }
}

pub(super) fn refusal(text: &str) -> Result<StatusCode, String> {
    let status = text.parse().ok().filter(StatusCode::is_client_error);
    status.ok_or_else(|| "write a status from 400 to 499".to_owned())
}

/// Any other field could be a client's own word.
pub(super) fn tenant_field(text: &str) -> Result<HeaderName, String> {
    let name: Option<HeaderName> = text.parse().ok();
    name.filter(|name| name.as_str().starts_with("x-user-"))
        .ok_or_else(|| "write a field that the edge takes from clients: x-user-…".to_owned())
}
