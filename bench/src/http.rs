//! As much of an HTTP client as a check and a fixed rate need: GET over a kept connection, answers that say their length.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

/// Longer than any server here takes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longer than any answer here.
const LONGEST: usize = 1024 * 1024;

/// An answer, read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    fields: Vec<(String, String)>,
    pub(crate) content: String,
}

impl Answer {
    /// The first field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The same for a field that must be there.
    pub(crate) fn needed(&self, name: &str) -> anyhow::Result<&str> {
        self.field(name)
            .with_context(|| format!("no {name}: {self:?}"))
    }

    fn parse(head: &str) -> anyhow::Result<Self> {
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap_or_default();
        let status = status.strip_prefix("HTTP/1.1 ").and_then(|s| s.get(..3));
        let fields = lines.filter_map(|line| line.split_once(':'));
        Ok(Self {
            status: status.context("no HTTP/1.1")?.parse()?,
            fields: fields
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            content: String::new(),
        })
    }

    /// How long the content is that follows the head.
    fn length(&self) -> anyhow::Result<usize> {
        if self.status == 304 || self.status == 204 {
            return Ok(0);
        }
        let length = self.needed("content-length")?.parse()?;
        ensure!(length <= LONGEST, "{length} bytes of content");
        Ok(length)
    }
}

/// A kept connection.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    /// Opens it.
    pub(crate) fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self {
            socket,
            read: Vec::new(),
        })
    }

    /// Sends a request as [`get`] writes it, and waits for the whole answer.
    pub(crate) fn ask(&mut self, request: &str) -> anyhow::Result<Answer> {
        self.socket.write_all(request.as_bytes())?;
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at;
            }
            self.more()?;
        };
        let mut answer = Answer::parse(std::str::from_utf8(&self.read[..head])?)?;
        let (from, to) = (head + 4, head + 4 + answer.length()?);
        while self.read.len() < to {
            self.more()?;
        }
        std::str::from_utf8(&self.read[from..to])?.clone_into(&mut answer.content);
        self.read.drain(..to);
        Ok(answer)
    }

    fn more(&mut self) -> anyhow::Result<()> {
        let mut block = [0; 4096];
        match self.socket.read(&mut block)? {
            0 => bail!("closed before the answer was whole"),
            length => self.read.extend_from_slice(&block[..length]),
        }
        ensure!(self.read.len() <= 2 * LONGEST, "an endless answer");
        Ok(())
    }
}

/// A request.
pub(crate) fn get(address: SocketAddr, path: &str, fields: &[(&str, &str)]) -> String {
    let mut request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in fields {
        request.extend([name, ": ", value, "\r\n"]);
    }
    request + "\r\n"
}

/// Asks once, over a connection of its own.
pub(crate) fn ask(
    address: SocketAddr,
    path: &str,
    fields: &[(&str, &str)],
) -> anyhow::Result<Answer> {
    Connection::open(address)?.ask(&get(address, path, fields))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answers_on_one_connection_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            // All at once, although nobody has asked yet.
            socket
                .write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"a\"\r\n\r\nhi\
                      HTTP/1.1 304 Not Modified\r\ncontent-length: 2\r\n\r\n\
                      HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
                )
                .unwrap();
        });
        let mut connection = Connection::open(address).unwrap();
        let mut next = || connection.ask("").unwrap();
        let first = next();
        assert_eq!((first.status, first.content.as_str()), (200, "hi"));
        assert_eq!(first.needed("etag").unwrap(), "\"a\"");
        assert!(first.needed("server-timing").is_err());
        assert_eq!((next().status, next().status), (304, 503));
        server.join().unwrap();
        assert!(connection.ask("").is_err());
    }
}
