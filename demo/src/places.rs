//! Where the demo keeps what it makes, beside the shop's own places.

use std::path::PathBuf;

use crate::Args;

/// The gateway's.
const ACCESS_LOG: &str = "access.log";
const STATE: &str = "banyan.db";

/// What the gateway keeps.
pub(crate) struct Kept {
    pub(crate) access_log: PathBuf,
    /// How far routes have got. It outlives the demo.
    pub(crate) state: PathBuf,
}

/// Where that is.
pub(crate) fn kept(args: &Args) -> anyhow::Result<Kept> {
    Ok(Kept {
        access_log: file(args, ACCESS_LOG)?,
        state: file(args, STATE)?,
    })
}

/// A file in the demo's folder. Access lines go to one, since the terminal has the tour.
pub(crate) fn file(args: &Args, name: &str) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(&args.folder)?;
    Ok(args.folder.canonicalize()?.join(name))
}
