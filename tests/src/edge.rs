//! A running gateway: the real binary on free ports, with a routes file that a test can edit while it runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use http::Method;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::Answer;
use crate::binaries;
use crate::client::{Client, Request};
use crate::process::{Ended, Process};
use crate::wire::{Wire, exchange, within};

/// How often the ready file is looked for: the gateway needs tens of milliseconds to start.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

const ROUTES: &str = "routes.toml";

/// Where admin listens: for a gateway a free port, for a command beside it that port.
const ADMIN_BIND: &str = "BANYAN_ADMIN_BIND";

/// A gateway that has not been started yet: its folder and environment.
#[derive(Debug)]
#[must_use = "nothing runs before `start`"]
pub struct Plan {
    folder: TempDir,
    env: Vec<(String, String)>,
}

/// A gateway that is ready. Dropping it kills it; `stop` also checks that it ends well.
#[derive(Debug)]
pub struct Edge {
    /// The public listener.
    pub address: SocketAddr,
    /// The internal listener, where the routes file has one.
    pub internal_address: Option<SocketAddr>,
    /// The admin listener.
    pub admin_address: SocketAddr,
    /// The process, for its lines and signals.
    pub process: Process,
    client: Client,
    internal: Option<Client>,
    admin: Client,
    plan: Plan,
}

impl Plan {
    /// Adds a variable to the gateway's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Puts a file beside routes.toml.
    pub fn file(self, name: &str, content: &str) -> Self {
        replace(&self.folder.path().join(name), content);
        self
    }

    /// Starts the gateway and waits until it is ready.
    pub async fn start(self) -> Edge {
        let ready = self.folder.path().join("ready.json");
        // Of one that ran here before.
        let _ = std::fs::remove_file(&ready);
        let mut command = self.command(&["serve"]);
        command
            .args(["--config", ROUTES, "--ready-file"])
            .arg(&ready);
        let mut process = Process::start("banyan", &mut command);
        let addresses = within("the gateway's start", read_when_there(&ready, &mut process)).await;
        let found = |listener: &str| addresses[listener].as_str()?.parse::<SocketAddr>().ok();
        let address = |listener: &str| {
            found(listener).unwrap_or_else(|| panic!("no address of {listener} in {addresses}"))
        };
        let (edge, admin) = (address("edge"), address("admin"));
        let internal = found("internal");
        Edge {
            address: edge,
            internal_address: internal,
            admin_address: admin,
            process,
            client: Client::new(edge),
            internal: internal.map(Client::new),
            admin: Client::new(admin),
            plan: self,
        }
    }

    /// Starts a gateway that is not expected to run, and waits until it has given up.
    pub async fn fails_to_start(self) -> Ended {
        self.run(&["serve"]).await
    }

