//! The first look at a request: is it one that may be read on?

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Scheme, Uri};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};

use super::Passage;
use super::http2;
use crate::forward::incoming::ClientBody;
use crate::listener::config::EdgeConfig;
use crate::rejection::{METHODS, Rejection};
use crate::route::host::Authority;

const BAD_HOST: &str = "the host is no host";

impl Passage<'_> {
    /// Whether the caller may speak here, and has not been here with this request before; then as [`admit`].
    pub(super) fn admit(&self, request: &mut Request<ClientBody>) -> Result<String, Rejection> {
        self.admit_caller()?;
        let listener = self.peer.listener;
        if self.view.via.of(listener).was_here(request.headers()) {
            return Err(Rejection::LoopDetected);
        }
        let wants_host = self.view.table(listener).asks_for_hosts();
        admit(request, &self.view.config.edge, wants_host)
    }
}

/// Checks methods, lengths and the host; an absolute target's host takes the place of the field's.
///
/// Gives the host in the form in which routes name hosts, where any route asks for it.
fn admit<B>(
    request: &mut Request<B>,
    edge: &EdgeConfig,
    wants_host: bool,
) -> Result<String, Rejection> {
    if request.version() == Version::HTTP_2 {
        http2::admit(request)?;
    }
    if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
        return Err(Rejection::MethodRefused);
    }
    let uri = request.uri();
    if uri.path().len() + uri.query().map_or(0, str::len) > edge.max_uri {
        return Err(Rejection::UriTooLong);
    }
    if is_head_too_large(request.headers(), edge) {
        return Err(Rejection::HeadTooLarge);
    }
    host(request, wants_host)
}

/// The one host that is meant; only HTTP/1.0 may do without.
fn host<B>(request: &mut Request<B>, wants_host: bool) -> Result<String, Rejection> {
    let given = request.headers().get_all(HOST).iter().count();
    if given > 1 {
        return Err(Rejection::BadRequest("there is more than one Host field"));
    }
    if given == 0 && request.version() == Version::HTTP_11 {
        return Err(Rejection::BadRequest("there is no Host field"));
    }
    take_from_target(request)?;
    let Some(host) = request.headers().get(HOST) else {
        return if request.version() == Version::HTTP_10 {
            Ok(String::new())
        } else {
            Err(Rejection::BadRequest("it is not said which host is meant"))
        };
    };
    let read = Authority::read(host.as_bytes()).ok_or(Rejection::BadRequest(BAD_HOST))?;
    Ok(if wants_host {
        read.matched().into_owned()
    } else {
        String::new()
    })
}

/// The host of an absolute target is the one that is meant, whatever the field says (RFC 9112, section 3.2.2).
fn take_from_target<B>(request: &mut Request<B>) -> Result<(), Rejection> {
    let uri = request.uri();
    if let Some(scheme) = uri.scheme()
        && *scheme != Scheme::HTTP
        && *scheme != Scheme::HTTPS
    {
        let reason = "the request target has another scheme than http and https";
        return Err(Rejection::BadRequest(reason));
    }
    if let Some(authority) = uri.authority() {
        let host = HeaderValue::try_from(authority.as_str())
            .map_err(|_| Rejection::BadRequest(BAD_HOST))?;
        request.headers_mut().insert(HOST, host);
    }
    Ok(())
}

fn is_head_too_large(fields: &HeaderMap, edge: &EdgeConfig) -> bool {
    // Each field also has a colon, a space and a line break.
    let bytes: usize = fields
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    fields.len() > edge.max_headers || bytes > edge.max_header_bytes
}

/// `OPTIONS *` asks what the server can do at all, which no route is about.
pub(super) fn options<B, R: From<Bytes>>(request: &Request<B>) -> Option<Response<R>> {
    if *request.method() != Method::OPTIONS || request.uri().path() != "*" {
        return None;
    }
    let mut answer = Response::new(R::from(Bytes::new()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(ALLOW, METHODS);
    Some(answer)
}

/// The request target's path and query. A bare authority has none, and `*` is none.
pub(super) fn target(uri: &Uri) -> Result<PathAndQuery, Rejection> {
    uri.path_and_query()
        .filter(|target| target.path() != "*")
        .cloned()
        .ok_or(Rejection::BadRequest("the request target has no path"))
}

/// A body that says it is too long is not read at all.
pub(super) fn admit_body(fields: &HeaderMap, max: u64) -> Result<(), Rejection> {
    let declared = fields
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > max) {
        Err(Rejection::BodyTooLarge(max))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, target: &str, version: Version, hosts: &[&str]) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method.parse().unwrap();
        *request.uri_mut() = target.parse().unwrap();
        *request.version_mut() = version;
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        request
    }

    /// The host for routes and the one that goes on, or why not.
    fn named(target: &str, version: Version, hosts: &[&str]) -> Result<(String, String), String> {
        let mut request = asked("GET", target, version, hosts);
        let matched = host(&mut request, true).map_err(|rejection| match rejection {
            Rejection::BadRequest(reason) => reason.to_owned(),
            other => format!("{other:?}"),
        })?;
        let sent = request.headers().get(HOST);
        let sent = sent.map(|host| host.to_str().unwrap().to_owned());
        Ok((matched, sent.unwrap_or_default()))
    }

    #[test]
    fn a_request_names_one_host_and_an_absolute_target_wins() {
        let (new, old) = (Version::HTTP_11, Version::HTTP_10);
        for (target, version, hosts, matched, sent) in [
            ("/", new, &["Shop:80"][..], "shop", "Shop:80"),
            ("http://a.example/x", new, &["b"], "a.example", "a.example"),
            (
                "https://A.example.:443/x",
                new,
                &["b"],
                "a.example",
                "A.example.:443",
            ),
            ("http://a/", old, &[], "a", "a"),
            ("/", old, &["a"], "a", "a"),
            ("/", old, &[], "", ""),
        ] {
            let wanted = Ok((matched.to_owned(), sent.to_owned()));
            assert_eq!(named(target, version, hosts), wanted, "{target} {hosts:?}");
        }
        for (target, version, hosts, reason) in [
            ("/", new, &[][..], "there is no Host field"),
            ("http://a/", new, &[], "there is no Host field"),
            ("/", new, &["a", "a"], "there is more than one Host field"),
            ("/", old, &["a", "b"], "there is more than one Host field"),
            (
                "http://a/",
                new,
                &["a", "b"],
                "there is more than one Host field",
            ),
            ("/", new, &[""], BAD_HOST),
            ("/", new, &["a@b"], BAD_HOST),
            ("http://user@a/", new, &["a"], BAD_HOST),
            (
                "ftp://a/",
                new,
                &["a"],
                "the request target has another scheme than http and https",
            ),
        ] {
            let wanted = Err(reason.to_owned());
            assert_eq!(named(target, version, hosts), wanted, "{target} {hosts:?}");
        }
    }

    #[test]
    fn the_server_itself_is_asked_with_a_star() {
        let answered = |method, target| {
            let request = asked(method, target, Version::HTTP_11, &["a"]);
            options::<_, Bytes>(&request)
        };
        let answer = answered("OPTIONS", "*").unwrap();
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.headers()[ALLOW], METHODS);
        assert!(answered("OPTIONS", "/").is_none());
        assert!(answered("GET", "*").is_none());
        assert!(target(&"*".parse().unwrap()).is_err());
        assert!(target(&"shop:80".parse().unwrap()).is_err());
    }
}
