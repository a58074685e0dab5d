//! Who the client is, by its connection and by what trusted proxies say, and how upstreams are told.

use std::cell::RefCell;
use std::net::IpAddr;

use http::header::{FORWARDED, HOST, VIA};
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::chain::{FORWARDED_FOR, FORWARDED_PROTO, is_in, said_secure, walk};
use super::fields::Sender;
use crate::listener::config::Listener;
use crate::tls::greeting::Greeting;

/// The host that the client asked.
pub const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// One connection's other end, with the fields that every request on it repeats.
#[derive(Debug)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Where it came in.
    pub listener: Listener,
    /// What was agreed on, where it speaks TLS with us.
    pub greeting: Option<Greeting>,
    address_value: HeaderValue,
    /// The last `Host` and scheme and the `Forwarded` made of them: clients rarely ask two hosts on one connection.
    forwarded: RefCell<Option<(HeaderValue, &'static str, HeaderValue)>>,
}

/// Who a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The address that limits and logs use.
    pub address: IpAddr,
    /// Whether the peer's forwarding fields are believed.
    pub sender: Sender,
    /// Whether the client speaks TLS to whoever ended it.
    pub secure: bool,
}

impl Client {
    /// The peer, unless it is trusted: then the chain that it brings is walked from the right to the first that is not.
    pub fn of(peer: &Peer, fields: &HeaderMap, trusted: &[IpNet]) -> Self {
        let greeted = peer.greeting.is_some();
        if !is_in(trusted, peer.address) {
            return Self {
                address: peer.address,
                sender: Sender::Stranger,
                secure: greeted,
            };
        }
        Self {
            address: walk(peer.address, fields, trusted, |_| {}),
            sender: Sender::TrustedProxy,
            secure: said_secure(fields).unwrap_or(greeted),
        }
    }

