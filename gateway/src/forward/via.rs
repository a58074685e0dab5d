//! `Via`: by which a request shows where it has been, and a gateway that it comes to itself in a circle.

use std::sync::LazyLock;

use http::header::VIA;
use http::{HeaderMap, HeaderValue, Version};

use crate::listener::config::Listener;

/// Where no name is given. A name at random belongs to no other gateway, so nothing is ever taken for a circle that is
/// none; where several gateways are one, a circle through all of them is seen when it comes to one for the second time.
static RANDOM: LazyLock<String> = LazyLock::new(|| format!("banyan-{:08x}", fastrand::u32(..)));

/// The pseudonyms of a gateway's listeners: a request that passes the edge and later the internal listener is in no
/// circle.
#[derive(Debug)]
pub struct Via {
    edge: Hop,
    internal: Hop,
}

/// One listener's pseudonym, with the values made of it.
#[derive(Debug)]
pub struct Hop {
    name: String,
    http_10: HeaderValue,
    http_11: HeaderValue,
    http_2: HeaderValue,
}

impl Via {
    /// Of a gateway that has this name, or of one without a name.
    pub fn new(name: Option<&str>) -> Self {
        let name = name.unwrap_or(&RANDOM);
        Self {
            edge: Hop::new(name.to_owned()),
            internal: Hop::new(format!("{name}-internal")),
        }
    }

    /// That of a listener.
    pub fn of(&self, listener: Listener) -> &Hop {
        match listener {
            Listener::Edge => &self.edge,
            Listener::Internal => &self.internal,
        }
    }
}

impl Hop {
    fn new(name: String) -> Self {
        // A name is a token, so this is always a valid field value.
        let value = |version: &str| {
            HeaderValue::try_from(format!("{version} {name}"))
                .unwrap_or(HeaderValue::from_static("1.1 banyan"))
        };
        Self {
            http_10: value("1.0"),
            http_11: value("1.1"),
            http_2: value("2.0"),
            name,
        }
    }

    /// What this hop adds to a request that came in this version (RFC 9110, section 7.6.3).
    pub fn value(&self, received: Version) -> &HeaderValue {
        match received {
            Version::HTTP_09 | Version::HTTP_10 => &self.http_10,
            Version::HTTP_2 | Version::HTTP_3 => &self.http_2,
            _ => &self.http_11,
        }
    }

    /// Whether a request has been here before. Names in comments are nobody's.
    pub fn was_here(&self, fields: &HeaderMap) -> bool {
        let mut values = fields.get_all(VIA).iter();
        values.any(|value| {
            let text = value.to_str().unwrap_or_default();
            text.split(',').any(|hop| {
                let by = hop.split_ascii_whitespace().nth(1);
                by.is_some_and(|by| by.eq_ignore_ascii_case(&self.name))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn was_here(name: &str, via: &[&'static str]) -> bool {
        let mut fields = HeaderMap::new();
        for value in via {
            fields.append(VIA, HeaderValue::from_static(value));
        }
        Via::new(Some(name)).of(Listener::Edge).was_here(&fields)
    }

    #[test]
    fn only_its_own_name_is_a_circle() {
        assert!(!was_here("shop", &[]));
        assert!(was_here("shop", &["1.1 shop"]));
        assert!(was_here("shop", &["1.0 fred, HTTP/2.0  Shop (a comment)"]));
        assert!(was_here("shop", &["1.1 a", "1.1 b,\t1.1 shop"]));
        for other in [
            "1.1 shop-internal",
            "1.1 shops, 1.1 a (1.1 shop)",
            "shop",
            "1.1 shop:80",
            "",
            ",,",
        ] {
            assert!(!was_here("shop", &[other]), "{other}");
        }
    }

    #[test]
    fn listeners_are_told_apart_and_gateways_without_a_name_have_one() {
        let via = Via::new(None);
        let [edge, internal] = [Listener::Edge, Listener::Internal]
            .map(|listener| via.of(listener).value(Version::HTTP_11).clone());
        assert_ne!(edge, internal);
        assert_eq!(
            Via::new(None).of(Listener::Edge).value(Version::HTTP_11),
            edge
        );
        let mut fields = HeaderMap::new();
        fields.append(VIA, edge);
        assert!(via.of(Listener::Edge).was_here(&fields));
        assert!(!via.of(Listener::Internal).was_here(&fields));
    }

    #[test]
    fn the_version_is_that_in_which_the_request_came() {
        let via = Via::new(Some("a"));
        let said = |version| via.of(Listener::Internal).value(version).clone();
        assert_eq!(said(Version::HTTP_10), "1.0 a-internal");
        assert_eq!(said(Version::HTTP_11), "1.1 a-internal");
        assert_eq!(said(Version::HTTP_2), "2.0 a-internal");
    }
}
