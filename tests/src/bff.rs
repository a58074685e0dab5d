//! A running BFF: the real binary on a free port, told by its environment alone.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::binaries;
use crate::client::{Client, Request};
use crate::process::{Ended, Process};
use crate::wire::within;

/// How often the ready file is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A BFF that is ready. Dropping it kills it; `stop` also checks that it ends well.
#[derive(Debug)]
pub struct Bff {
    /// Where it listens.
    pub address: SocketAddr,
    /// The process, for its lines and signals.
    pub process: Process,
    client: Client,
    _folder: TempDir,
}

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Rich pages.
    Web,
    /// Small screens.
    Mobile,
}

impl Which {
    fn command(self) -> (&'static str, Command) {
        match self {
            Self::Web => ("bff-web", Command::new(binaries::bff_web())),
            Self::Mobile => ("bff-mobile", Command::new(binaries::bff_mobile())),
        }
    }
}

impl Bff {
    /// Starts one with these variables and waits until it is ready.
    pub async fn start(which: Which, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready = folder.path().join("ready.json");
        let (name, mut command) = command(which, env);
        command.arg("--ready-file").arg(&ready);
        let mut process = Process::start(name, &mut command);
        let said = within("the BFF's start", read_when_there(&ready, &mut process)).await;
        let address = said["bind"].as_str().and_then(|text| text.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address in {said}"));
        Self {
            address,
            process,
            client: Client::new(address),
            _folder: folder,
        }
    }

    /// Starts one behind a gateway's internal listener.
    pub async fn behind(which: Which, internal: SocketAddr) -> Self {
        let gateway = format!("http://{internal}");
        Self::start(which, &[("BFF_GATEWAY_URL", &gateway)]).await
    }

    /// Starts one in place of another that was killed, at its address.
    pub async fn again(which: Which, killed: Self, internal: SocketAddr) -> Self {
        let address = killed.address.to_string();
        killed.process.ended().await;
        let gateway = format!("http://{internal}");
        let env = [
            ("BFF_GATEWAY_URL", gateway.as_str()),
            ("BFF_BIND", &address),
        ];
        Self::start(which, &env).await
    }

    /// Starts one that is not expected to run, and waits until it has given up.
    pub async fn fails_to_start(which: Which, env: &[(&str, &str)]) -> Ended {
        let (name, mut command) = command(which, env);
        Process::start(name, &mut command).ended().await
    }

    /// Starts a GET, past any edge.
    pub fn get(&self, path: &str) -> Request {
        self.client.get(path)
    }

    /// A client of its own connections.
    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// One of its figures; 0 while it has none of that name and labels.
    pub async fn metric(&self, series: &str) -> f64 {
        let answer = self.get("/metrics").send().await;
        let mut lines = answer.text().lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.trim().parse().ok());
        value.unwrap_or(0.0)
    }

    /// Asks it to end, and checks that it ends well.
    pub async fn stop(self) -> Ended {
        let ended = self.process.stop().await;
        assert_eq!(ended.code, Some(0), "the BFF's end: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }
}

fn command(which: Which, env: &[(&str, &str)]) -> (&'static str, Command) {
    let (name, mut command) = which.command();
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("BFF_") {
            command.env_remove(name);
        }
    }
    command
        .env("BFF_BIND", "127.0.0.1:0")
        .envs(env.iter().copied());
    (name, command)
}

async fn read_when_there(ready: &Path, process: &mut Process) -> Value {
    loop {
        // It appears whole: the BFF renames it into place.
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).expect("the ready file is JSON");
        }
        assert!(
            process.is_running(),
            "the BFF did not start:\n{}",
            process.said()
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
