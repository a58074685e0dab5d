//! Our own random id for browsers that say nothing about who they are: it keeps them on one side, and nothing else.

use std::fmt::Write as _;

use http::header::{ACCEPT, CACHE_CONTROL, COOKIE, EXPIRES, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};

/// The cookie's name where the client speaks TLS: browsers let only this host set it.
const SECURE_NAME: &str = "__Host-banyan";
/// The cookie's name elsewhere.
const PLAIN_NAME: &str = "banyan";

/// A year, in seconds.
const MAX_AGE: u32 = 365 * 24 * 3600;

/// One cookie's value, if the request has it.
pub fn cookie<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = fields
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(';'));
    pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The visitor's id, if the request has one.
pub fn id(fields: &HeaderMap) -> Option<&str> {
    cookie(fields, SECURE_NAME)
        .or_else(|| cookie(fields, PLAIN_NAME))
        .filter(|id| !id.is_empty())
}

/// Takes our cookie out of what goes on to a backend.
pub fn withhold(fields: &mut HeaderMap) {
    let holds = |value: &HeaderValue| {
        value
            .as_bytes()
            .windows(PLAIN_NAME.len())
            .any(|w| w == PLAIN_NAME.as_bytes())
    };
    if !fields.get_all(COOKIE).iter().any(holds) {
        return;
    }
    let given: Vec<HeaderValue> = fields.get_all(COOKIE).iter().cloned().collect();
    fields.remove(COOKIE);
    for value in given {
        let Ok(text) = value.to_str() else {
            fields.append(COOKIE, value);
            continue;
        };
        let is_ours = |pair: &str| {
            let name = pair.trim().split('=').next().unwrap_or_default();
            name == SECURE_NAME || name == PLAIN_NAME
        };
        let kept: Vec<&str> = text
            .split(';')
            .filter(|pair| !is_ours(pair))
            .map(str::trim)
            .collect();
        if let Ok(kept) = HeaderValue::try_from(kept.join("; "))
            && !kept.is_empty()
        {
            fields.append(COOKIE, kept);
        }
    }
}

/// Whether a request loads a page: only then a cookie is given, so that a client without a cookie jar is not given one
/// each time.
pub fn loads_a_page(method: &Method, fields: &HeaderMap) -> bool {
    let html = |value: &HeaderValue| {
        value
            .to_str()
            .is_ok_and(|accept| accept.contains("text/html"))
    };
    *method == Method::GET && fields.get_all(ACCEPT).iter().any(html)
}

/// Gives a new id with an answer that no shared cache may store; an answer that says nothing about caches is made one.
pub fn give(answer: &mut HeaderMap, secure: bool) {
    if !answer.contains_key(CACHE_CONTROL) && !answer.contains_key(EXPIRES) {
        answer.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    let private = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            let mut directives = text
                .split(',')
                .map(|directive| directive.trim().to_ascii_lowercase());
            directives.any(|directive| matches!(directive.as_str(), "private" | "no-store"))
        })
    };
    if !answer.get_all(CACHE_CONTROL).iter().any(private) {
        return;
    }
    let (name, attribute) = if secure {
        (SECURE_NAME, "; Secure")
    } else {
        (PLAIN_NAME, "")
    };
    let mut text = String::with_capacity(128);
    let id = fastrand::u128(..);
    let _ = write!(
        text,
        "{name}={id:032x}; Path=/; Max-Age={MAX_AGE}; HttpOnly; SameSite=Lax{attribute}"
    );
    if let Ok(cookie) = HeaderValue::try_from(text) {
        answer.append(SET_COOKIE, cookie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn our_cookie_is_read_and_stays_here() {
        let mut given = fields(COOKIE, "a=1; banyan=abc; notbanyan=2");
        assert_eq!(id(&given), Some("abc"));
        assert_eq!(cookie(&given, "notbanyan"), Some("2"));
        withhold(&mut given);
        assert_eq!(given[COOKIE], "a=1; notbanyan=2");
        let mut only = fields(COOKIE, "__Host-banyan=abc");
        withhold(&mut only);
        assert!(only.is_empty());
    }

    #[test]
    fn an_id_is_given_only_where_no_shared_cache_keeps_it() {
        for (cache, given) in [
            ("private, max-age=5", true),
            ("no-store", true),
            ("public, max-age=60", false),
            ("max-age=60", false),
        ] {
            let mut answer = fields(CACHE_CONTROL, cache);
            give(&mut answer, false);
            assert_eq!(answer.contains_key(SET_COOKIE), given, "{cache}");
        }
        let mut silent = HeaderMap::new();
        give(&mut silent, true);
        assert_eq!(silent[CACHE_CONTROL], "private");
        let cookie = silent[SET_COOKIE].to_str().unwrap();
        assert!(
            cookie.starts_with("__Host-banyan=") && cookie.ends_with("; Secure"),
            "{cookie}"
        );
    }

    #[test]
    fn only_a_page_load_is_given_one() {
        let browser = fields(ACCEPT, "text/html,application/xhtml+xml");
        assert!(loads_a_page(&Method::GET, &browser));
        assert!(!loads_a_page(&Method::POST, &browser));
        assert!(!loads_a_page(&Method::GET, &fields(ACCEPT, "*/*")));
    }
}
