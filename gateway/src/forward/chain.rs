//! The chain of addresses that proxies write down, walked from the right: each entry is as good as whoever wrote it.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

/// The chain of addresses.
pub const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `http` or `https`.
pub const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// One step of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// A trusted proxy: what it wrote comes next.
    Proxy(IpAddr),
    /// The first address that is nobody's who is trusted: the client.
    Client(IpAddr),
    /// No address, so the walk ends here: everything left of it could be invented.
    Unreadable(&'a str),
}

/// Who is at the other end of a chain that a trusted `peer` brings. `saw` is told each step.
///
/// `X-Forwarded-For` counts where it is there, else `Forwarded` (RFC 7239).
pub fn walk(
    peer: IpAddr,
    fields: &HeaderMap,
    trusted: &[IpNet],
    mut saw: impl FnMut(Seen<'_>),
) -> IpAddr {
    let mut client = peer;
    let mut goes_on = |entry: &str| {
        let Some(address) = address(entry) else {
            saw(Seen::Unreadable(entry));
            return false;
        };
        client = address;
        let is_proxy = is_in(trusted, address);
        saw(if is_proxy {
            Seen::Proxy(address)
        } else {
            Seen::Client(address)
        });
        is_proxy
    };
    if fields.contains_key(FORWARDED_FOR) {
        let values = fields.get_all(FORWARDED_FOR).iter().rev();
        values
            .flat_map(|value| text(value).rsplit(','))
            .all(|entry| goes_on(entry.trim()));
    } else {
        let values = fields.get_all(FORWARDED).iter().rev();
        values
            .flat_map(|value| parts(text(value), b','))
            .all(|element| goes_on(parameter(element, "for").unwrap_or_default()));
    }
    client
}

/// Whether the client speaks TLS, as far as a trusted peer says so: the last word counts, which is the peer's own.
pub fn said_secure(fields: &HeaderMap) -> Option<bool> {
    let last = |name| fields.get_all(name).iter().next_back().map(text);
    let proto = match last(FORWARDED_PROTO) {
        Some(list) => list.rsplit(',').next()?.trim(),
        None => parameter(parts(last(FORWARDED)?, b',').next()?, "proto")?,
    };
    Some(proto.eq_ignore_ascii_case("https"))
}

/// Whether it is in one of these.
pub fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(entry: &str) -> Option<IpAddr> {
    let socket = || entry.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let read = entry.parse().ok().or_else(socket).or_else(bracketed);
    read.map(|address: IpAddr| address.to_canonical())
}

/// The parts of a list whose last one is first; a separator in quotes is none.
///
/// Quotes are counted from the right, too: one that a stranger left open must not swallow what a proxy wrote behind it.
fn parts(list: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(list);
    std::iter::from_fn(move || {
        let list = rest?;
        let mut quoted = false;
        let at = list.bytes().rposition(|byte| {
            quoted ^= byte == b'"';
            byte == separator && !quoted
        });
        rest = at.map(|at| &list[..at]);
        Some(list[at.map_or(0, |at| at + 1)..].trim())
    })
}

/// A parameter of an element of `Forwarded`, without its quotes.
fn parameter<'e>(element: &'e str, wanted: &str) -> Option<&'e str> {
    parts(element, b';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let bare = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'));
        name.eq_ignore_ascii_case(wanted)
            .then_some(bare.unwrap_or(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fields(list: &[(HeaderName, &str)]) -> HeaderMap {
        let pair = |(name, value): &(HeaderName, &str)| (name.clone(), value.parse().unwrap());
        list.iter().map(pair).collect()
    }

    fn trusted() -> [IpNet; 2] {
        ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap())
    }

    fn client(list: &[(HeaderName, &str)]) -> String {
        let peer = [10, 0, 0, 1].into();
        walk(peer, &fields(list), &trusted(), |_| {}).to_string()
    }

    #[test]
    fn forwarded_is_walked_where_there_is_no_other_chain() {
        for (chain, found) in [
            ("for=1.1.1.1", "1.1.1.1"),
            (
                "for=6.6.6.6, for=1.1.1.1;proto=https, For=10.0.0.2",
                "1.1.1.1",
            ),
            ("proto=http;for=\"1.1.1.1:80\" ; host=a", "1.1.1.1"),
            ("for=\"[2001:db9::1]:80\"", "2001:db9::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=::ffff:1.1.1.1", "1.1.1.1"),
            ("for=6.6.6.6, for=unknown, for=10.0.0.2", "10.0.0.2"),
            ("for=6.6.6.6, for=_hidden", "10.0.0.1"),
            ("for=6.6.6.6, proto=https", "10.0.0.1"),
            ("for=6.6.6.6;x=\", for=1.1.1.1", "1.1.1.1"),
            ("for=6.6.6.6;x=\", for=\"1.1.1.1:1\"", "1.1.1.1"),
            ("for=6.6.6.6;host=\"a,for=7.7.7.7\"", "6.6.6.6"),
            ("", "10.0.0.1"),
        ] {
            assert_eq!(client(&[(FORWARDED, chain)]), found, "{chain}");
        }
        let both = [(FORWARDED, "for=6.6.6.6"), (FORWARDED_FOR, "1.1.1.1")];
        assert_eq!(client(&both), "1.1.1.1");
        let two = [(FORWARDED, "for=1.1.1.1"), (FORWARDED, "for=10.0.0.2")];
        assert_eq!(client(&two), "1.1.1.1");
    }

    #[test]
    fn each_step_is_told() {
        let given = fields(&[(FORWARDED_FOR, "6.6.6.6, me, 10.0.0.2")]);
        let mut told = Vec::new();
        walk([10, 0, 0, 1].into(), &given, &trusted(), |seen| {
            told.push(format!("{seen:?}"));
        });
        assert_eq!(told, ["Proxy(10.0.0.2)", "Unreadable(\"me\")"]);
    }

    #[test]
    fn the_last_word_about_tls_counts() {
        for (said, secure) in [
            (&[(FORWARDED_PROTO, "https")][..], Some(true)),
            (&[(FORWARDED_PROTO, "HTTPS")], Some(true)),
            (&[(FORWARDED_PROTO, "https, http")], Some(false)),
            (
                &[(FORWARDED_PROTO, "http"), (FORWARDED_PROTO, "https")],
                Some(true),
            ),
            (
                &[(FORWARDED, "proto=https, for=a;proto=\"http\"")],
                Some(false),
            ),
            (&[(FORWARDED, "proto=http, for=a;Proto=https")], Some(true)),
            (&[(FORWARDED, "proto=https, for=a")], None),
            (
                &[(FORWARDED_PROTO, "http"), (FORWARDED, "proto=https")],
                Some(false),
            ),
            (&[], None),
        ] {
            assert_eq!(said_secure(&fields(said)), secure, "{said:?}");
        }
    }

    proptest! {
        /// Whatever a stranger wrote first, the address that a trusted proxy puts behind it is found.
        #[test]
        fn nothing_on_the_left_changes_what_a_proxy_wrote(
            left in "[ -~]{0,40}",
            quoted in any::<bool>(),
        ) {
            let own = if quoted { "\"1.1.1.1:9\"" } else { "1.1.1.1" };
            let chain = format!("{left}, for={own}");
            prop_assert_eq!(client(&[(FORWARDED, &chain)]), "1.1.1.1");
            let chain = format!("{left}, 1.1.1.1");
            prop_assert_eq!(client(&[(FORWARDED_FOR, &chain)]), "1.1.1.1");
        }
    }
}
