//! A running BFF: the real binary on a free port, over a gateway's internal listener.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

use crate::binaries;
use crate::client::{Client, Request};
use crate::edge::{Edge, when_ready};
use crate::process::{Ended, Process};
use crate::wire::within;

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

impl Bff {
    /// The web shop's, over this gateway.
    pub async fn web(edge: &Edge) -> Self {
        Self::over(internal(edge), "bff-web", &[]).await
    }

    /// The apps', over this gateway, with these variables besides.
    pub async fn mobile(edge: &Edge, env: &[(&str, &str)]) -> Self {
        Self::over(internal(edge), "bff-mobile", env).await
    }

    /// One by its name, over whatever is at this address.
    pub async fn over(gateway: SocketAddr, name: &str, env: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ready = folder.path().join("ready.json");
        let binary = match name {
            "bff-web" => binaries::bff_web(),
            "bff-mobile" => binaries::bff_mobile(),
            _ => panic!("{name} is no BFF"),
        };
        let mut command = Command::new(binary);
        command
            .current_dir(folder.path())
            .arg("--ready-file")
            .arg(&ready);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BFF_") {
                command.env_remove(name);
            }
        }
        command
            .env("BFF_BIND", "127.0.0.1:0")
            .env("BFF_GATEWAY_URL", format!("http://{gateway}"))
            .env("BFF_ACCESS_LOG", "off")
            .envs(env.iter().copied());
        let mut process = Process::start(name, &mut command);
        let addresses = within("a BFF's start", when_ready(&ready, &mut process)).await;
        let address = addresses["bind"]
            .as_str()
            .and_then(|bind| bind.parse().ok());
        let address = address.unwrap_or_else(|| panic!("no address of {name} in {addresses}"));
        Self {
            address,
            process,
            client: Client::new(address),
            _folder: folder,
        }
    }

    /// Starts a GET, straight to it.
    pub fn get(&self, path: &str) -> Request {
        self.client.get(path)
    }

    /// Asks it to end, and checks that it ends well.
    pub async fn stop(self) -> Ended {
        let ended = self.process.stop().await;
        assert_eq!(ended.code, Some(0), "the BFF's end: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }
}

fn internal(edge: &Edge) -> SocketAddr {
    let address = edge.internal_address;
    address.expect("the routes file has [internal]")
}
