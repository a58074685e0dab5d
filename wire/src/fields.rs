//! Field lines (RFC 9112, section 5): found, checked, and read.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memchr_iter;

use crate::refused::Refused;

/// No message has more.
pub(crate) const MOST: usize = 512;

/// How long the field section at the beginning of `input` is, with the empty line that ends it.
pub(crate) fn end(input: &[u8], max: usize) -> Result<Option<usize>, Refused> {
    let mut start = 0;
    for at in memchr_iter(b'\n', input) {
        if at == start || input[at - 1] != b'\r' {
            return Err(Refused::Bad("a line ends without a carriage return"));
        }
        if at > max {
            break;
        }
        if at == start + 1 {
            return Ok(Some(at + 1));
        }
        start = at + 1;
    }
    if input.len() > max {
        return Err(Refused::HeadTooLarge);
    }
    Ok(None)
}

/// The fields of a whole section.
pub(crate) fn parse(section: &[u8]) -> Result<HeaderMap, Refused> {
    let mut lines = [httparse::EMPTY_HEADER; MOST];
    let lines = match httparse::parse_headers(section, &mut lines) {
        Ok(httparse::Status::Complete((_, lines))) => lines,
        Ok(httparse::Status::Partial) => return Err(Refused::Bad("a field is malformed")),
        Err(error) => return Err(refused(error)),
    };
    let mut fields = HeaderMap::with_capacity(lines.len());
    for line in lines {
        let value = Bytes::copy_from_slice(line.value);
        add(&mut fields, line.name, value)?;
    }
    Ok(fields)
}

/// Adds a field that was read.
pub(crate) fn add(fields: &mut HeaderMap, name: &str, value: Bytes) -> Result<(), Refused> {
    const BAD: Refused = Refused::Bad("a field is malformed");
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| BAD)?;
    let value = HeaderValue::from_maybe_shared(value).map_err(|_| BAD)?;
    fields
        .try_append(name, value)
        .map_err(|_| Refused::HeadTooLarge)?;
    Ok(())
}

/// What the parser found wrong.
pub(crate) fn refused(error: httparse::Error) -> Refused {
    match error {
        httparse::Error::HeaderName => Refused::Bad("a field's name is malformed"),
        httparse::Error::HeaderValue => Refused::Bad("a field's value has control characters"),
        httparse::Error::NewLine => Refused::Bad("a line ends without a carriage return"),
        httparse::Error::Token | httparse::Error::Status => {
            Refused::Bad("the request line is malformed")
        }
        httparse::Error::TooManyHeaders => Refused::HeadTooLarge,
        httparse::Error::Version => Refused::Bad("the request line has no version of HTTP"),
    }
}

/// RFC 9110, section 5.6.2.
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
