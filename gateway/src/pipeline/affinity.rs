//! What keeps a caller at one endpoint of an upstream, where its `balance` asks for that.

use std::net::IpAddr;

use http::HeaderMap;
use upstream::balance::{HashBy, key as key_of};

use super::Passage;
use crate::auth::compiled::Verified;
use crate::forward::compiled::Backend;
use crate::side::visitor;

impl Passage<'_> {
    /// The caller's key. The fields are the client's, before anything was taken from them.
    pub(super) fn affinity(
        &self,
        backend: &Backend,
        fields: &HeaderMap,
        verified: Option<&Verified>,
    ) -> Option<u64> {
        let by = backend.hash_by()?;
        let user = verified.map(|verified| verified.principal.user.as_str());
        key(by, user, self.client.address, fields)
    }
}

/// `None` where the request has nothing to go by.
fn key(by: &HashBy, user: Option<&str>, client: IpAddr, fields: &HeaderMap) -> Option<u64> {
    match by {
        HashBy::User => Some(key_of(user?.as_bytes())),
        HashBy::Header(name) => Some(key_of(fields.get(name)?.as_bytes())),
        HashBy::Cookie(name) => Some(key_of(visitor::cookie(fields, name)?.as_bytes())),
        HashBy::Ip => Some(match client {
            IpAddr::V4(v4) => key_of(&v4.octets()),
            IpAddr::V6(v6) => key_of(&v6.octets()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_caller_is_known_by_what_the_balance_names_and_by_nothing_else() {
        let client = IpAddr::from([192, 0, 2, 1]);
        let mut fields = HeaderMap::new();
        let by_header = HashBy::Header("x-device-id".parse().unwrap());
        let by_cookie = HashBy::Cookie("sid".into());
        for by in [&HashBy::User, &by_header, &by_cookie] {
            assert_eq!(key(by, None, client, &fields), None);
        }
        fields.insert("x-device-id", HeaderValue::from_static("d7"));
        fields.insert("cookie", HeaderValue::from_static("x=1; sid=d7"));
        let expected = Some(key_of(b"d7"));
        assert_eq!(key(&by_header, None, client, &fields), expected);
        assert_eq!(key(&by_cookie, None, client, &fields), expected);
        assert_eq!(key(&HashBy::User, Some("d7"), client, &fields), expected);
        let other = IpAddr::from([192, 0, 2, 2]);
        let by_ip = |client| key(&HashBy::Ip, None, client, &fields);
        assert_eq!(by_ip(client), by_ip(client));
        assert_ne!(by_ip(client), by_ip(other));
    }
}
