//! A BFF in a process of its own. All are told the same things in the same way.

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use super::origin::Backends;
use crate::child::Child;
use crate::target::Target;

/// What a BFF is given.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) backends: &'a Backends,
}

/// The BFF that `command` runs, ready.
pub(crate) fn start(
    name: &'static str,
    mut command: Command,
    places: &Places<'_>,
) -> anyhow::Result<Target> {
    let file = |what: &str| places.folder.join(format!("{name}-{what}"));
    let (access_log, ready) = (file("access.log"), file("ready.json"));
    let Backends {
        catalog,
        reviews,
        inventory,
    } = places.backends;
    command
        .env("BFF_BIND", "127.0.0.1:0")
        .env("BFF_MODE", "direct")
        .env("BFF_WORKERS", "1")
        // Each request asks the backends: what is compared is composing, not remembering.
        .env("BFF_CACHE_BYTES", "0")
        // More than there are requests at once: a part that finds no place is left out, and an answer without it is cheap.
        .env("BFF_CALLS_PER_BACKEND", "1024")
        .env("BFF_LOG_LEVEL", "warn")
        .env("BFF_ACCESS_LOG", &access_log)
        .env("BFF_CATALOG_URL", format!("http://{catalog}/api/products"))
        .env("BFF_REVIEWS_URL", format!("http://{reviews}/api/reviews"))
        .env("BFF_INVENTORY_URL", format!("http://{inventory}/api/stock"))
        // Of no use to this screen, but a BFF wants to know them all.
        .env(
            "BFF_RECOMMENDATIONS_URL",
            format!("http://{catalog}/api/related"),
        )
        .env("BFF_ORDERS_URL", format!("http://{catalog}/api/orders"))
        .env("BFF_USERS_URL", format!("http://{catalog}/api/users"))
        .arg("--ready-file")
        .arg(&ready);
    let mut process = Child::start(name, command, &file("output.log"))?;
    let addresses = process.ready(&ready)?;
    let address = addresses["bind"]
        .as_str()
        .context("the ready file says no bind")?;
    Ok(Target {
        name,
        address: address.parse()?,
        process,
        access_log,
    })
}
