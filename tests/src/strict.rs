//! Requests read as RFC 9112 says and not one byte more leniently: what passes here, every server reads the same way.

/// What the start of these bytes is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// A request, and how many bytes it takes.
    Whole(Request, usize),
    /// The beginning of one.
    Part,
    /// No request that all read alike, and why.
    Wrong(&'static str),
}

/// A strictly valid request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Its method.
    pub method: String,
    /// Its target, as it came.
    pub target: String,
    /// 1 for HTTP/1.1.
    pub minor: u8,
    /// Names in lower case, and values without the space around them, one char per byte.
    pub fields: Vec<(String, String)>,
    /// The content, without its framing.
    pub body: Vec<u8>,
    /// The fields behind a chunked body.
    pub trailers: Vec<(String, String)>,
}

impl Request {
    /// All values of a field, in order.
    pub fn all(&self, name: &str) -> Vec<&str> {
        crate::answer::values(&self.fields, name)
    }
}

/// The one mistake that leaves no doubt where a request ends.
pub const NO_TARGET: &str = "a target that is none";

/// Either it ends here for now, or it is wrong.
enum Stop {
    Part,
    Wrong(&'static str),
}

type Step<T> = Result<T, Stop>;

/// Where reading stands.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// How a body is delimited.
enum Framing {
    Length(usize),
    Chunked,
}

/// Reads the first request of these bytes.
pub fn request(bytes: &[u8]) -> Read {
    let mut cursor = Cursor { bytes, at: 0 };
    match whole(&mut cursor) {
        Ok(request) => Read::Whole(request, cursor.at),
        Err(Stop::Part) => Read::Part,
        Err(Stop::Wrong(why)) => Read::Wrong(why),
    }
}

fn whole(cursor: &mut Cursor<'_>) -> Step<Request> {
    let mut request = first_line(cursor.line()?)?;
    request.fields = cursor.fields()?;
    host(&request)?;
    match framing(&request)? {
        Framing::Length(length) => cursor.take(length)?.clone_into(&mut request.body),
        Framing::Chunked => {
            loop {
                let size = chunk(cursor.line()?)?;
                if size == 0 {
                    break;
                }
                request.body.extend_from_slice(cursor.take(size)?);
                if !cursor.line()?.is_empty() {
                    return Err(Stop::Wrong("a chunk that is longer than its size"));
                }
            }
            request.trailers = cursor.fields()?;
            let heads_only = ["content-length", "transfer-encoding", "host"];
            let mut names = request.trailers.iter().map(|(name, _)| name.as_str());
            if names.any(|name| heads_only.contains(&name)) {
                return Err(Stop::Wrong("framing among the trailers"));
            }
        }
    }
    Ok(request)
}

impl<'a> Cursor<'a> {
    /// A line without its CRLF.
    fn line(&mut self) -> Step<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) else {
            return Err(Stop::Part);
        };
        match (rest[end], rest.get(end + 1)) {
            (b'\n', _) => Err(Stop::Wrong("a line feed without a carriage return")),
            (_, None) => Err(Stop::Part),
            (_, Some(b'\n')) => {
                self.at += end + 2;
                Ok(&rest[..end])
            }
            (_, Some(_)) => Err(Stop::Wrong("a carriage return without a line feed")),
        }
    }

    fn take(&mut self, count: usize) -> Step<&'a [u8]> {
        let end = self.at.saturating_add(count);
        let taken = self.bytes.get(self.at..end).ok_or(Stop::Part)?;
        self.at = end;
        Ok(taken)
    }

    /// Fields up to the empty line.
    fn fields(&mut self) -> Step<Vec<(String, String)>> {
        let mut fields = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                return Ok(fields);
            }
            fields.push(field(line)?);
        }
    }
}

fn first_line(line: &[u8]) -> Step<Request> {
    let parts: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [method, target, version] = parts[..] else {
        return Err(Stop::Wrong("not three parts in the first line"));
    };
    if !token(method) {
        return Err(Stop::Wrong("a method that is no token"));
    }
    let minor = match version {
        b"HTTP/1.1" => 1,
        b"HTTP/1.0" => 0,
        _ => return Err(Stop::Wrong("a version that is none")),
    };
    let visible = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    let form = match method {
        b"CONNECT" => !target.contains(&b'/'),
        b"OPTIONS" if target == b"*" => true,
        _ => target.starts_with(b"/") || absolute(target),
    };
    if target.is_empty() || !target.iter().all(visible) || !form {
        return Err(Stop::Wrong(NO_TARGET));
    }
    Ok(Request {
        method: text(method),
        target: text(target),
        minor,
        ..Request::default()
    })
}

fn absolute(target: &[u8]) -> bool {
    let target = target.to_ascii_lowercase();
    target.starts_with(b"http://") || target.starts_with(b"https://")
}

