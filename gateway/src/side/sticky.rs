//! What keeps a caller on one side: the first of a route's sources that the request has.

use std::borrow::Cow;

use chassis::handover::STICKY;
use chassis::principal::{Principal, unescape};
use http::{HeaderMap, Method};

use super::config::Sticky;
use super::visitor;

/// The key. The fields are the client's, before anything was taken from them.
pub fn key<'a>(
    sources: &[Sticky],
    principal: Option<&'a Principal>,
    fields: &'a HeaderMap,
) -> Option<&'a str> {
    sources.iter().find_map(|source| match source {
        Sticky::User => principal.map(|principal| principal.user.as_str()),
        Sticky::Cookie(name) => visitor::cookie(fields, name),
        Sticky::Header(name) => fields.get(name).and_then(|value| value.to_str().ok()),
        Sticky::Visitor => visitor::id(fields),
    })
}

/// The key that a caller hands on, for whoever may be believed.
pub fn handed(fields: &HeaderMap) -> Option<Cow<'_, str>> {
    let text = fields.get(STICKY)?.to_str().ok()?;
    Some(unescape(text))
}

/// Whether a request without a key is one that our own id is given to.
pub fn wants_visitor(sources: &[Sticky], method: &Method, fields: &HeaderMap) -> bool {
    sources.contains(&Sticky::Visitor) && visitor::loads_a_page(method, fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn fields(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn the_first_sticky_source_that_is_there_counts() {
        let sources = [
            Sticky::User,
            Sticky::Cookie("sid".into()),
            Sticky::Header("x-device-id".parse().unwrap()),
            Sticky::Visitor,
        ];
        let alice = Principal {
            user: "alice".into(),
            ..Principal::default()
        };
        let all = fields(&[("cookie", "x=1; sid=s7; banyan=v7"), ("x-device-id", "d7")]);
        for (fields, principal, expected) in [
            (&all, Some(&alice), Some("alice")),
            (&all, None, Some("s7")),
            (
                &fields(&[("cookie", "banyan=v7"), ("x-device-id", "d7")]),
                None,
                Some("d7"),
            ),
            (&fields(&[("cookie", "banyan=v7")]), None, Some("v7")),
            (&fields(&[("cookie", "other=v7")]), None, None),
        ] {
            assert_eq!(key(&sources, principal, fields), expected);
        }
    }

    #[test]
    fn a_key_that_is_handed_on_is_the_key_that_it_was() {
        for key in ["alice", "", "ann 1, 100% \u{e9}"] {
            let value = chassis::principal::escaped(key);
            let fields = HeaderMap::from_iter([(STICKY, value)]);
            assert_eq!(handed(&fields).as_deref(), Some(key));
        }
        assert_eq!(handed(&HeaderMap::new()), None);
    }

    #[test]
    fn only_a_page_load_on_a_route_that_gives_ids_wants_one() {
        let page = fields(&[("accept", "text/html")]);
        let wants = |sources: &[Sticky], fields| wants_visitor(sources, &Method::GET, fields);
        assert!(wants(&[Sticky::User, Sticky::Visitor], &page));
        assert!(!wants(&[Sticky::User], &page));
        assert!(!wants(&[Sticky::Visitor], &fields(&[("accept", "*/*")])));
    }
}
