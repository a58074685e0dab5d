//! The gateway as it is shipped, on one worker, with everything on.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context as _;

use super::{RATE, ROUTES};
use crate::child::{Child, pinned};
use crate::rounds::PROXY_CORE;
use crate::target::Target;

/// What its routes are like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Outside the migration.
    Plain,
    /// The same, of another build.
    Before,
    /// Legacy answers.
    Legacy,
    /// Legacy answers, a tenth is copied.
    Shadow,
    /// Half and half.
    Canary,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "banyan",
            Self::Before => "before",
            Self::Legacy => "legacy",
            Self::Shadow => "shadow",
            Self::Canary => "canary",
        }
    }

    /// Who answers, as a route says it.
    fn target(self) -> &'static str {
        match self {
            Self::Plain | Self::Before => "upstream = \"origin\"",
            Self::Legacy => {
                "legacy = \"origin\", service = \"origin\", phase = \"legacy\", sticky = [\"header:x-device-id\"]"
            }
            Self::Shadow => {
                "legacy = \"origin\", service = \"origin\", phase = \"shadow\", shadow.percent = 10, sticky = [\"visitor\"]"
            }
            Self::Canary => {
                "legacy = \"origin\", service = \"origin\", phase = \"canary\", canary.percent = 50, sticky = [\"header:x-device-id\"]"
            }
        }
    }

    /// The threads that count.
    fn counted(self) -> &'static str {
        match self {
            Self::Plain | Self::Before => "",
            // What is done beside the requests is not their cost.
            Self::Legacy | Self::Shadow | Self::Canary => "edge-",
        }
    }
}

/// The gateway, ready.
pub(crate) fn start(
    binary: &Path,
    kind: Kind,
    folder: &Path,
    origin: SocketAddr,
) -> anyhow::Result<Target> {
    let folder = folder.join(kind.name());
    std::fs::create_dir(&folder)?;
    let file = folder.join("routes.toml");
    let access_log = folder.join("banyan-access.log");
    let ready = folder.join("ready.json");
    std::fs::write(&file, routes(kind, origin, &access_log))?;
    let mut command = pinned(PROXY_CORE, binary);
    command.arg("serve").arg("--config").arg(file);
    command.arg("--ready-file").arg(&ready);
    let mut process = Child::start("banyan", command, &folder.join("banyan.log"))?;
    let addresses = process.ready(&ready)?;
    let address = addresses["edge"]
        .as_str()
        .context("the ready file names no edge")?;
    Ok(Target {
        name: kind.name(),
        address: address.parse()?,
        process: process.counting(kind.counted()),
        access_log,
    })
}

fn routes(kind: Kind, origin: SocketAddr, access_log: &Path) -> String {
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
            "route.service-{n:03} = {{ path = \"/service-{n:03}\", {}, auth = \"none\", rate_limit = [\"flood\"] }}",
            kind.target()
        );
    }
    text
}
