//! How long a request's body is (RFC 9112, section 6), said in one way only.

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version};

use crate::refused::Refused;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes, at least one.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

impl Framing {
    /// As a request's fields say it.
    pub fn of_request(version: Version, fields: &HeaderMap) -> Result<Self, Refused> {
        let mut codings = fields.get_all(TRANSFER_ENCODING).iter();
        let mut lengths = fields.get_all(CONTENT_LENGTH).iter();
        match (codings.next(), lengths.next()) {
            (None, None) => Ok(Self::None),
            (Some(_), Some(_)) => Err(Refused::Bad(
                "there are both a Content-Length and a Transfer-Encoding",
            )),
            (Some(coding), None) => {
                if version == Version::HTTP_10 {
                    return Err(Refused::Bad("HTTP/1.0 has no Transfer-Encoding"));
                }
                if codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") {
                    return Err(Refused::Bad("the Transfer-Encoding is not just chunked"));
                }
                Ok(Self::Chunked)
            }
            (None, Some(length)) => {
                if lengths.next().is_some() {
                    return Err(Refused::Bad("there is more than one Content-Length"));
                }
                match digits(length) {
                    Some(0) => Ok(Self::None),
                    Some(length) => Ok(Self::Length(length)),
                    None => Err(Refused::Bad("the Content-Length is no number")),
                }
            }
        }
    }
}

fn digits(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(list: &[(&str, &str)]) -> Result<Framing, Refused> {
        let mut fields = HeaderMap::new();
        for (name, value) in list {
            let name: http::HeaderName = name.parse().unwrap();
            fields.append(name, value.parse().unwrap());
        }
        Framing::of_request(Version::HTTP_11, &fields)
    }

    #[test]
    fn a_length_is_said_once_and_in_digits() {
        assert_eq!(of(&[]), Ok(Framing::None));
        assert_eq!(of(&[("content-length", "0")]), Ok(Framing::None));
        assert_eq!(of(&[("content-length", "042")]), Ok(Framing::Length(42)));
        for bad in [
            "",
            "+1",
            "-1",
            "1,1",
            "0x1",
            "1 1",
            "1.0",
            "18446744073709551616",
        ] {
            assert!(of(&[("content-length", bad)]).is_err(), "{bad}");
        }
        assert!(of(&[("content-length", "1"), ("content-length", "1")]).is_err());
    }

    #[test]
    fn chunked_is_the_only_coding_and_stands_alone() {
        let coded = |coding| of(&[("transfer-encoding", coding)]);
        assert_eq!(coded("Chunked"), Ok(Framing::Chunked));
        for bad in [
            "",
            "identity",
            "gzip, chunked",
            "chunked, chunked",
            "xchunked",
            "chunked;q=1",
            "\"chunked\"",
        ] {
            assert!(coded(bad).is_err(), "{bad}");
        }
        assert!(of(&[("transfer-encoding", "chunked"), ("content-length", "1")]).is_err());
        assert!(
            of(&[
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked")
            ])
            .is_err()
        );
        let mut old = HeaderMap::new();
        old.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert!(Framing::of_request(Version::HTTP_10, &old).is_err());
    }
}
