//! What is refused, as bytes.

/// A message that is refused: what it is, its bytes, and the statuses that say so; none where the connection just ends.
pub(crate) type Refused = (&'static str, &'static str, &'static [u16]);

pub(crate) const BAD: &[u16] = &[400];
/// A coding or a version that we do not know may be said to be that.
pub(crate) const UNKNOWN: &[u16] = &[400, 501, 505];

pub(crate) const HEADS: [Refused; 29] = [
    ("no version", "GET /\r\n\r\n", BAD),
    (
        "a version of its own",
        "GET / ICE/1.0\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a version without a number",
        "GET / HTTP/x.1\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    (
        "a version to come",
        "GET / HTTP/3.0\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    (
        "lower case for the version",
        "GET / http/1.1\r\nhost: a\r\n\r\n",
        UNKNOWN,
    ),
    ("two blanks", "GET / x HTTP/1.1\r\nhost: a\r\n\r\n", BAD),
    (
        "a method that is no token",
        "GE(T / HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a NUL in the target",
        "GET /a\0b HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a control in the target",
        "GET /a\x01b HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "a target that is no path",
        "GET a HTTP/1.1\r\nhost: a\r\n\r\n",
        BAD,
    ),
    ("no Host", "GET / HTTP/1.1\r\nx: 1\r\n\r\n", BAD),
    (
        "two Hosts",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        BAD,
    ),
    (
        "the same Host twice",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n",
        BAD,
    ),
    (
        "two Hosts in one",
        "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n",
        BAD,
    ),
    ("a path in Host", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", BAD),
    (
        "somebody else's name in Host",
        "GET / HTTP/1.1\r\nhost: a@b\r\n\r\n",
        BAD,
    ),
    (
        "a blank before the colon",
        "GET / HTTP/1.1\r\nhost: a\r\nx : 1\r\n\r\n",
        BAD,
    ),
    (
        "a tab before the colon",
        "GET / HTTP/1.1\r\nhost: a\r\nx\t: 1\r\n\r\n",
        BAD,
    ),
    (
        "a blank before the first field",
        "GET / HTTP/1.1\r\n host: a\r\n\r\n",
        BAD,
    ),
    (
        "a field over two lines",
        "GET / HTTP/1.1\r\nhost: a\r\nx: 1\r\n 2\r\n\r\n",
        BAD,
    ),
    (
        "a field without a name",
        "GET / HTTP/1.1\r\nhost: a\r\n: 1\r\n\r\n",
        BAD,
    ),
    (
        "a field without a colon",
        "GET / HTTP/1.1\r\nhost: a\r\nnothing\r\n\r\n",
        BAD,
    ),
    (
        "a name that is no token",
        "GET / HTTP/1.1\r\nhost: a\r\nx@: 1\r\n\r\n",
        BAD,
    ),
    (
        "a NUL in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
        BAD,
    ),
    (
        "a control in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\x0bb\r\n\r\n",
        BAD,
    ),
    (
        "a delete in a value",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\x7fb\r\n\r\n",
        BAD,
    ),
    (
        "a bare carriage return",
        "GET / HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n",
        BAD,
    ),
    (
        "a bare carriage return at an end",
        "GET / HTTP/1.1\r\nhost: a\rx: b\r\n\r\n",
        BAD,
    ),
    (
        "the start of HTTP/2 in HTTP/1.1",
        "PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n",
        BAD,
    ),
];

/// Behind `POST / HTTP/1.1` and Host.
pub(crate) const BODIES: [Refused; 22] = [
    (
        "two lengths",
        "content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        BAD,
    ),
    (
        "two lengths in one",
        "content-length: 3, 4\r\n\r\nabcd",
        BAD,
    ),
    ("a signed length", "content-length: +3\r\n\r\nabc", BAD),
    ("a negative length", "content-length: -1\r\n\r\n", BAD),
    ("a length in words", "content-length: three\r\n\r\nabc", BAD),
    (
        "a hexadecimal length",
        "content-length: 0x3\r\n\r\nabc",
        BAD,
    ),
    (
        "a length with a blank in it",
        "content-length: 1 0\r\n\r\nabcdefghij",
        BAD,
    ),
    ("an empty length", "content-length:\r\n\r\n", BAD),
    (
        "a length beyond all numbers",
        "content-length: 99999999999999999999999\r\n\r\n",
        &[400, 413],
    ),
    (
        "a coding that is not chunked",
        "transfer-encoding: gzip\r\n\r\n",
        UNKNOWN,
    ),
    ("identity", "transfer-encoding: identity\r\n\r\n", UNKNOWN),
    (
        "chunked and then another",
        "transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "almost chunked",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "chunked in quotes",
        "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "a length, hidden by a blank",
        "content-length : 3\r\n\r\nabc",
        BAD,
    ),
    (
        "a coding, hidden by a blank",
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a coding, hidden by a fold",
        "transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a coding, hidden by a tab",
        "transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        UNKNOWN,
    ),
    (
        "no size of a chunk",
        "transfer-encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a signed chunk",
        "transfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a hexadecimal sign",
        "transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
        BAD,
    ),
    (
        "a chunk beyond all numbers",
        "transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n",
        BAD,
    ),
];
