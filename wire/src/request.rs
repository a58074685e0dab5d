//! A request's head (RFC 9112, sections 2 to 5), found in the bytes that came and read without copying them.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes, BytesMut};
use http::header::{CONNECTION, EXPECT};
use http::uri::Uri;
use http::{HeaderMap, Method, Request, Version};
use memchr::memchr;

use crate::fields;
use crate::framing::Framing;
use crate::refused::Refused;

/// Empty lines that may stand before a request: clients of old sent one behind a body.
const EMPTY_LINES: u8 = 2;

/// How much a head may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The request target, bytes.
    pub target: usize,
    /// The fields, bytes.
    pub fields: usize,
    /// How many fields.
    pub count: usize,
}

/// How far the search for a head's end has got. Bytes that trickle in are looked at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan {
    /// Where the current line starts.
    line: usize,
    /// What has been looked at.
    seen: usize,
    empty: u8,
}

/// A request without its body.
#[derive(Debug)]
pub struct Head {
    /// The request.
    pub request: Request<()>,
    /// How its body ends.
    pub framing: Framing,
    /// Whether the client may send another request on the connection.
    pub keeps_alive: bool,
    /// The client waits for a 100 before it sends the body.
    pub expects_continue: bool,
}

/// Takes a head from `inbox`, once all of it is there.
pub fn parse(
    inbox: &mut BytesMut,
    scan: &mut Scan,
    limits: Limits,
) -> Result<Option<Head>, Refused> {
    match find_end(inbox, scan, limits)? {
        None => Ok(None),
        Some(end) => {
            *scan = Scan::default();
            read(&inbox.split_to(end).freeze(), limits).map(Some)
        }
    }
}

fn find_end(
    inbox: &mut BytesMut,
    scan: &mut Scan,
    limits: Limits,
) -> Result<Option<usize>, Refused> {
    // The method, the version, and what separates them.
    let first_line = limits.target + 64;
    while let Some(at) = memchr(b'\n', &inbox[scan.seen..]) {
        let at = scan.seen + at;
        if at == 0 || inbox[at - 1] != b'\r' || at == scan.line {
            return Err(Refused::Bad("a line ends without a carriage return"));
        }
        let is_empty = at == scan.line + 1;
        if is_empty && scan.line == 0 {
            scan.empty += 1;
            if scan.empty > EMPTY_LINES {
                return Err(Refused::Bad("there is no request line"));
            }
            inbox.advance(2);
            scan.seen = 0;
            continue;
        }
        if scan.line == 0 && at > first_line {
            return Err(Refused::TargetTooLong);
        }
        if at > first_line + limits.fields {
            return Err(Refused::HeadTooLarge);
        }
        if is_empty {
            return Ok(Some(at + 1));
        }
        soundly(&inbox[scan.line..at - 1], scan.line)?;
        scan.line = at + 1;
        scan.seen = at + 1;
    }
    // The last byte may be the first half of a line's end.
    let line = &inbox[scan.line.min(inbox.len())..];
    soundly(line.strip_suffix(b"\r").unwrap_or(line), scan.line)?;
    scan.seen = inbox.len();
    if inbox
        .first()
        .is_some_and(|byte| *byte != b'\r' && !fields::is_token(*byte))
    {
        return Err(Refused::Bad("this is not HTTP"));
    }
    if scan.line == 0 && inbox.len() > first_line {
        return Err(Refused::TargetTooLong);
    }
    if inbox.len() > first_line + limits.fields {
        return Err(Refused::HeadTooLarge);
    }
    Ok(None)
}

/// What can only be wrong is not waited for: the rest of the head may never come.
fn soundly(line: &[u8], start: usize) -> Result<(), Refused> {
    if memchr(b'\r', line).is_some() {
        return Err(Refused::Bad("a carriage return stands alone"));
    }
    if start > 0 && matches!(line.first(), Some(b' ' | b'\t')) {
        return Err(Refused::Bad("a field begins with a space"));
    }
    Ok(())
}

