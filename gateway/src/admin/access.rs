//! Who may use admin. Health is everybody's. The rest needs the token, or comes from this machine: a read
//! from a loopback peer by a Host that nobody can make lead elsewhere; a write from one whose Host and Origin are this
//! machine's too, so that no web page can make a browser send it.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chassis::problem::Problem;
use chassis::secret::ExposeSecret as _;
use http::header::{AUTHORIZATION, HOST, ORIGIN, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::AdminState;
use crate::listener::config::{AdminConfig, MetricsAccess};

pub(super) async fn check(
    State(state): State<Arc<AdminState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if may(
        &state.config,
        peer,
        request.method(),
        request.uri().path(),
        request.headers(),
    ) {
        next.run(request).await
    } else {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "admin_token_missing",
            "This needs the admin token",
        )
        .detail("send Authorization: Bearer with the token of [admin], or come from this machine")
        .field(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
        .into_response()
    }
}

fn may(
    config: &AdminConfig,
    peer: SocketAddr,
    method: &Method,
    path: &str,
    fields: &HeaderMap,
) -> bool {
    if has_token(config, fields) {
        return true;
    }
    let scrape = path == "/metrics";
    match (scrape, config.metrics) {
        (true, MetricsAccess::Open) => return true,
        (true, MetricsAccess::Token) => return config.token.is_none() && peer.ip().is_loopback(),
        (false, _) => {}
    }
    let local = peer.ip().to_canonical().is_loopback();
    // A page whose name was made to lead here is told nothing either.
    local && (is_local_page(fields) || (method.is_safe() && has_fixed_host(fields)))
}

fn has_token(config: &AdminConfig, fields: &HeaderMap) -> bool {
    let given = fields
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (&config.token, given) {
        (Some(token), Some(given)) => {
            verify_slices_are_equal(token.expose_secret().as_bytes(), given).is_ok()
        }
        _ => false,
    }
}

fn is_local_page(fields: &HeaderMap) -> bool {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let Some(host) = fields.get(HOST).map(text) else {
        return false;
    };
    let same_origin = fields
        .get(ORIGIN)
        .is_none_or(|origin| text(origin) == format!("http://{host}"));
    same_origin && is_loopback_name(&host)
}

/// An address leads where it says; a name leads wherever its owner wants it to.
fn has_fixed_host(fields: &HeaderMap) -> bool {
    let host = fields.get(HOST).and_then(|value| value.to_str().ok());
    host.is_some_and(|host| matches!(address(host), (_, Some(_)) | ("localhost", None)))
}

fn is_loopback_name(host: &str) -> bool {
    match address(host) {
        (_, Some(address)) => address.is_loopback(),
        (name, None) => name == "localhost",
    }
}

/// A Host without its port, and the address that it is, if it is one.
fn address(host: &str) -> (&str, Option<IpAddr>) {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let inside = name.trim_start_matches('[').trim_end_matches(']');
    (name, inside.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chassis::secret::SecretString;

    fn config(token: Option<&str>) -> AdminConfig {
        AdminConfig {
            bind: ([127, 0, 0, 1], 0).into(),
            token: token.map(SecretString::from),
            trusted: vec![],
            metrics: MetricsAccess::Open,
        }
    }

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    fn asks(
        config: &AdminConfig,
        peer: &str,
        method: &Method,
        path: &str,
        list: &[(&'static str, &'static str)],
    ) -> bool {
        may(config, peer.parse().unwrap(), method, path, &fields(list))
    }

    #[test]
    fn a_write_needs_the_token_or_this_machine() {
        let open = config(None);
        let local = "127.0.0.1:5000";
        for (list, allowed) in [
            (&[("host", "127.0.0.1:9900")][..], true),
            (&[("host", "localhost")], true),
            (&[("host", "[::1]:9900")], true),
            (
                &[
                    ("host", "127.0.0.1:9900"),
                    ("origin", "http://127.0.0.1:9900"),
                ],
                true,
            ),
            (
                &[
                    ("host", "127.0.0.1:9900"),
                    ("origin", "http://evil.example"),
                ],
                false,
            ),
            (&[("host", "127.0.0.1:9900"), ("origin", "null")], false),
            (&[("host", "evil.example:9900")], false),
            (&[], false),
        ] {
            assert_eq!(
                asks(&open, local, &Method::POST, "/reload", list),
                allowed,
                "{list:?}"
            );
        }
        assert!(!asks(
            &open,
            "10.0.0.1:5000",
            &Method::POST,
            "/reload",
            &[("host", "127.0.0.1")]
        ));
        let guarded = config(Some("secret"));
        assert!(asks(
            &guarded,
            "10.0.0.1:1",
            &Method::POST,
            "/reload",
            &[("authorization", "Bearer secret")]
        ));
        assert!(!asks(
            &guarded,
            "10.0.0.1:1",
            &Method::POST,
            "/reload",
            &[("authorization", "Bearer secre")]
        ));
    }

    #[test]
    fn reads_from_elsewhere_need_the_token_and_metrics_only_when_asked_to() {
        let mut guarded = config(Some("secret"));
        assert!(!asks(&guarded, "10.0.0.1:1", &Method::GET, "/routes", &[]));
        let local = [
            ("host", "127.0.0.1:9900"),
            ("origin", "http://elsewhere.example"),
        ];
        assert!(asks(
            &guarded,
            "127.0.0.1:1",
            &Method::GET,
            "/routes",
            &local
        ));
        let by_address = [("host", "10.0.0.7:9900")];
        assert!(asks(
            &guarded,
            "127.0.0.1:1",
            &Method::GET,
            "/audit",
            &by_address
        ));
        let rebound = [("host", "evil.example:9900")];
        assert!(!asks(
            &guarded,
            "127.0.0.1:1",
            &Method::GET,
            "/audit",
            &rebound
        ));
        assert!(asks(&guarded, "10.0.0.1:1", &Method::GET, "/metrics", &[]));
        guarded.metrics = MetricsAccess::Token;
        assert!(!asks(&guarded, "10.0.0.1:1", &Method::GET, "/metrics", &[]));
    }
}
