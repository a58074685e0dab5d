//! Where the demo keeps what it makes, beside the shop's own places.

use std::path::PathBuf;

use crate::Args;

/// The gateway's.
pub(crate) const ACCESS_LOG: &str = "access.log";

/// Where access lines go: the terminal has the tour.
pub(crate) fn log(args: &Args, name: &str) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&args.folder)?;
    Ok(args.folder.canonicalize()?.join(name))
}
