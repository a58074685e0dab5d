//! What is measured: one server, ready, with its access log. Here is what all of them do alike.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::child::Child;

/// Lines are written in blocks, the last ones when the second is over.
const FLUSH: Duration = Duration::from_millis(1_500);

/// A server under test.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Child,
    pub(crate) access_log: PathBuf,
}

impl Target {
    /// Fails when there is not a line for nearly every request: who skips its log would win unfairly. Some lines may
    /// still be on their way.
    pub(crate) fn check_log(&self, requests: u64) -> anyhow::Result<()> {
        let lines = self.take_log_lines()? as u64;
        ensure!(
            lines * 10 > requests * 9,
            "{} wrote {lines} access lines for {requests} requests",
            self.name
        );
        Ok(())
    }

    /// Waits until all lines are written, and fails when there is not one for each request.
    pub(crate) fn check_whole_log(&self, requests: usize) -> anyhow::Result<()> {
        std::thread::sleep(FLUSH);
        let lines = self.take_log_lines()?;
        ensure!(
            lines == requests,
            "{lines} access lines for {requests} requests"
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
