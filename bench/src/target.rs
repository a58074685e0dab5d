//! What is measured: one proxy, ready, with its access log. Here is what all of them do alike.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::child::Child;

/// How many routes a proxy has.
pub(crate) const ROUTES: usize = 100;

/// How long the answer's content is.
pub(crate) const CONTENT: usize = 1024;

/// What is asked for: on a route in the middle of the others.
pub(crate) const PATH: &str = "/service-050/items/17";

/// More than any client sends in a second: the limit is checked, never met.
pub(crate) const RATE: u32 = 1_000_000;

/// A proxy under test.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Child,
    pub(crate) access_log: PathBuf,
}

impl Target {
    /// Asks once, and looks at everything that the comparison takes for granted.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let answer = ask(self.address).with_context(|| self.name.to_owned())?;
        let (head, content) = answer
            .split_once("\r\n\r\n")
            .context("no end of the head")?;
        ensure!(
            head.starts_with("HTTP/1.1 200 "),
            "{} answers {head}",
            self.name
        );
        ensure!(
            content.len() == CONTENT,
            "{}: {} bytes of content",
            self.name,
            content.len()
        );
        // The origin tells what reached it.
        let told = |field: &str| head.lines().any(|line| line == field);
        ensure!(
            told("x-origin: yes") && told("x-seen-forwarded-for: 127.0.0.1"),
            "{} did not ask the origin as a proxy does:\n{head}",
            self.name
        );
        Ok(())
    }

    /// How many lines its access log has grown by, after which it is emptied.
    pub(crate) fn take_log_lines(&self) -> anyhow::Result<usize> {
        let file = &self.access_log;
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        std::fs::File::options()
            .write(true)
            .truncate(true)
            .open(file)?;
        Ok(text.lines().count())
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether somebody listens there.
pub(crate) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

fn ask(address: SocketAddr) -> anyhow::Result<String> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        socket,
        "GET {PATH} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer)?;
    Ok(answer)
}
