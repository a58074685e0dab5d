//! The shop's stub backends, each a process of its own on a free port, over one store and one issuer's key.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::Method;
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::Answer;
use crate::binaries;
use crate::client::Client;
use crate::edge::{Edge, Plan};
use crate::process::Process;
use crate::tree;

/// The parts, each with the variable of routes.toml that names its port.
const PARTS: [(&str, &str); 9] = [
    ("monolith", "MONOLITH_PORT"),
    ("users", "USERS_PORT"),
    ("catalog", "CATALOG_PORT"),
    ("reviews", "REVIEWS_PORT"),
    ("inventory", "INVENTORY_PORT"),
    ("recommendations", "RECOMMENDATIONS_PORT"),
    ("orders", "ORDERS_PORT"),
    ("payments", "PAYMENTS_PORT"),
    ("issuer", "ISSUER_PORT"),
];

/// The repository's own routes.toml.
pub fn routes() -> String {
    tree::read(Path::new("routes.toml"))
}

/// A routes.toml in which whoever reads orders has them from their service.
pub fn with_orders_moved(routes: &str) -> String {
    let shadow = "phase = \"shadow\"";
    assert!(routes.contains(shadow), "{routes}");
    routes.replacen(shadow, "canary.percent = 100\nphase = \"canary\"", 1)
}

/// The whole shop, listening.
#[derive(Debug)]
pub struct Shop {
    stubs: Vec<Stub>,
    folder: TempDir,
}

/// One part of it.
#[derive(Debug)]
pub struct Stub {
    name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// The process, for its signals.
    pub process: Process,
    client: Client,
}

impl Shop {
    /// Starts every part.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut stubs = Vec::new();
        for (name, _) in PARTS {
            stubs.push(Stub::start(name, folder.path(), 0).await);
        }
        Self { stubs, folder }
    }

    /// A part by its name.
    pub fn stub(&self, name: &str) -> &Stub {
        let found = self.stubs.iter().find(|stub| stub.name == name);
        found.unwrap_or_else(|| panic!("{name} is no part of the shop"))
    }

    /// A gateway before it, with the repository's own routes.toml.
    pub fn edge(&self) -> Plan {
        self.edge_with(&routes())
    }

    /// A gateway before it, with that file changed.
    pub fn edge_with(&self, routes: &str) -> Plan {
        let mut plan = Edge::with_exactly(routes);
        for (name, variable) in PARTS {
            plan = plan.env(variable, &self.stub(name).address.port().to_string());
        }
        plan
    }

    /// A token that the gateway before this shop believes: `who` is what `banyan token` is told.
    pub async fn token(&self, edge: &Edge, who: &[&str]) -> String {
        let key = self.key();
        let key = key.to_str().expect("a path of a temporary folder");
        let arguments = [&["token", "--key", key], who].concat();
        let ended = edge.run(&arguments).await;
        assert_eq!(ended.code, Some(0), "banyan token: {ended:?}");
        ended.stdout.trim().to_owned()
    }

    /// The issuer's key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("issuer-key.pem")
    }
}

impl Stub {
    /// Starts one part on this port, 0 for a free one.
    pub async fn start(name: &'static str, folder: &Path, port: u16) -> Self {
        let mut command = Command::new(binaries::stubs());
        command.args([name, "--port", &port.to_string(), "--folder"]);
        command.arg(folder);
        let process = Process::start(name, &mut command);
        let address = process
            .stdout
            .find(&format!("the address of {name}"), 0, |line| {
                line.split_once("http://")?.1.parse().ok()
            })
            .await;
        Self {
            name,
            address,
            process,
            client: Client::new(address),
        }
    }

    /// Changes some of its switches: `{"hang": true}`.
    pub async fn switch(&self, change: Value) {
        let request = self.client.request(&Method::PUT, "/__stub");
        let answer = request.json(&change).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// Puts all switches back.
    pub async fn restore(&self) {
        let request = self.client.request(&Method::DELETE, "/__stub");
        assert_eq!(request.send().await.status, 200);
    }

    /// What it has received.
    pub async fn seen(&self) -> Vec<Value> {
        let seen = self.client.get("/__stub/seen").send().await.json();
        seen["requests"].as_array().cloned().unwrap_or_default()
    }

    /// How many requests it has received.
    pub async fn asked(&self) -> u64 {
        let seen = self.client.get("/__stub/seen").send().await.json();
        seen["total"].as_u64().expect("a number of requests")
    }

    /// Asks it directly.
    pub async fn get(&self, path: &str) -> Answer {
        self.client.get(path).send().await
    }
}
