//! The gateway as it is shipped, on one worker, with everything on.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::child::{Child, Core};
use crate::target::{RATE, ROUTES, Target};

/// The gateway, ready.
pub(crate) fn start(
    binary: &Path,
    core: Core,
    folder: &Path,
    origin: SocketAddr,
) -> anyhow::Result<Target> {
    let file = folder.join("routes.toml");
    let access_log = folder.join("banyan-access.log");
    let ready = folder.join("ready.json");
    std::fs::write(&file, routes(origin, &access_log))?;
    let arguments: [PathBuf; 6] = [
        binary.into(),
        "serve".into(),
        "--config".into(),
        file,
        "--ready-file".into(),
        ready.clone(),
    ];
    let mut process = Child::start("banyan", core, arguments, &folder.join("banyan.log"))?;
    process
        .until(|| ready.exists())
        .with_context(|| std::fs::read_to_string(folder.join("banyan.log")).unwrap_or_default())?;
    let addresses: serde_json::Value = serde_json::from_slice(&std::fs::read(&ready)?)?;
    let address = addresses["edge"]
        .as_str()
        .context("the ready file names no edge")?;
    Ok(Target {
        name: "banyan",
        address: address.parse()?,
        process,
        access_log,
    })
}

fn routes(origin: SocketAddr, access_log: &Path) -> String {
    let log = access_log.display();
    let mut text = format!(
        "version = 1
edge = {{ bind = \"127.0.0.1:0\", workers = 1 }}
admin.bind = \"127.0.0.1:0\"
log.access = \"{log}\"
rate_limit.flood = {{ key = \"ip\", rate = \"{RATE}/s\", burst = {RATE} }}
upstream.origin.endpoints = [\"http://{origin}\"]
"
    );
    for n in 0..ROUTES {
        let _ = writeln!(
            text,
            "route.service-{n:03} = {{ path = \"/service-{n:03}\", upstream = \"origin\", auth = \"none\", rate_limit = [\"flood\"] }}"
        );
    }
    text
}
