//! The first look at a request: is it one that may be read on?

use http::header::{CONTENT_LENGTH, HOST};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use hyper::body::Incoming;

use super::Passage;
use crate::listener::config::EdgeConfig;
use crate::rejection::Rejection;

const BAD_HOST: &str = "the host is no host";

impl Passage<'_> {
    /// Whether the caller may speak here, and has not been here with this request before; then as [`admit`].
    pub(super) fn admit(&self, request: &mut Request<Incoming>) -> Result<String, Rejection> {
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
fn admit(
    request: &mut Request<Incoming>,
    edge: &EdgeConfig,
    wants_host: bool,
) -> Result<String, Rejection> {
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
    if let Some(authority) = request.uri().authority() {
        let host = HeaderValue::try_from(authority.as_str())
            .map_err(|_| Rejection::BadRequest(BAD_HOST))?;
        request.headers_mut().insert(HOST, host);
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) if !is_authority(host) => Err(Rejection::BadRequest(BAD_HOST)),
        (Some(host), None) if wants_host => normal_host(host),
        (Some(_), None) => Ok(String::new()),
        (None, _) if request.version() == Version::HTTP_10 => Ok(String::new()),
        (None, _) => Err(Rejection::BadRequest("there is no Host field")),
        (Some(_), Some(_)) => Err(Rejection::BadRequest("there is more than one Host field")),
    }
}

fn is_head_too_large(fields: &HeaderMap, edge: &EdgeConfig) -> bool {
    // Each field also has a colon, a space and a line break.
    let bytes: usize = fields
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    fields.len() > edge.max_headers || bytes > edge.max_header_bytes
}

/// A name or an address, perhaps with a port; never a user, a path or a space.
fn is_authority(host: &HeaderValue) -> bool {
    host.as_bytes()
        .iter()
        .all(|byte| byte.is_ascii_graphic() && !b"/\\@?#<>\"".contains(byte))
}

/// Lower case, without port and trailing dot.
fn normal_host(host: &HeaderValue) -> Result<String, Rejection> {
    let text = host.to_str().map_err(|_| Rejection::BadRequest(BAD_HOST))?;
    let name = match text.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => text,
    };
    Ok(name.trim_end_matches('.').to_ascii_lowercase())
}

/// The request target's path and query. `*` and a bare authority have none.
pub(super) fn target(uri: &Uri) -> Result<PathAndQuery, Rejection> {
    uri.path_and_query()
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
