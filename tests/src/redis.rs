//! A Redis of the test's own: Debian's server on a free port, with nothing kept on disk.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

use rustix::process::Signal;

use crate::process::Process;

/// A free port may be taken by another test before the server has it.
const ATTEMPTS: usize = 5;

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts one that knows nothing.
    pub async fn start() -> Self {
        for _ in 0..ATTEMPTS {
            let port = free_port();
            if let Some(process) = started(port).await {
                return Self { process, port };
            }
        }
        panic!("redis-server does not start: is it installed?");
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it. The port stays its own, for [`Gone::start`].
    pub async fn kill(self) -> Gone {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
        Gone { port: self.port }
    }

    /// It answers no more, and closes nothing.
    pub fn freeze(&self) {
        self.process.signal(Signal::STOP);
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.process.signal(Signal::CONT);
    }
}

/// A server that was killed.
#[derive(Debug)]
pub struct Gone {
    port: u16,
}

impl Gone {
    /// Starts it again where it was, with nothing of what it knew.
    pub async fn start(self) -> Redis {
        let process = started(self.port).await;
        Redis {
            process: process.expect("its port is free"),
            port: self.port,
        }
    }
}

/// The server once it takes connections; nothing when it ends before.
async fn started(port: u16) -> Option<Process> {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--save", "", "--appendonly", "no", "--daemonize", "no"]);
    let process = Process::start("redis-server", &mut command);
    let ready = |line: &str| line.contains("Ready to accept connections").then_some(());
    let ready = process.stdout.try_find("its readiness", 0, ready).await;
    ready.map(|()| process)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    address.port()
}
