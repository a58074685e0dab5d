//! Which fields of a request or an answer stay on this hop, and which a stranger may not bring.

use chassis::trace::TRACEPARENT;
use http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, HOST, TE, VIA};
use http::{HeaderMap, HeaderName, HeaderValue};
use smallvec::SmallVec;

use crate::forward::config::UnderscoreFields;

type Names = SmallVec<[HeaderName; 8]>;

/// Who sent the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A peer in `trusted_proxies`: its forwarding fields stay.
    TrustedProxy,
    /// A peer in `trusted_callers`: what it hands on is read before it is taken away.
    TrustedCaller,
    /// Anybody else.
    Stranger,
}

/// Takes from a request what does not go on, and says how many fields were taken because of an underscore.
pub fn clean_request(
    fields: &mut HeaderMap,
    sender: Sender,
    underscore: UnderscoreFields,
) -> usize {
    let named = named_by_connection(fields);
    let wants_trailers = wants_trailers(fields);
    let mut underscored = 0;
    let mut gone = Names::new();
    for name in fields.keys() {
        let text = name.as_str();
        let has_underscore = text.as_bytes().contains(&b'_');
        if has_underscore && underscore == UnderscoreFields::Drop {
            underscored += 1;
            gone.push(name.clone());
        } else if is_hop_by_hop(text)
            || is_ours(text, has_underscore)
            || sender != Sender::TrustedProxy && is_forwarding(text, has_underscore)
        {
            gone.push(name.clone());
        }
    }
    remove(fields, &gone, &named);
    if wants_trailers {
        fields.insert(TE, HeaderValue::from_static("trailers"));
    }
    underscored
}

/// Takes from a request's trailers what may not stand there: what is not a head's either, and what changes the message
/// or says who sent it (RFC 9110, section 6.5.1).
pub fn clean_trailers(trailers: &mut HeaderMap) {
    clean_request(trailers, Sender::Stranger, UnderscoreFields::Drop);
    remove(
        trailers,
        &[AUTHORIZATION, CONTENT_LENGTH, COOKIE, HOST, TE],
        &[],
    );
}

/// Takes from an answer what concerned only the hop behind us.
pub fn clean_answer(fields: &mut HeaderMap) {
    let named = named_by_connection(fields);
    let gone: Names = fields
        .keys()
        .filter(|name| is_hop_by_hop(name.as_str()) || is_answer_of_ours(name.as_str()))
        .cloned()
        .collect();
    remove(fields, &gone, &named);
}

fn remove(fields: &mut HeaderMap, gone: &[HeaderName], named: &[HeaderName]) {
    for name in gone.iter().chain(named) {
        fields.remove(name);
    }
}

/// RFC 9110, section 7.6.1, and what older software adds to it. `Expect` is answered by this hop.
fn is_hop_by_hop(name: &str) -> bool {
    match name.as_bytes()[0] {
        b'c' => name == "connection",
        b'e' => name == "expect",
        b'h' => name == "http2-settings",
        b'k' => name == "keep-alive",
        b'p' => matches!(
            name,
            "proxy-connection" | "proxy-authenticate" | "proxy-authorization"
        ),
        b't' => matches!(name, "te" | "transfer-encoding"),
        b'u' => name == "upgrade",
        _ => false,
    }
}

/// What only this gateway says, whoever claims to have said it.
fn is_ours(name: &str, has_underscore: bool) -> bool {
    let ours = |name: &str| {
        name.strip_prefix("x-").is_some_and(|rest| {
            rest.starts_with("user-")
                || rest.starts_with("banyan-")
                || matches!(
                    rest,
                    "served-by" | "route-reason" | "shadow" | "request-deadline-ms"
                )
        })
    };
    if has_underscore {
        ours(&name.replace('_', "-"))
    } else {
        ours(name)
    }
}

fn is_forwarding(name: &str, has_underscore: bool) -> bool {
    let forwarding = |name: &str| {
        name == "forwarded"
            || name.strip_prefix("x-").is_some_and(|rest| {
                rest.starts_with("forwarded-") || matches!(rest, "real-ip" | "request-id")
            })
    };
    if has_underscore {
        forwarding(&name.replace('_', "-"))
    } else {
        forwarding(name)
    }
}

/// A backend cannot say for us who answered, nor why, nor where routes lead.
fn is_answer_of_ours(name: &str) -> bool {
    name.as_bytes()[0] == b'x'
        && (name.starts_with("x-banyan-") || matches!(name, "x-served-by" | "x-route-reason"))
}

