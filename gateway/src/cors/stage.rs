//! What an answer says to browsers about other origins, and the answer to a browser that asks beforehand.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use super::config::{CorsConfig, Listed, OriginConfig};

const ALL: HeaderValue = HeaderValue::from_static("*");

/// Only we say these on a route that has a policy.
const OURS: [HeaderName; 6] = [
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_HEADERS,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_MAX_AGE,
];

/// A route's policy, ready to be said.
#[derive(Debug)]
pub struct Cors {
    origins: Listed<OriginConfig>,
    methods: Said,
    headers: Said,
    exposed: Said,
    credentials: bool,
    max_age: HeaderValue,
}

#[derive(Debug)]
enum Said {
    Nothing,
    /// With credentials, `*` means nothing to browsers: what was asked for is said instead.
    All,
    These(HeaderValue),
}

/// The method that a browser asks about beforehand.
pub fn asked_about(method: &Method, fields: &HeaderMap) -> Option<Method> {
    if *method != Method::OPTIONS || !fields.contains_key(ORIGIN) {
        return None;
    }
    Method::from_bytes(fields.get(ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()
}

impl Cors {
    /// From the file.
    pub fn new(config: &CorsConfig) -> Self {
        Self {
            origins: config.origins.clone(),
            methods: said(&config.methods, Method::as_str),
            headers: said(&config.headers, HeaderName::as_str),
            exposed: said(&config.exposed, HeaderName::as_str),
            credentials: config.credentials,
            max_age: HeaderValue::from(config.max_age.as_secs()),
        }
    }

    /// The answer to a browser that asks beforehand. What every answer says, is still to be said in it.
    pub fn preflight<B: Default>(&self, asked: &HeaderMap) -> Response<B> {
        let mut answer = Response::new(B::default());
        *answer.status_mut() = StatusCode::NO_CONTENT;
        let fields = answer.headers_mut();
        if self.allows(asked.get(ORIGIN)).is_some() {
            for (name, said, wanted) in [
                (
                    ACCESS_CONTROL_ALLOW_METHODS,
                    &self.methods,
                    ACCESS_CONTROL_REQUEST_METHOD,
                ),
                (
                    ACCESS_CONTROL_ALLOW_HEADERS,
                    &self.headers,
                    ACCESS_CONTROL_REQUEST_HEADERS,
                ),
            ] {
                if let Some(value) = self.value(said, || joined(asked, &wanted)) {
                    fields.insert(name, value);
                }
            }
            fields.insert(ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        if self.credentials {
            for (said, name) in [
                (&self.methods, ACCESS_CONTROL_REQUEST_METHOD),
                (&self.headers, ACCESS_CONTROL_REQUEST_HEADERS),
            ] {
                if matches!(said, Said::All) {
                    fields.append(VARY, name.into());
                }
            }
        }
        answer
    }

    /// What every answer on the route says to a request from `origin`. An upstream's own word does not count.
    pub fn tell(&self, fields: &mut HeaderMap, origin: Option<&HeaderValue>, is_preflight: bool) {
        for name in &OURS {
            let is_kept = is_preflight
                && matches!(
                    *name,
                    ACCESS_CONTROL_ALLOW_METHODS
                        | ACCESS_CONTROL_ALLOW_HEADERS
                        | ACCESS_CONTROL_MAX_AGE
                );
            if !is_kept {
                fields.remove(name);
            }
        }
        if (self.credentials || !matches!(self.origins, Listed::All)) && !varies_by_origin(fields) {
            fields.append(VARY, ORIGIN.into());
        }
        let Some(allowed) = self.allows(origin) else {
            return;
        };
        fields.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        if self.credentials {
            let yes = HeaderValue::from_static("true");
            fields.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
        }
        if let Some(value) = self.value(&self.exposed, || None) {
            fields.insert(ACCESS_CONTROL_EXPOSE_HEADERS, value);
        }
    }

    /// What allows this origin, where anything does.
    fn allows(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        let origin = origin?;
        match &self.origins {
            Listed::All if self.credentials => Some(origin.clone()),
            Listed::All => Some(ALL),
            Listed::These(these) => {
                let text = origin.to_str().ok()?;
                let allowed = these.iter().any(|one| one.takes(text));
                allowed.then(|| origin.clone())
            }
        }
    }

    fn value(
        &self,
        said: &Said,
        wanted: impl FnOnce() -> Option<HeaderValue>,
    ) -> Option<HeaderValue> {
        match said {
            Said::Nothing => None,
            Said::All if self.credentials => wanted(),
            Said::All => Some(ALL),
            Said::These(these) => Some(these.clone()),
        }
    }
}

/// A field's values as one.
fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let all: Vec<&[u8]> = fields
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    HeaderValue::from_bytes(&all.join(&b", "[..]))
        .ok()
        .filter(|value| !value.is_empty())
}

fn said<T>(listed: &Listed<T>, name: impl Fn(&T) -> &str) -> Said {
    match listed {
        Listed::All => Said::All,
        Listed::These(these) => {
            let names: Vec<&str> = these.iter().map(name).collect();
            // Names of methods and fields are made of what a value may hold.
            match HeaderValue::try_from(names.join(", ")) {
                Ok(value) if !value.is_empty() => Said::These(value),
                _ => Said::Nothing,
            }
        }
    }
}

fn varies_by_origin(fields: &HeaderMap) -> bool {
    fields.get_all(VARY).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            let mut names = value.split(',').map(str::trim);
            names.any(|name| name == "*" || name.eq_ignore_ascii_case("origin"))
        })
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cors::config::PortConfig;

    fn shop() -> CorsConfig {
        CorsConfig {
            origins: Listed::These(vec![OriginConfig {
                scheme: "https".into(),
                host: "shop.example".into(),
                port: PortConfig::Default,
            }]),
            methods: Listed::These(vec![Method::GET, Method::PUT]),
            headers: Listed::These(vec![HeaderName::from_static("x-a")]),
            exposed: Listed::These(vec![HeaderName::from_static("x-b")]),
            credentials: true,
            max_age: Duration::from_mins(1),
        }
    }

    fn fields(all: &[(&'static str, &'static str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn told(
        config: &CorsConfig,
        before: &[(&'static str, &'static str)],
        origin: Option<&str>,
    ) -> HeaderMap {
        let mut fields = fields(before);
        let origin = origin.map(|origin| HeaderValue::try_from(origin).unwrap());
        Cors::new(config).tell(&mut fields, origin.as_ref(), false);
        fields
    }

    #[test]
    fn an_upstreams_own_word_is_replaced() {
        let before = [
            ("access-control-allow-origin", "*"),
            ("access-control-max-age", "9"),
            ("vary", "accept"),
        ];
        let allowed = [
            ("vary", "accept"),
            ("vary", "origin"),
            ("access-control-allow-origin", "https://shop.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-b"),
        ];
        assert_eq!(
            told(&shop(), &before, Some("https://shop.example")),
            fields(&allowed)
        );
        let denied = fields(&[("vary", "accept"), ("vary", "origin")]);
        assert_eq!(told(&shop(), &before, Some("https://evil.example")), denied);
        assert_eq!(told(&shop(), &before, None), denied);
        let varies = [("vary", "Accept, Origin")];
        assert_eq!(told(&shop(), &varies, None), fields(&varies));
    }

    #[test]
    fn a_star_is_said_as_such_only_without_credentials() {
        let open = CorsConfig {
            origins: Listed::All,
            methods: Listed::All,
            headers: Listed::All,
            exposed: Listed::All,
            credentials: false,
            ..shop()
        };
        let asked = fields(&[
            ("origin", "https://a"),
            ("access-control-request-method", "PUT"),
            ("access-control-request-headers", "x-1, x-2"),
        ]);
        let said = |config: &CorsConfig| {
            let answer: Response<()> = Cors::new(config).preflight(&asked);
            answer.headers().clone()
        };
        assert_eq!(
            said(&open),
            fields(&[
                ("access-control-allow-methods", "*"),
                ("access-control-allow-headers", "*"),
                ("access-control-max-age", "60"),
            ])
        );
        let with = CorsConfig {
            credentials: true,
            ..open.clone()
        };
        assert_eq!(
            said(&with),
            fields(&[
                ("access-control-allow-methods", "PUT"),
                ("access-control-allow-headers", "x-1, x-2"),
                ("access-control-max-age", "60"),
                ("vary", "access-control-request-method"),
                ("vary", "access-control-request-headers"),
            ])
        );
        let any = told(&open, &[], Some("https://a"));
        assert_eq!(
            any,
            fields(&[
                ("access-control-allow-origin", "*"),
                ("access-control-expose-headers", "*"),
            ])
        );
        let echoed = told(&with, &[], Some("https://a"));
        assert_eq!(echoed[ACCESS_CONTROL_ALLOW_ORIGIN], "https://a");
    }

    #[test]
    fn only_a_browser_that_asks_beforehand_asks_beforehand() {
        let asks = fields(&[
            ("origin", "https://a"),
            ("access-control-request-method", "PUT"),
        ]);
        assert_eq!(asked_about(&Method::OPTIONS, &asks), Some(Method::PUT));
        assert_eq!(asked_about(&Method::GET, &asks), None);
        let plain = fields(&[("origin", "https://a")]);
        assert_eq!(asked_about(&Method::OPTIONS, &plain), None);
        let nobody = fields(&[("access-control-request-method", "PUT")]);
        assert_eq!(asked_about(&Method::OPTIONS, &nobody), None);
    }
}
