//! What is checked of a request that came over HTTP/2, and made as everybody behind us expects it (RFC 9113, section 8).
//! The library has refused what breaks a rule of the protocol: fields of a connection, upper case, doubled pseudo-fields,
//! a content of another length than said.

use http::header::{COOKIE, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Request};

use crate::rejection::Rejection;

/// Admits it.
pub(super) fn admit<B>(request: &mut Request<B>) -> Result<(), Rejection> {
    if request.headers().values().any(is_padded) {
        return Err(Rejection::BadRequest("a field begins or ends with a space"));
    }
    if let Some(authority) = request.uri().authority() {
        let port = default_port(request.uri().scheme());
        let differs = |host| !is_same(authority, port, host);
        if request.headers().get_all(HOST).iter().any(differs) {
            return Err(Rejection::BadRequest("Host is not the authority"));
        }
    }
    join_cookies(request.headers_mut());
    Ok(())
}

/// Section 8.2.1.
fn is_padded(value: &HeaderValue) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_space(value.as_bytes().first()) || is_space(value.as_bytes().last())
}

fn default_port(scheme: Option<&Scheme>) -> &'static str {
    if scheme == Some(&Scheme::HTTPS) {
        ":443"
    } else {
        ":80"
    }
}

/// Section 8.3.1.
fn is_same(authority: &Authority, port: &str, host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else {
        return false;
    };
    let without_port = |text| str::strip_suffix(text, port).unwrap_or(text);
    without_port(authority.as_str()).eq_ignore_ascii_case(without_port(host))
}

/// Section 8.2.3: a cookie may come in crumbs, and is whole on every other hop.
fn join_cookies(fields: &mut HeaderMap) {
    let mut crumbs = fields.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (crumbs.next(), crumbs.next()) else {
        return;
    };
    let mut whole = first.as_bytes().to_vec();
    for crumb in std::iter::once(second).chain(crumbs) {
        whole.extend_from_slice(b"; ");
        whole.extend_from_slice(crumb.as_bytes());
    }
    // Of valid values and a separator that is one, too.
    if let Ok(mut whole) = HeaderValue::from_maybe_shared(bytes::Bytes::from(whole)) {
        whole.set_sensitive(true);
        fields.insert(COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(uri: &str, fields: &[(&'static str, &str)]) -> Option<Request<()>> {
        let mut request = Request::get(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        admit(&mut request).ok().map(|()| request)
    }

    #[test]
    fn the_host_is_the_authority() {
        for (uri, host, fits) in [
            ("http://a.example/", "a.example", true),
            ("http://a.example/", "A.EXAMPLE:80", true),
            ("https://a.example:443/", "a.example", true),
            ("https://a.example:80/", "a.example", false),
            ("http://a.example/", "b.example", false),
            ("http://a.example/", "a.example:81", false),
        ] {
            let admitted = admitted(uri, &[("host", host)]);
            assert_eq!(admitted.is_some(), fits, "{uri} {host}");
        }
    }

    #[test]
    fn a_value_has_no_space_around_it() {
        let admitted = |value| admitted("/", &[("x", value)]).is_some();
        assert!(admitted("a b"));
        assert!(admitted(""));
        assert!(!admitted(" a"));
        assert!(!admitted("a "));
        assert!(!admitted("\ta"));
    }

    #[test]
    fn crumbs_are_joined_in_their_order() {
        let fields = [("cookie", "a=1"), ("cookie", "b=2"), ("cookie", "c=3")];
        let request = admitted("/", &fields).unwrap();
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }
}
