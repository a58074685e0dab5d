//! The shop and the edge with one command: `cargo run --release -p demo`.

mod places;
mod ports;
mod tour;
mod traffic;
mod parts;
mod children;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::ports::Ports;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Where the commands of `banyan` look, too.
const USUAL_FILE: &str = "routes.toml";
const USUAL_FOLDER: &str = ".dev";

/// Starts the shop (a monolith, its services, a token issuer) and the gateway before it, and says what to try.
#[derive(Clone, Debug, Parser)]
#[command(name = "demo", version)]
struct Args {
    /// The gateway's routes file.
    #[arg(long, default_value = USUAL_FILE)]
    config: PathBuf,
    /// Where the shop keeps its store and the issuer's key.
    #[arg(long, default_value = USUAL_FOLDER)]
    folder: PathBuf,
    /// Moves all ports: port p becomes N + (p - 7000).
    #[arg(long, value_name = "N", default_value_t = ports::BASE)]
    port_base: u16,
    /// A process for each part instead of one for all.
    #[arg(long)]
    processes: bool,
    /// So many requests a second of callers who ask for what is recommended, for the judge to look at; 0 is nobody.
    #[arg(long, value_name = "N", default_value_t = 40)]
    traffic: u32,
    /// Only this part, in this process.
    #[arg(long, hide = true)]
    only: Option<String>,
}

fn main() -> ExitCode {
    let done = run(&Args::parse());
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let ports = Ports::from_base(args.port_base)?;
    match (&args.only, args.processes) {
        (Some(part), _) => parts::run_one(part, args, &ports),
        (None, true) => children::run(args, &ports),
        (None, false) => parts::run_all(args, &ports),
    }
}
