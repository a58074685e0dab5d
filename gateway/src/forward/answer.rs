//! What an answer says about where it came from, said so that it is true outside: `Location` and cookies.

use http::header::{LOCATION, SET_COOKIE};
use http::uri::Uri;
use http::{HeaderMap, HeaderValue};

use super::target::Paths;

/// The two names of one resource.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// Path inside and outside.
    pub paths: Paths<'a>,
    /// The authorities by which the backend may know itself: its address, and the Host that it was sent.
    pub inside: [&'a HeaderValue; 2],
    /// `http` or `https`, as the client speaks.
    pub scheme: &'a str,
    /// The client's Host.
    pub outside: &'a HeaderValue,
}

impl Naming<'_> {
    /// Makes a backend's answer true outside.
    pub fn apply(&self, fields: &mut HeaderMap) {
        if let Some(location) = fields
            .get(LOCATION)
            .and_then(|value| self.location(value.to_str().ok()?))
        {
            fields.insert(LOCATION, location);
        }
        if fields.contains_key(SET_COOKIE) {
            self.cookies(fields);
        }
    }

    fn location(&self, given: &str) -> Option<HeaderValue> {
        if given.starts_with('/') && !given.starts_with("//") {
            return HeaderValue::try_from(self.paths.outward(given)?).ok();
        }
        let uri: Uri = given.parse().ok()?;
        let authority = uri.authority()?;
        // A fragment is no part of a Uri; what follows the authority is taken as it stands.
        let start = given.find(authority.as_str())? + authority.as_str().len();
        let rest = &given[start..];
        let mapped = self.paths.outward(rest);
        let outside = self.outside.to_str().ok()?;
        if authority.as_str().eq_ignore_ascii_case(outside) {
            let scheme = uri.scheme_str()?;
            return HeaderValue::try_from(format!("{scheme}://{outside}{}", mapped?)).ok();
        }
        if !self.is_inside(authority.as_str()) {
            return None;
        }
        let path = mapped.unwrap_or_else(|| rest.to_owned());
        HeaderValue::try_from(format!("{}://{outside}{path}", self.scheme)).ok()
    }

    fn is_inside(&self, authority: &str) -> bool {
        self.inside
            .iter()
            .any(|inside| inside.as_bytes().eq_ignore_ascii_case(authority.as_bytes()))
    }

    fn is_inside_host(&self, domain: &str) -> bool {
        let domain = domain.trim_start_matches('.');
        let host =
            |authority: &HeaderValue| {
                let text = authority.to_str().unwrap_or_default();
                let host = text.rsplit_once(':').map_or(text, |(host, port)| {
                    if port.ends_with(']') { text } else { host }
                });
                host.eq_ignore_ascii_case(domain)
            };
        self.inside.iter().any(|inside| host(inside)) && !host(self.outside)
    }

    fn cookies(&self, fields: &mut HeaderMap) {
        let given: Vec<HeaderValue> = fields.get_all(SET_COOKIE).iter().cloned().collect();
        if given.iter().all(|cookie| self.cookie(cookie).is_none()) {
            return;
        }
        fields.remove(SET_COOKIE);
        for cookie in given {
            let changed = self.cookie(&cookie);
            fields.append(SET_COOKIE, changed.unwrap_or(cookie));
        }
    }

    /// RFC 6265: a Domain that is the backend's own goes, so that the cookie is the edge's; Path is mapped.
    fn cookie(&self, given: &HeaderValue) -> Option<HeaderValue> {
        let text = given.to_str().ok()?;
        let mut changed = false;
        let mut kept: Vec<String> = Vec::new();
        for (index, part) in text.split(';').enumerate() {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let is = |attribute: &str| index > 0 && name.trim().eq_ignore_ascii_case(attribute);
            if is("domain") && self.is_inside_host(value.trim()) {
                changed = true;
            } else if is("path")
                && let Some(path) = self.paths.outward(value.trim())
            {
                changed = true;
                // A path without the last slash is also sent to what it names itself.
                let path = if path.len() > 1 {
                    path.trim_end_matches('/')
                } else {
                    path.as_str()
                };
                kept.push(format!("{name}={path}"));
            } else {
                kept.push(part.to_owned());
            }
        }
        changed.then(|| HeaderValue::try_from(kept.join(";")).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::config::PathRewrite;

    const BACKEND: HeaderValue = HeaderValue::from_static("10.0.0.5:7001");
    const EDGE: HeaderValue = HeaderValue::from_static("shop.example");

    fn outside(rewrite: &PathRewrite, name: http::HeaderName, value: &str) -> String {
        let (backend, edge) = (BACKEND, EDGE);
        let naming = Naming {
            paths: Paths {
                prefix: "/api/users",
                rewrite,
                base: "",
            },
            inside: [&backend, &edge],
            scheme: "https",
            outside: &edge,
        };
        let mut fields = HeaderMap::new();
        fields.insert(&name, value.parse().unwrap());
        naming.apply(&mut fields);
        fields[name].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_location_inside_becomes_one_outside() {
        let rewrite = PathRewrite::Prefix("/users".into());
        for (inside, expected) in [
            ("/users/7?x=1#top", "/api/users/7?x=1#top"),
            ("/login", "/login"),
            (
                "http://10.0.0.5:7001/users/7#top",
                "https://shop.example/api/users/7#top",
            ),
            ("http://10.0.0.5:7001/login", "https://shop.example/login"),
            ("http://10.0.0.5:7001", "https://shop.example"),
            (
                "http://shop.example/users/7",
                "http://shop.example/api/users/7",
            ),
            (
                "https://elsewhere.example/users/7",
                "https://elsewhere.example/users/7",
            ),
            ("//cdn.example/users/7", "//cdn.example/users/7"),
            ("next", "next"),
        ] {
            assert_eq!(outside(&rewrite, LOCATION, inside), expected, "{inside}");
        }
    }

    #[test]
    fn without_a_rewrite_only_the_backends_own_name_is_replaced() {
        for (inside, expected) in [
            ("/users/7", "/users/7"),
            (
                "http://10.0.0.5:7001/users/7",
                "https://shop.example/users/7",
            ),
            ("http://shop.example/x", "http://shop.example/x"),
        ] {
            assert_eq!(
                outside(&PathRewrite::Keep, LOCATION, inside),
                expected,
                "{inside}"
            );
        }
    }

    #[test]
    fn a_cookie_of_the_backend_becomes_one_of_the_edge() {
        let rewrite = PathRewrite::Prefix(String::new());
        for (inside, expected) in [
            ("a=b; Path=/; HttpOnly", "a=b; Path=/api/users; HttpOnly"),
            ("a=b; Domain=10.0.0.5; Secure", "a=b; Secure"),
            ("a=b; domain=.shop.example", "a=b; domain=.shop.example"),
            ("path=x; Path=/deep", "path=x; Path=/api/users/deep"),
            ("a=b", "a=b"),
        ] {
            assert_eq!(outside(&rewrite, SET_COOKIE, inside), expected, "{inside}");
        }
        assert_eq!(
            outside(&PathRewrite::Keep, SET_COOKIE, "a=b; Path=/x"),
            "a=b; Path=/x"
        );
    }
}
