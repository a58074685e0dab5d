//! `banyan serve`.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::drain::Signals;
use serde_json::json;
use upstream::Endpoint;

use super::{FileArg, load, print, routes};
use crate::app::{self, Running};
use crate::describe;
use crate::route::compiled::Route;

/// How long an upstream may take to accept a connection before it is called out.
const PROBE: Duration = Duration::from_millis(300);

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    file: FileArg,
    /// Writes the addresses as JSON to this file once requests are taken.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let options = load::options(&args.file.config);
    let ready = app::read(&options)?;
    chassis::telemetry::log::init(&ready.config.log.level, ready.config.log.format)
        .context("log.level")?;
    if !ready.warnings.is_empty() {
        print::note(&ready.warnings.render(print::is_watched()));
    }
    let running = app::start(options, ready)?;
    // From here on a signal drains.
    let mut signals = running.block_on(async { Signals::listen() })?;
    if let Some(path) = &args.ready_file {
        write_ready(path, &running)?;
    }
    if print::is_watched() {
        introduce(&running);
    }
    let internal = running.internal.map(tracing::field::display);
    tracing::info!(edge = %running.edge, internal, admin = %running.admin, "ready");
    for refusing in refusing(&running) {
        tracing::warn!(endpoint = refusing, "an upstream refuses connections");
    }
    let signal = running.block_on(signals.next());
    running.say_draining();
    tracing::info!(signal, "draining");
    // A second signal ends the process at once, by the system's own rule.
    let unfinished = running.stop();
    for left in &unfinished {
        tracing::warn!(left, "the drain was cut short");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Written beside and renamed, so that whoever waits for it reads all of it.
fn write_ready(path: &Path, running: &Running) -> anyhow::Result<()> {
    let mut addresses = json!({ "edge": running.edge, "admin": running.admin });
    if let Some(internal) = running.internal {
        addresses["internal"] = json!(internal);
    }
    let beside = path.with_extension("new");
    let written = std::fs::write(&beside, addresses.to_string())
        .and_then(|()| std::fs::rename(&beside, path));
    written.with_context(|| format!("--ready-file {}", path.display()))
}

fn introduce(running: &Running) {
    let snapshot = running.shared.current.load();
    let standings = running.progress().standings();
    let rows = describe::rows_in_force(&snapshot.config, snapshot.order(), &standings);
    print::note(&routes::table(&rows));
    print::note("");
    let public = describe::public_routes(&snapshot.config);
    if !public.is_empty() {
        print::note(&format!(
            "public, no token asked for: {}",
            public.join(", ")
        ));
    }
    print::note(&format!("edge      http://{}", running.edge));
    if let Some(internal) = running.internal {
        print::note(&format!("internal  http://{internal}"));
    }
    print::note(&format!("admin     http://{}", running.admin));
    print::note("");
}

/// The endpoints that nobody answers at. A monolith that nothing leads to any more may be off.
fn refusing(running: &Running) -> Vec<String> {
    let snapshot = running.shared.current.load();
    let backends = snapshot.routes.iter().flat_map(Route::backends);
    let used = backends.map(|backend| (&backend.upstream.name, &backend.upstream));
    let used: BTreeMap<_, _> = used.collect();
    let members = used.values().flat_map(|upstream| upstream.fleet.members());
    let endpoints = members.map(|member| member.endpoint);
    let answers = |address: &SocketAddr| TcpStream::connect_timeout(address, PROBE).is_ok();
    let refuses = |endpoint: &Arc<Endpoint>| {
        if let Some(address) = endpoint.address() {
            return !answers(&address);
        }
        let place = endpoint.place();
        let found = (place.host.as_str(), place.port).to_socket_addrs();
        !found.into_iter().flatten().any(|address| answers(&address))
    };
    endpoints
        .filter(refuses)
        .map(|endpoint| endpoint.to_string())
        .collect()
}
