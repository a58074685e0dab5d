//! Where the demo keeps what it makes, beside the shop's own places.

use std::path::PathBuf;

use crate::Args;

/// Where access lines go: the terminal has the tour.
pub(crate) fn access_log(args: &Args) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&args.folder)?;
    Ok(args.folder.canonicalize()?.join("access.log"))
}
