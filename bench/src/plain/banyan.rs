//! The gateway as it is shipped, on one worker, with everything on.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;

use super::{RATE, ROUTES};
use crate::child::{Child, Core, pinned};
use crate::target::Target;

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
    let mut command = pinned(core, binary);
    command.arg("serve").arg("--config").arg(file);
    command.arg("--ready-file").arg(&ready);
    let mut process = Child::start("banyan", command, &folder.join("banyan.log"))?;
    let addresses = process.ready(&ready)?;
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
