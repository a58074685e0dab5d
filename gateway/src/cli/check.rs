//! `banyan check [FILE]`.

use std::path::PathBuf;

use serde_json::json;

use super::{Output, load, print};
use crate::app::StartError;
use crate::describe;
use crate::snapshot::Snapshot;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The routes file.
    #[arg(default_value = "routes.toml")]
    file: PathBuf,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let ready = match load::ready(&args.file) {
        Err(StartError::Config(report)) if args.output == Output::Json => {
            print::line(&json!({ "valid": false, "findings": report.to_json() }).to_string());
            anyhow::bail!("{}", report.summary());
        }
        other => other?,
    };
    let public = describe::public_routes(&ready.config).join(", ");
    let routes = ready.config.routes.len();
    let warnings = ready.warnings;
    // What only shows when it is compiled: an expression that is too large, a key file that is none.
    let snapshot = Snapshot::of_file(ready.config)?;
    if args.output == Output::Json {
        let public = describe::public_routes(&snapshot.config);
        print::line(&json!({ "valid": true, "findings": warnings.to_json(), "routes": routes, "public": public }).to_string());
        return Ok(());
    }
    if !warnings.is_empty() {
        print::note(&warnings.render(print::is_watched()));
    }
    print::line(&format!(
        "{} is valid: {routes} routes",
        args.file.display()
    ));
    print::line(&format!(
        "public, no token asked for: {}",
        if public.is_empty() { "none" } else { &public }
    ));
    Ok(())
}