    /// The peer, as the internal listener sees it: it speaks for itself, or may not speak at all.
    pub fn calling(peer: IpAddr, trusted: &[IpNet]) -> Self {
        Self {
            address: peer,
            sender: if is_in(trusted, peer) {
                Sender::TrustedCaller
            } else {
                Sender::Stranger
            },
            secure: false,
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

impl Peer {
    /// The other end of a new connection.
    pub fn new(address: IpAddr, listener: Listener) -> Self {
        let address = address.to_canonical();
        // An address is always a valid field value.
        let address_value = HeaderValue::try_from(address.to_string())
            .unwrap_or(HeaderValue::from_static("unknown"));
        Self {
            address,
            listener,
            greeting: None,
            address_value,
            forwarded: RefCell::new(None),
        }
    }

    /// The same after a handshake.
    #[must_use]
    pub fn greeted(self, greeting: Greeting) -> Self {
        Self {
            greeting: Some(greeting),
            ..self
        }
    }

    /// Adds what upstreams are told about the client. `host` is the client's.
    pub fn tell(&self, fields: &mut HeaderMap, client: &Client, via: &HeaderValue) {
        let host = fields.get(HOST).cloned();
        append_list(fields, FORWARDED_FOR, &self.address_value);
        if client.sender != Sender::TrustedProxy || !fields.contains_key(FORWARDED_PROTO) {
            fields.insert(FORWARDED_PROTO, HeaderValue::from_static(client.scheme()));
        }
        if let Some(host) = host {
            append_list(fields, FORWARDED, &self.forwarded(&host, client.scheme()));
            fields.entry(FORWARDED_HOST).or_insert(host);
        }
        append_list(fields, VIA, via);
    }

    /// RFC 7239: `for=192.0.2.1;host=shop.example;proto=http`.
    fn forwarded(&self, host: &HeaderValue, scheme: &'static str) -> HeaderValue {
        let mut last = self.forwarded.borrow_mut();
        if let Some((known, known_scheme, made)) = &*last
            && known == host
            && *known_scheme == scheme
        {
            return made.clone();
        }
        let by = match self.address {
            IpAddr::V4(v4) => v4.to_string(),
            IpAddr::V6(v6) => format!("\"[{v6}]\""),
        };
        let shown = host.to_str().unwrap_or_default().replace(['"', '\\'], "");
        let made = HeaderValue::try_from(format!("for={by};host=\"{shown}\";proto={scheme}"))
            .unwrap_or(HeaderValue::from_static("for=unknown"));
        *last = Some((host.clone(), scheme, made.clone()));
        made
    }
}

fn append_list(fields: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    if !fields.contains_key(&name) {
        fields.insert(name, value.clone());
        return;
    }
    let mut joined: Vec<u8> = Vec::new();
    for given in fields.get_all(&name) {
        joined.extend_from_slice(given.as_bytes());
        joined.extend_from_slice(b", ");
    }
    joined.extend_from_slice(value.as_bytes());
    // Both parts are valid field values.
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        fields.insert(name, joined);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, chain: &[&'static str]) -> String {
        let mut fields = HeaderMap::new();
        for entry in chain {
            fields.append(FORWARDED_FOR, HeaderValue::from_static(entry));
        }
        let trusted = ["10.0.0.0/8", "2001:db8::/32"].map(|net| net.parse().unwrap());
        let peer = Peer::new(peer.parse().unwrap(), Listener::Edge);
        Client::of(&peer, &fields, &trusted).address.to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_reach() {
        assert_eq!(from("192.0.2.9", &["1.1.1.1"]), "192.0.2.9");
        assert_eq!(from("10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(from("::ffff:10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(from("10.0.0.1", &["6.6.6.6, 1.1.1.1, 10.0.0.2"]), "1.1.1.1");
        assert_eq!(
            from("10.0.0.1", &["6.6.6.6", "1.1.1.1", "10.0.0.2"]),
            "1.1.1.1"
        );
        assert_eq!(
            from("10.0.0.1", &["6.6.6.6, nonsense, 10.0.0.2"]),
            "10.0.0.2"
        );
        assert_eq!(from("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(from("10.0.0.1", &["1.1.1.1:5000"]), "1.1.1.1");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn a_client_is_secure_by_its_own_handshake_or_by_what_a_trusted_proxy_says() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let is_secure = |address: &str, greets: bool, said: Option<&'static str>| {
            let mut peer = Peer::new(address.parse().unwrap(), Listener::Edge);
            if greets {
                peer = peer.greeted(Greeting {
                    alpn: None,
                    server_name: None,
                });
            }
            let said = said.map(|said| (FORWARDED_PROTO, HeaderValue::from_static(said)));
            Client::of(&peer, &said.into_iter().collect(), &trusted).secure
        };
        assert!(is_secure("192.0.2.1", true, Some("http")));
        assert!(!is_secure("192.0.2.1", false, Some("https")));
        assert!(is_secure("10.0.0.1", false, Some("HTTPS")));
        assert!(!is_secure("10.0.0.1", true, Some("http")));
        assert!(is_secure("10.0.0.1", true, None));
    }

    #[test]
    fn upstreams_are_told_who_asked_for_what() {
        let peer = Peer::new("2001:db8::7".parse().unwrap(), Listener::Edge);
        let client = Client {
            address: peer.address,
            sender: Sender::Stranger,
            secure: false,
        };
        let mut fields = HeaderMap::new();
        fields.insert(HOST, HeaderValue::from_static("shop.example"));
        fields.insert(VIA, HeaderValue::from_static("1.0 cache"));
        peer.tell(
            &mut fields,
            &client,
            &HeaderValue::from_static("1.1 banyan"),
        );
        for (name, value) in [
            ("x-forwarded-for", "2001:db8::7"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "shop.example"),
            (
                "forwarded",
                "for=\"[2001:db8::7]\";host=\"shop.example\";proto=http",
            ),
            ("via", "1.0 cache, 1.1 banyan"),
        ] {
            assert_eq!(fields[name], value);
        }
    }

    #[test]
    fn a_trusted_proxys_chain_is_continued() {
        let peer = Peer::new("10.0.0.1".parse().unwrap(), Listener::Edge);
        let client = Client {
            address: peer.address,
            sender: Sender::TrustedProxy,
            secure: true,
        };
        let mut fields = HeaderMap::new();
        fields.insert(HOST, HeaderValue::from_static("shop"));
        fields.insert(FORWARDED_FOR, HeaderValue::from_static("1.1.1.1"));
        fields.insert(FORWARDED_PROTO, HeaderValue::from_static("https"));
        fields.insert(FORWARDED_HOST, HeaderValue::from_static("public"));
        peer.tell(
            &mut fields,
            &client,
            &HeaderValue::from_static("1.1 banyan"),
        );
        assert_eq!(fields[FORWARDED_FOR], "1.1.1.1, 10.0.0.1");
        assert_eq!(fields[FORWARDED_PROTO], "https");
        assert_eq!(fields[FORWARDED_HOST], "public");
    }
}