    /// Runs a command of the gateway in this folder.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        Process::start("banyan", &mut command).ended().await
    }

    /// The routes file as it is now.
    pub fn routes(&self) -> String {
        let file = self.folder.path().join(ROUTES);
        std::fs::read_to_string(file).expect("the routes file")
    }

    /// Edits the routes file as editors do: the new text under another name, then renamed over the old one.
    pub fn edit(&self, change: impl FnOnce(&str) -> String) {
        let changed = change(&self.routes());
        replace(&self.folder.path().join(ROUTES), &changed);
    }

    /// The folder with routes.toml.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binaries::banyan());
        command.args(arguments).current_dir(self.folder.path());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("BANYAN_") {
                command.env_remove(name);
            }
        }
        command
            .env("BANYAN_BIND", "127.0.0.1:0")
            .env("BANYAN_INTERNAL_BIND", "127.0.0.1:0")
            .env(ADMIN_BIND, "127.0.0.1:0")
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl Edge {
    /// A gateway with this routes file. What a test does not care about is added: the version and free ports.
    pub fn with_routes(routes: &str) -> Plan {
        Self::with_exactly(&completed(routes))
    }

    /// A gateway with exactly this routes file.
    pub fn with_exactly(routes: &str) -> Plan {
        let plan = Self::in_empty_folder();
        plan.file(ROUTES, routes)
    }

    /// A gateway whose file is written by `banyan init` and left as it is.
    pub async fn from_init(legacy: &str) -> Plan {
        let plan = Self::in_empty_folder();
        let ended = plan.run(&["init", "--legacy", legacy]).await;
        assert_eq!(ended.code, Some(0), "banyan init: {ended:?}");
        plan
    }

    /// A folder in which commands can be run.
    pub fn in_empty_folder() -> Plan {
        Plan {
            folder: tempfile::tempdir().expect("a temporary folder"),
            env: Vec::new(),
        }
    }

    /// Starts a GET through the edge.
    pub fn get(&self, path: &str) -> Request {
        self.client.get(path)
    }

    /// Starts a POST through the edge.
    pub fn post(&self, path: &str) -> Request {
        self.client.post(path)
    }

    /// Starts a request through the edge.
    pub fn request(&self, method: &Method, path: &str) -> Request {
        self.client.request(method, path)
    }

    /// The client behind `get`, for a test that shares it between tasks.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A connection to the edge.
    pub async fn wire(&self) -> Wire {
        Wire::connect(self.address).await
    }

    /// Sends exactly these bytes on a connection of their own.
    pub async fn exchange(&self, request: impl AsRef<[u8]>) -> Answer {
        exchange(self.address, request).await
    }

    /// Starts a GET on the internal listener, as a backend for frontends does.
    pub fn internal(&self, path: &str) -> Request {
        self.internal_client().get(path)
    }

    /// The client behind `internal`.
    pub fn internal_client(&self) -> Client {
        let client = self.internal.clone();
        client.expect("the routes file has [internal]")
    }

    /// Starts a GET on the admin listener.
    pub fn admin(&self, path: &str) -> Request {
        self.admin.get(path)
    }

    /// A client of the admin listener.
    pub fn admin_client(&self) -> Client {
        self.admin.clone()
    }

    /// Reloads by `POST /reload` and hands back what it says.
    pub async fn reload(&self) -> Answer {
        self.admin.post("/reload").send().await
    }

    /// The routes file as it is now.
    pub fn routes(&self) -> String {
        self.plan.routes()
    }

    /// Edits the routes file as editors do.
    pub fn edit(&self, change: impl FnOnce(&str) -> String) {
        self.plan.edit(change);
    }

    /// Edits the routes file and waits until the new one rules.
    pub async fn take_over(&self, change: impl FnOnce(&str) -> String) {
        let lines = self.process.stderr.count();
        self.edit(change);
        let taken = |line: &str| line.contains("taken over").then_some(());
        self.logged("the new routes file in force", lines, taken)
            .await;
    }

    /// Runs a command of the gateway beside the running one, which it finds as an operator's would.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.plan.command(arguments);
        command
            .env(ADMIN_BIND, self.admin_address.to_string())
            .env("BANYAN_ADMIN_URL", format!("http://{}", self.admin_address));
        Process::start("banyan", &mut command).ended().await
    }

    /// The folder with routes.toml.
    pub fn folder(&self) -> PathBuf {
        self.plan.folder.path().to_owned()
    }

    /// Waits for a line of its log, from line `from` on, that `wanted` makes something of.
    pub async fn logged<T>(
        &self,
        what: &str,
        from: usize,
        wanted: impl FnMut(&str) -> Option<T>,
    ) -> T {
        self.process.stderr.find(what, from, wanted).await
    }

    /// Waits for an access line that `wanted` accepts.
    pub async fn access_line(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let parse = |line: &str| {
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
        };
        let find = |line: &str| Some(parse(line)).filter(|line| wanted(line));
        self.process.stdout.find(what, 0, find).await
    }

    /// Asks it to end, and checks that it ends well.
    pub async fn stop(self) -> Ended {
        self.ended_well().await.1
    }

    /// The same; what may be started again in its folder.
    pub async fn stopped(self) -> Plan {
        self.ended_well().await.0
    }

    /// Kills it without a word; what may be started again in its folder.
    pub async fn killed(self) -> Plan {
        self.process.signal(Signal::KILL);
        self.process.ended().await;
        self.plan
    }

    async fn ended_well(self) -> (Plan, Ended) {
        let ended = self.process.stop().await;
        assert_eq!(ended.code, Some(0), "the gateway's end: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        (self.plan, ended)
    }
}

async fn read_when_there(ready: &Path, process: &mut Process) -> Value {
    loop {
        // It appears whole: the gateway renames it into place.
        if let Ok(text) = std::fs::read_to_string(ready) {
            return serde_json::from_str(&text).expect("the ready file is JSON");
        }
        assert!(
            process.is_running(),
            "the gateway did not start:\n{}",
            process.said()
        );
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn replace(file: &Path, content: &str) {
    let fresh = file.with_extension("fresh");
    std::fs::write(&fresh, content).expect("the folder can be written");
    std::fs::rename(&fresh, file).expect("the file can be replaced");
}

fn completed(routes: &str) -> String {
    let mut text = String::new();
    if !routes.lines().any(|line| line.starts_with("version")) {
        text.push_str("version = 1\n");
    }
    text.push_str(routes);
    for (listener, bind) in [("edge", "127.0.0.1:0"), ("admin", "${BANYAN_ADMIN_BIND}")] {
        let header = format!("[{listener}]");
        if !routes.lines().any(|line| line.trim().starts_with(&header)) {
            text.extend(["\n", &header, "\nbind = \"", bind, "\"\n"]);
        }
    }
    text
}
