//! What is measured: one server, ready, with its access log. Here is what all of them do alike.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::child::Child;

/// Lines are written in blocks, the last ones when the second is over.
const FLUSH: Duration = Duration::from_millis(1_500);

/// What an access line has that tells of a part that was left out.
const DEGRADED: &str = ";reason=";

/// Of so many answers one may lack a part: it does not move the figures.
const ONE_OF: usize = 1_000;

/// A server under test.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) process: Child,
    pub(crate) access_log: PathBuf,
}

impl Target {
    /// Fails when there is not a line for nearly every request, or when answers lacked parts: who skips its log or its
    /// work would win unfairly. Some lines may still be on their way.
    pub(crate) fn check_log(&self, requests: u64) -> anyhow::Result<()> {
        look_through(&self.take_log()?, requests).with_context(|| self.name.to_owned())
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
        Ok(self.take_log()?.lines().count())
    }

    fn take_log(&self) -> anyhow::Result<String> {
        let file = &self.access_log;
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        std::fs::File::options()
            .write(true)
            .truncate(true)
            .open(file)?;
        Ok(text)
    }
}

fn look_through(log: &str, requests: u64) -> anyhow::Result<()> {
    let lines = log.lines().count();
    ensure!(
        lines as u64 * 10 > requests * 9,
        "{lines} access lines for {requests} requests"
    );
    let degraded = log.lines().filter(|line| line.contains(DEGRADED)).count();
    ensure!(
        degraded * ONE_OF <= lines,
        "{degraded} of {lines} answers lacked parts"
    );
    Ok(())
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// Whether somebody listens there.
pub(crate) fn listens(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(whole: usize, degraded: usize) -> String {
        let half = "{\"status\":200,\"degraded\":\"rating;reason=bulkhead_full\"}\n";
        "{\"status\":200,\"degraded\":\"\"}\n".repeat(whole) + &half.repeat(degraded)
    }

    #[test]
    fn answers_that_lack_parts_are_no_result() {
        assert!(look_through(&log(1_999, 1), 2_000).is_ok());
        let error = look_through(&log(1_990, 10), 2_000).unwrap_err();
        assert_eq!(error.to_string(), "10 of 2000 answers lacked parts");
    }

    #[test]
    fn neither_is_a_log_that_lacks_lines() {
        assert!(look_through(&log(91, 0), 100).is_ok());
        assert!(look_through(&log(90, 0), 100).is_err());
    }
}
