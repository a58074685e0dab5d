//! Hosts, as requests name them: what is one (RFC 3986, section 3.2), and the form in which routes ask for them.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// A host and perhaps a port, as a `Host` field has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'a str,
    /// Where a port was given.
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads one. No user may stand before it, and nothing behind it.
    ///
    /// Two things that the RFC lets through are refused, since two servers could make two hosts of them: no host at
    /// all (an `http` address needs one: RFC 9110, section 4.2.1), and escapes.
    ///
    /// ```
    /// # use gateway::route::host::Authority;
    /// let read = Authority::read(b"[2001:db8::1]:8080").unwrap();
    /// assert_eq!((read.host, read.port), ("[2001:db8::1]", Some(8080)));
    /// assert_eq!(Authority::read(b"user@shop.example"), None);
    /// ```
    pub fn read(given: &'a [u8]) -> Option<Self> {
        // All of a host is ASCII.
        let text = std::str::from_utf8(given).ok()?;
        let end = match text.strip_prefix('[') {
            Some(inside) => {
                let address = &inside[..inside.find(']')?];
                address.parse::<Ipv6Addr>().ok()?;
                address.len() + 2
            }
            None => text.find(':').unwrap_or(text.len()),
        };
        let (host, behind) = text.split_at(end);
        let is_name = || host.bytes().all(is_of_a_name);
        if host.is_empty() || host == "." || !(host.starts_with('[') || is_name()) {
            return None;
        }
        let port = match behind {
            // A colon alone is the default port.
            "" | ":" => None,
            _ => {
                let digits = behind.strip_prefix(':')?;
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                Some(digits.parse().ok().filter(|_| is_number)?)
            }
        };
        Some(Self { host, port })
    }

    /// The form in which routes name hosts: lower case, without the dot of a complete name, and with the port left out.
    pub fn matched(&self) -> Cow<'a, str> {
        if self.host.starts_with('[') {
            return canonical(self.host).map_or(Cow::Borrowed(self.host), Cow::Owned);
        }
        let name = self.host.strip_suffix('.').unwrap_or(self.host);
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(name.to_ascii_lowercase())
        } else {
            Cow::Borrowed(name)
        }
    }
}

/// The one spelling of an IPv6 address in brackets (RFC 5952).
pub fn canonical(bracketed: &str) -> Option<String> {
    let inside = bracketed.strip_prefix('[')?.strip_suffix(']')?;
    let address: Ipv6Addr = inside.parse().ok()?;
    Some(format!("[{address}]"))
}

/// `unreserved` and `sub-delims`.
fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Option<(String, Option<u16>)> {
        let read = Authority::read(text.as_bytes())?;
        Some((read.matched().into_owned(), read.port))
    }

    #[test]
    fn hosts_are_matched_in_one_form() {
        for (given, host, port) in [
            ("shop.example", "shop.example", None),
            ("Shop.EXAMPLE", "shop.example", None),
            ("shop.example.", "shop.example", None),
            ("shop.example..", "shop.example.", None),
            ("shop.example:80", "shop.example", Some(80)),
            ("shop.example:", "shop.example", None),
            ("shop.example.:443", "shop.example", Some(443)),
            ("my_host:65535", "my_host", Some(65_535)),
            ("192.0.2.1:0", "192.0.2.1", Some(0)),
            ("[::1]", "[::1]", None),
            ("[::1]:8080", "[::1]", Some(8080)),
            ("[2001:DB8:0:0::1]", "[2001:db8::1]", None),
            ("a!$&'()*+,;=~b", "a!$&'()*+,;=~b", None),
        ] {
            assert_eq!(read(given), Some((host.to_owned(), port)), "{given}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for given in [
            "",
            ":80",
            ".",
            ".:80",
            "user@shop",
            "user:word@shop",
            "shop/path",
            "shop?x",
            "shop#x",
            "shop example",
            "shop\\example",
            "shop:port",
            "shop:80:80",
            "shop:65536",
            "shop:+80",
            "shop:-1",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]80",
            "[::1]:x",
            "[]",
            "[shop]",
            "[::1%25eth0]",
            "[v1.x]",
            "[127.0.0.1]",
            "::1]",
            "sh%6fp",
            "sh\u{f6}p",
            "shop\"",
            "<shop>",
            "shop\t",
            "shop\0",
            "http://shop",
        ] {
            assert_eq!(read(given), None, "{given:?}");
        }
        assert_eq!(Authority::read(b"shop\xff"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_read_has_one_form_that_is_its_own(given in any::<Vec<u8>>()) {
            if let Some(read) = Authority::read(&given) {
                let once = read.matched().into_owned();
                prop_assert!(!once.is_empty() && !once.contains(['@', '/', '%', ' ', '\\']));
                if !once.ends_with('.') {
                    let twice = Authority::read(once.as_bytes()).map(|read| read.matched().into_owned());
                    prop_assert_eq!(twice, Some(once));
                }
            }
        }

        #[test]
        fn names_are_hosts_in_any_case_and_with_any_port(
            name in "[a-z0-9]{1,10}(\\.[a-z0-9-]{1,10}){0,3}",
            port in any::<Option<u16>>(),
            dot in any::<bool>(),
        ) {
            let dotted = if dot { format!("{name}.") } else { name.clone() };
            let given = port.map_or(dotted.clone(), |port| format!("{dotted}:{port}"));
            prop_assert_eq!(read(&given.to_ascii_uppercase()), Some((name, port)));
        }
    }
}