fn read(head: &Bytes, limits: Limits) -> Result<Head, Refused> {
    let mut lines = [MaybeUninit::uninit(); fields::MOST];
    let mut read = httparse::Request::new(&mut []);
    match read.parse_with_uninit_headers(head, &mut lines) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(Refused::Bad("the head is malformed")),
        Err(httparse::Error::Version) if names_a_version(head) => return Err(Refused::Version),
        Err(error) => return Err(fields::refused(error)),
    }
    if read.headers.len() > limits.count {
        return Err(Refused::HeadTooLarge);
    }
    let target = read.path.unwrap_or_default();
    if target.len() > limits.target {
        return Err(Refused::TargetTooLong);
    }
    let mut request = Request::new(());
    *request.method_mut() = Method::from_bytes(read.method.unwrap_or_default().as_bytes())
        .map_err(|_| Refused::Bad("the method is malformed"))?;
    *request.uri_mut() = uri(head.slice_ref(target.as_bytes()))?;
    let version = match read.version {
        Some(0) => Version::HTTP_10,
        _ => Version::HTTP_11,
    };
    *request.version_mut() = version;
    let mut found = HeaderMap::with_capacity(read.headers.len());
    for line in &*read.headers {
        fields::add(&mut found, line.name, head.slice_ref(line.value))?;
    }
    let framing = Framing::of_request(version, &found)?;
    let keeps_alive = if version == Version::HTTP_10 {
        has_token(&found, b"keep-alive") && !has_token(&found, b"close")
    } else {
        !has_token(&found, b"close")
    };
    let expects_continue = version == Version::HTTP_11
        && framing != Framing::None
        && found
            .get(EXPECT)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    *request.headers_mut() = found;
    Ok(Head {
        request,
        framing,
        keeps_alive,
        expects_continue,
    })
}

/// A fragment is no part of a request target, and whoever reads it anyway reads another target.
fn uri(target: Bytes) -> Result<Uri, Refused> {
    const BAD: Refused = Refused::Bad("the request target is malformed");
    if target
        .iter()
        .any(|byte| *byte == b'#' || !byte.is_ascii_graphic())
    {
        return Err(BAD);
    }
    Uri::from_maybe_shared(quoted(target)).map_err(|_| BAD)
}

/// Browsers of old leave quotes and angle brackets in a query as they are. Said with escapes it is the same query.
fn quoted(target: Bytes) -> Bytes {
    let is_plain = |byte: &u8| !matches!(byte, b'"' | b'<' | b'>');
    let Some(query) = memchr(b'?', &target).filter(|_| !target.iter().all(is_plain)) else {
        return target;
    };
    let mut escaped = target[..query].to_vec();
    for byte in &target[query..] {
        match byte {
            b'"' => escaped.extend_from_slice(b"%22"),
            b'<' => escaped.extend_from_slice(b"%3C"),
            b'>' => escaped.extend_from_slice(b"%3E"),
            byte => escaped.push(*byte),
        }
    }
    escaped.into()
}