/// The fields that `Connection` names, but for those without which the message would be another one, or would come from
/// somewhere else: a proxy in front may have passed on a stranger's `Connection`.
fn named_by_connection(fields: &HeaderMap) -> Names {
    let mut named = Names::new();
    for value in fields.get_all(CONNECTION) {
        for token in value.as_bytes().split(|byte| *byte == b',') {
            let name = HeaderName::from_bytes(token.trim_ascii());
            named.extend(name.ok().filter(|name| {
                let stays = [HOST, CONTENT_LENGTH, TRACEPARENT, VIA].contains(name);
                !stays && !is_forwarding(name.as_str(), false)
            }));
        }
    }
    named
}

fn wants_trailers(fields: &HeaderMap) -> bool {
    let mut tokens = fields
        .get_all(TE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.any(|token| token.trim_ascii().eq_ignore_ascii_case(b"trailers"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    fn names(fields: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = fields.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn hop_by_hop_fields_and_those_that_connection_names_end_here() {
        let mut given = fields(&[
            ("host", "shop"),
            ("connection", "close, X-Secret , host, content-length"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "x"),
            ("te", "gzip, trailers"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("x-secret", "1"),
            ("content-length", "3"),
            ("accept", "*/*"),
        ]);
        clean_request(&mut given, Sender::Stranger, UnderscoreFields::Drop);
        assert_eq!(names(&given), ["accept", "content-length", "host", "te"]);
        assert_eq!(given[TE], "trailers");
    }

    #[test]
    fn identity_is_taken_from_everybody_in_every_spelling() {
        let list = [
            ("x-user-id", "1"),
            ("x-user-anything", "1"),
            ("x-served-by", "1"),
            ("x-route-reason", "1"),
            ("x-shadow", "1"),
            ("x-banyan-sticky", "1"),
            ("x_user_id", "1"),
            ("x-user_groups", "1"),
            ("x-request-deadline-ms", "1"),
            ("x-username", "stays"),
            ("my_field", "stays when asked to"),
        ];
        for sender in [
            Sender::Stranger,
            Sender::TrustedProxy,
            Sender::TrustedCaller,
        ] {
            let mut given = fields(&list);
            assert_eq!(clean_request(&mut given, sender, UnderscoreFields::Drop), 3);
            assert_eq!(names(&given), ["x-username"]);
            let mut given = fields(&list);
            assert_eq!(clean_request(&mut given, sender, UnderscoreFields::Keep), 0);
            assert_eq!(names(&given), ["my_field", "x-username"]);
        }
    }

    #[test]
    fn forwarding_fields_stay_only_when_a_trusted_proxy_sent_them() {
        let list = [
            ("x-forwarded-for", "1"),
            ("x-forwarded-proto", "1"),
            ("forwarded", "1"),
            ("x-real-ip", "1"),
            ("x-request-id", "1"),
        ];
        for sender in [Sender::Stranger, Sender::TrustedCaller] {
            let mut given = fields(&list);
            clean_request(&mut given, sender, UnderscoreFields::Drop);
            assert_eq!(given.len(), 0);
        }
        let mut given = fields(&list);
        clean_request(&mut given, Sender::TrustedProxy, UnderscoreFields::Drop);
        assert_eq!(given.len(), 5);
    }

    #[test]
    fn connection_hides_neither_where_a_request_was_nor_what_trace_it_is_of() {
        let list = [
            (
                "connection",
                "close, via, traceparent, X-Forwarded-For, forwarded, x-mine",
            ),
            ("via", "1.1 a"),
            ("traceparent", "1"),
            ("x-forwarded-for", "1"),
            ("forwarded", "for=1"),
            ("x-mine", "1"),
        ];
        let mut given = fields(&list);
        clean_request(&mut given, Sender::TrustedProxy, UnderscoreFields::Drop);
        assert_eq!(
            names(&given),
            ["forwarded", "traceparent", "via", "x-forwarded-for"]
        );
        let mut given = fields(&list);
        clean_request(&mut given, Sender::Stranger, UnderscoreFields::Drop);
        assert_eq!(names(&given), ["traceparent", "via"]);
    }

    #[test]
    fn trailers_say_neither_who_sent_it_nor_how_long_it_is() {
        let mut given = fields(&[
            ("x-user-id", "admin"),
            ("x-forwarded-for", "9.9.9.9"),
            ("content-length", "1"),
            ("authorization", "x"),
            ("x-checksum", "7"),
        ]);
        clean_trailers(&mut given);
        assert_eq!(names(&given), ["x-checksum"]);
    }

    #[test]
    fn an_answer_cannot_claim_to_be_of_another_side() {
        let mut given = fields(&[
            ("x-served-by", "service"),
            ("x-banyan-state", "1"),
            ("x-banyan-cohort", "orders;1;service"),
            ("x-banyan-anything", "1"),
            ("connection", "close"),
            ("etag", "1"),
        ]);
        clean_answer(&mut given);
        assert_eq!(names(&given), ["etag"]);
    }
}
