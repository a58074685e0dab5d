//! An answer, as bytes.

use http::header::{CONNECTION, CONTENT_LENGTH, DATE, TRANSFER_ENCODING};
use http::{HeaderMap, StatusCode};

/// How an answer's body is told from what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The status says that there is none.
    None,
    /// There is none here; a GET would have been given one of this length, if the answer says so.
    Head,
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// Until the connection closes, for clients that know no chunks.
    Close,
}

/// Writes an answer's head. `date` is left to us unless the answer has one.
pub fn write_head(
    out: &mut Vec<u8>,
    status: StatusCode,
    fields: &HeaderMap,
    delivery: Delivery,
    connection: &[u8],
    date: &[u8],
) {
    write_status(out, status);
    for (name, value) in fields {
        // How the message goes over this connection is not the answer's to say; nor how long what is not sent.
        let is_ours = *name == TRANSFER_ENCODING
            || *name == CONTENT_LENGTH && !matches!(delivery, Delivery::Head)
            || *name == CONNECTION && status != StatusCode::SWITCHING_PROTOCOLS;
        if !is_ours {
            write_field(out, name.as_str().as_bytes(), value.as_bytes());
        }
    }
    match delivery {
        Delivery::Length(length) => {
            let mut digits = itoa::Buffer::new();
            write_field(out, b"content-length", digits.format(length).as_bytes());
        }
        Delivery::Chunked => out.extend_from_slice(b"transfer-encoding: chunked\r\n"),
        Delivery::None | Delivery::Head | Delivery::Close => {}
    }
    if !connection.is_empty() {
        write_field(out, b"connection", connection);
    }
    if !fields.contains_key(DATE) {
        write_field(out, b"date", date);
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes an answer that is not the last: a 100 or a 103.
pub fn write_interim(out: &mut Vec<u8>, status: StatusCode, fields: &HeaderMap) {
    write_status(out, status);
    for (name, value) in fields {
        write_field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn write_status(out: &mut Vec<u8>, status: StatusCode) {
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// Writes what stands before a chunk.
pub fn write_chunk_size(out: &mut Vec<u8>, size: usize) {
    use std::io::Write as _;
    // Writing to a Vec does not fail.
    let _ = write!(out, "{size:X}\r\n");
}

/// Writes the end of a chunked body.
pub fn write_last_chunk(out: &mut Vec<u8>, trailers: Option<&HeaderMap>) {
    out.extend_from_slice(b"0\r\n");
    for (name, value) in trailers.into_iter().flatten() {
        write_field(out, name.as_str().as_bytes(), value.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn head(status: StatusCode, delivery: Delivery, connection: &[u8]) -> String {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_LENGTH, HeaderValue::from_static("9"));
        fields.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        fields.insert("x-a", HeaderValue::from_static("b"));
        let mut out = Vec::new();
        write_head(&mut out, status, &fields, delivery, connection, b"now");
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_framing_is_said_once() {
        assert_eq!(
            head(StatusCode::OK, Delivery::Length(3), b""),
            "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 3\r\ndate: now\r\n\r\n"
        );
        assert_eq!(
            head(StatusCode::OK, Delivery::Chunked, b"close"),
            "HTTP/1.1 200 OK\r\nx-a: b\r\ntransfer-encoding: chunked\r\nconnection: close\r\ndate: now\r\n\r\n"
        );
        assert_eq!(
            head(StatusCode::OK, Delivery::Head, b""),
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\nx-a: b\r\ndate: now\r\n\r\n"
        );
        assert_eq!(
            head(StatusCode::NO_CONTENT, Delivery::None, b""),
            "HTTP/1.1 204 No Content\r\nx-a: b\r\ndate: now\r\n\r\n"
        );
    }

    #[test]
    fn chunks_are_written_as_they_are_read() {
        let mut out = Vec::new();
        write_chunk_size(&mut out, 26);
        assert_eq!(out, b"1A\r\n");
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        out.clear();
        write_last_chunk(&mut out, Some(&trailers));
        assert_eq!(out, b"0\r\nx-sum: 7\r\n\r\n");
    }
}
