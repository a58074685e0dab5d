//! Answers that ask nobody: a redirect, or always the same.

use std::fmt;

use bytes::Bytes;
use http::header::LOCATION;
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderValue, Response};

use super::compiled::Fixed;
use super::config::{OwnConfig, RedirectConfig};
use super::target::Paths;

/// What a route answers itself.
#[derive(Debug)]
pub struct Own {
    config: OwnConfig,
    /// The whole answer, where it is always the same.
    fixed: Option<Fixed>,
}

/// What a redirect needs to know of a request.
#[derive(Clone, Copy, Debug)]
pub struct Came<'a> {
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The Host field, with its port; old clients send none.
    pub host: Option<&'a HeaderValue>,
    /// The route's matched prefix.
    pub prefix: &'a str,
    /// The target as it was given.
    pub given: &'a PathAndQuery,
    /// Its normal path.
    pub path: &'a str,
}

impl fmt::Display for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl Own {
    /// As written.
    pub fn new(config: &OwnConfig) -> Self {
        Self {
            config: config.clone(),
            fixed: match config {
                OwnConfig::Redirect(_) => None,
                OwnConfig::Respond(respond) => Some(Fixed::new(respond)),
            },
        }
    }

    /// The answer to such a request.
    pub fn answer<B: From<Bytes>>(&self, came: &Came<'_>) -> Response<B> {
        if let Some(fixed) = &self.fixed {
            return fixed.answer();
        }
        let mut answer = Response::new(B::from(Bytes::new()));
        if let OwnConfig::Redirect(redirect) = &self.config {
            *answer.status_mut() = redirect.status;
            if let Ok(location) = HeaderValue::try_from(redirect.location(came)) {
                answer.headers_mut().insert(LOCATION, location);
            }
        }
        answer
    }
}

impl RedirectConfig {
    /// Where the client is sent. A scheme that is said has its own port unless one is said, too; otherwise the port
    /// stays the one that the client asked.
    fn location(&self, came: &Came<'_>) -> String {
        let paths = Paths {
            prefix: came.prefix,
            rewrite: &self.path,
            base: "",
        };
        let target = paths.target(came.given, came.path);
        let target = target.as_ref().unwrap_or(came.given).as_str();
        let asked = came.host.and_then(|host| host.to_str().ok());
        let (asked_host, asked_port) = asked.map_or(("", None), split);
        let host = self.host.as_deref().unwrap_or(asked_host);
        if host.is_empty() {
            return target.to_owned();
        }
        let scheme = self.scheme.as_ref().map_or(came.scheme, Scheme::as_str);
        let kept = asked_port.filter(|_| self.scheme.is_none());
        let own = if scheme == "https" { 443 } else { 80 };
        match self.port.or(kept).filter(|port| *port != own) {
            Some(port) => format!("{scheme}://{host}:{port}{target}"),
            None => format!("{scheme}://{host}{target}"),
        }
    }
}

/// A host and its port. The colons of an IPv6 address stand in brackets.
fn split(authority: &str) -> (&str, Option<u16>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::forward::config::PathRewrite;

    const PLAIN: RedirectConfig = RedirectConfig {
        path: PathRewrite::Keep,
        scheme: None,
        host: None,
        port: None,
        status: StatusCode::FOUND,
    };

    fn to(redirect: &RedirectConfig, host: &'static str, target: &'static str) -> String {
        let given = PathAndQuery::from_static(target);
        let host = HeaderValue::from_static(host);
        redirect.location(&Came {
            scheme: "http",
            host: Some(&host).filter(|host| !host.is_empty()),
            prefix: "/old",
            given: &given,
            path: given.path(),
        })
    }

    fn path(path: PathRewrite) -> RedirectConfig {
        RedirectConfig { path, ..PLAIN }
    }

    #[test]
    fn a_prefix_is_replaced_and_the_rest_and_the_query_stay() {
        let prefix = |new: &str| path(PathRewrite::Prefix(new.to_owned()));
        for (redirect, asked, expected) in [
            (prefix("/web"), "/old", "http://a/web"),
            (prefix("/web"), "/old/", "http://a/web/"),
            (prefix("/web"), "/old/x?y=1", "http://a/web/x?y=1"),
            (prefix(""), "/old", "http://a/"),
            (prefix(""), "/old/", "http://a/"),
            (prefix(""), "/old?y=1", "http://a/?y=1"),
            (prefix(""), "/old/x", "http://a/x"),
            (
                path(PathRewrite::Full("/x".to_owned())),
                "/old/y?z",
                "http://a/x?z",
            ),
        ] {
            assert_eq!(to(&redirect, "a", asked), expected, "{asked}");
        }
    }

    #[test]
    fn a_port_is_the_one_said_or_the_schemes_or_the_one_that_was_asked() {
        let https = Some(Scheme::HTTPS);
        for (scheme, port, asked, expected) in [
            (None, None, "a:8080", "http://a:8080/old"),
            (None, None, "a:80", "http://a/old"),
            (None, None, "[::1]:8080", "http://[::1]:8080/old"),
            (None, None, "[::1]", "http://[::1]/old"),
            (None, Some(80), "a:8080", "http://a/old"),
            (None, Some(81), "a", "http://a:81/old"),
            (https.clone(), None, "a:8080", "https://a/old"),
            (https.clone(), Some(443), "a:8080", "https://a/old"),
            (https, Some(8443), "a:8080", "https://a:8443/old"),
        ] {
            let redirect = RedirectConfig {
                scheme,
                port,
                ..PLAIN
            };
            assert_eq!(to(&redirect, asked, "/old"), expected, "{asked}");
        }
    }

    #[test]
    fn a_host_is_the_one_said_or_the_one_that_was_asked() {
        let host = Some("b".to_owned());
        let elsewhere = RedirectConfig { host, ..PLAIN };
        assert_eq!(to(&elsewhere, "a:8080", "/old"), "http://b:8080/old");
        assert_eq!(to(&elsewhere, "", "/old"), "http://b/old");
        let moved = path(PathRewrite::Full("/new".to_owned()));
        assert_eq!(to(&moved, "", "/old"), "/new");
    }
}