fn field(line: &[u8]) -> Step<(String, String)> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Stop::Wrong("a line that begins with space"));
    }
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Err(Stop::Wrong("a field without a colon"));
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !token(name) {
        return Err(Stop::Wrong("a field's name that is no token"));
    }
    if value
        .iter()
        .any(|byte| *byte != b'\t' && byte.is_ascii_control())
    {
        return Err(Stop::Wrong("a control character in a value"));
    }
    let space = |char: char| matches!(char, ' ' | '\t');
    let value = text(value).trim_matches(space).to_owned();
    Ok((text(name).to_ascii_lowercase(), value))
}

fn host(request: &Request) -> Step<()> {
    let hosts = request.all("host");
    if hosts.len() > 1 || (hosts.is_empty() && request.minor > 0) {
        return Err(Stop::Wrong("not exactly one Host"));
    }
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte);
    if !hosts.iter().all(|host| host.bytes().all(belongs)) {
        return Err(Stop::Wrong("a Host that is none"));
    }
    Ok(())
}

fn framing(request: &Request) -> Step<Framing> {
    let codings = request.all("transfer-encoding");
    let lengths = request.all("content-length");
    match (&codings[..], &lengths[..]) {
        ([], []) => Ok(Framing::Length(0)),
        ([coding], []) if request.minor > 0 && coding.eq_ignore_ascii_case("chunked") => {
            Ok(Framing::Chunked)
        }
        ([], [length])
            if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            let length = length
                .parse()
                .map_err(|_| Stop::Wrong("a length that is too large"))?;
            Ok(Framing::Length(length))
        }
        ([], _) => Err(Stop::Wrong("a length that is none")),
        _ => Err(Stop::Wrong("a framing that is not exactly one")),
    }
}

/// The size of a chunk; behind it, extensions may stand.
fn chunk(line: &[u8]) -> Step<usize> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (size, mut rest) = line.split_at(digits);
    let size = usize::from_str_radix(&text(size), 16);
    let size = size.map_err(|_| Stop::Wrong("a chunk's size that is none"))?;
    while !rest.is_empty() {
        rest = extension(rest).ok_or(Stop::Wrong("a chunk extension that is none"))?;
    }
    Ok(size)
}

/// What follows `;name` or `;name=value`, where that is there.
fn extension(rest: &[u8]) -> Option<&[u8]> {
    let named = word(space(space(rest).strip_prefix(b";")?))?;
    match space(named).strip_prefix(b"=") {
        None => Some(named),
        Some(value) => {
            let value = space(value);
            match value.strip_prefix(b"\"") {
                None => word(value),
                Some(quoted) => end_of_quotes(quoted),
            }
        }
    }
}

fn end_of_quotes(quoted: &[u8]) -> Option<&[u8]> {
    let mut escaped = false;
    for (at, byte) in quoted.iter().enumerate() {
        match byte {
            _ if byte.is_ascii_control() && *byte != b'\t' => return None,
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(&quoted[at + 1..]),
            _ => {}
        }
    }
    None
}

fn word(rest: &[u8]) -> Option<&[u8]> {
    let length = rest.iter().take_while(|byte| token(&[**byte])).count();
    (length > 0).then(|| &rest[length..])
}

fn space(rest: &[u8]) -> &[u8] {
    let length = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    &rest[length.count()..]
}

fn token(bytes: &[u8]) -> bool {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(belongs)
}

fn text(bytes: &[u8]) -> String {
    crate::answer::latin1(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(bytes: &str) -> bool {
        matches!(request(bytes.as_bytes()), Read::Wrong(_))
    }

    #[test]
    fn a_request_is_read_to_its_last_byte() {
        let one = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\\\"\"\r\nabc\r\n0\r\nx: 1\r\n\r\n";
        let Read::Whole(read, length) = request(format!("{one}GET").as_bytes()) else {
            panic!("not whole");
        };
        assert_eq!((length, read.body.as_slice()), (one.len(), &b"abc"[..]));
        assert_eq!(read.trailers, [("x".to_owned(), "1".to_owned())]);
        for end in 0..one.len() {
            assert_eq!(request(&one.as_bytes()[..end]), Read::Part, "{end}");
        }
        let length = "PUT /a HTTP/1.0\r\nContent-Length: 003\r\n\r\nabc";
        assert!(matches!(request(length.as_bytes()), Read::Whole(..)));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_wrong() {
        for head in [
            "GET /a HTTP/1.1\nHost: a\r\n\r\n",
            "GET  /a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a HTTP/1.1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nx: \x01\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
            "GET /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /a HTTP/1.2\r\nHost: a\r\n\r\n",
        ] {
            assert!(wrong(head), "{head:?}");
        }
        let chunked = "PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        for body in [
            "-1\r\n",
            "1 \r\n",
            "1;\r\n",
            "1\r\nab\r\n",
            "1\nab",
            "0\r\nhost: b\r\n\r\n",
        ] {
            assert!(wrong(&format!("{chunked}{body}")), "{body:?}");
        }
    }
}