/// `HTTP/9.9`, which is well-formed and not ours.
fn names_a_version(head: &[u8]) -> bool {
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let mut parts = line.split(|byte| *byte == b' ').skip(2);
    let (Some(version), None) = (parts.next(), parts.next()) else {
        return false;
    };
    matches!(version, [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

fn has_token(fields: &HeaderMap, token: &[u8]) -> bool {
    let mut tokens = fields
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    tokens.any(|given| given.trim_ascii().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        target: 100,
        fields: 300,
        count: 10,
    };

    /// The same whether the bytes come at once or one by one.
    fn parsed(text: &[u8]) -> Result<Option<(Head, usize)>, Refused> {
        let mut inbox = BytesMut::from(text);
        let whole = parse(&mut inbox, &mut Scan::default(), LIMITS);
        let (mut trickled, mut scan) = (BytesMut::new(), Scan::default());
        let mut last = Ok(None);
        for byte in text {
            trickled.extend_from_slice(&[*byte]);
            last = parse(&mut trickled, &mut scan, LIMITS);
            if !matches!(last, Ok(None)) {
                break;
            }
        }
        match (&whole, &last) {
            (Ok(Some(whole)), Ok(Some(last))) => {
                assert_eq!(format!("{whole:?}"), format!("{last:?}"));
            }
            (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
            (whole, last) => panic!("{whole:?} against {last:?}: {}", text.escape_ascii()),
        }
        whole.map(|head| head.map(|head| (head, inbox.len())))
    }

    fn head(text: &str) -> Head {
        parsed(text.as_bytes()).unwrap().unwrap().0
    }

    fn refused(text: &[u8]) -> Refused {
        match parsed(text) {
            Err(refused) => refused,
            Ok(read) => panic!("{} was read: {read:?}", text.escape_ascii()),
        }
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        let head = head(
            "\r\nPOST /a?b=c HTTP/1.1\r\nHost: x\r\nX-One:  1 \r\nx-one: 2\r\nContent-Length: 3\r\n\r\n",
        );
        assert_eq!(head.request.method(), Method::POST);
        assert_eq!(head.request.uri(), "/a?b=c");
        let ones: Vec<_> = head.request.headers().get_all("x-one").iter().collect();
        assert_eq!(ones, ["1", "2"]);
        assert_eq!(head.framing, Framing::Length(3));
        assert!(head.keeps_alive && !head.expects_continue);
    }

    #[test]
    fn what_follows_a_head_stays() {
        let text = b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /next";
        assert_eq!(parsed(text).unwrap().unwrap().1, b"GET /next".len());
        assert!(parsed(b"GET / HTTP/1.1\r\nhost: x\r\n").unwrap().is_none());
    }

    #[test]
    fn whether_the_connection_goes_on_is_the_clients_to_say() {
        for (text, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", true),
            ("GET / HTTP/1.1\r\nconnection: x, Close\r\n\r\n", false),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", true),
        ] {
            assert_eq!(head(text).keeps_alive, expected, "{text}");
        }
        let expecting = "POST / HTTP/1.1\r\nexpect: 100-Continue\r\ncontent-length: 1\r\n\r\n";
        assert!(head(expecting).expects_continue);
        assert!(!head(&expecting.replace("HTTP/1.1", "HTTP/1.0")).expects_continue);
        assert!(!head(&expecting.replace("h: 1", "h: 0")).expects_continue);
    }

    #[test]
    fn whatever_could_be_read_in_two_ways_is_refused() {
        let unsound: [&[u8]; 24] = [
            b"GET / HTTP/1.1\nHost: x\n\n",
            b"GET / HTTP/1.1\r\nHost: x\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n\n",
            b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
            b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nx: a\x00b\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nx: a\rb\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nx: a\x7fb\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\n: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
            b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /  HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\tHTTP/1.1\r\nHost: x\r\n\r\n",
            b" GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET / http/1.1\r\nHost: x\r\n\r\n",
            b"GET /\r\n\r\n",
            b"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
            b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
            b"G(T / HTTP/1.1\r\nHost: x\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01",
            b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            b"\nGET / HTTP/1.1\r\n\r\n",
        ];
        for text in unsound {
            assert!(
                matches!(refused(text), Refused::Bad(_)),
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn what_can_only_be_wrong_is_not_waited_for() {
        for half in [
            "GET / HTTP/1.1\rHost: x",
            "GET / HTTP/1.1\r\nhost: x\r\n\rabc",
            "GET / HTTP/1.1\r\n host: x",
        ] {
            assert!(
                matches!(refused(half.as_bytes()), Refused::Bad(_)),
                "{half}"
            );
        }
        for half in ["GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nhost: x\r\n\r"] {
            assert!(parsed(half.as_bytes()).unwrap().is_none(), "{half}");
        }
    }

    #[test]
    fn a_query_is_said_with_escapes() {
        let uri = |text| head(text).request.uri().to_string();
        assert_eq!(
            uri("GET /a?b=\"<c>\" HTTP/1.1\r\n\r\n"),
            "/a?b=%22%3Cc%3E%22"
        );
        assert!(matches!(
            refused(b"GET /a<b HTTP/1.1\r\n\r\n"),
            Refused::Bad(_)
        ));
    }

    #[test]
    fn each_limit_has_its_own_name() {
        assert_eq!(refused(b"GET / HTTP/2.0\r\n\r\n"), Refused::Version);
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(120));
        assert_eq!(refused(long.as_bytes()), Refused::TargetTooLong);
        assert_eq!(refused(&vec![b'G'; 1000]), Refused::TargetTooLong);
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(600));
        assert_eq!(refused(long.as_bytes()), Refused::HeadTooLarge);
        assert_eq!(refused(&long.as_bytes()[..600]), Refused::HeadTooLarge);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "x: 1\r\n".repeat(11));
        assert_eq!(refused(many.as_bytes()), Refused::HeadTooLarge);
    }
}
