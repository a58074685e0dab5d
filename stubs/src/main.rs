//! The binary `stubs`: one part of the shop, or all of it, in a process of its own.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chassis::drain::Signals;
use chassis::tasks::Tasks;
use clap::Parser;
use stubs::shop::{self, PARTS, Part, Places};
use stubs::switches::{Change, Settings};

/// What runs at the end gets this long.
const DRAIN: Duration = Duration::from_secs(10);

/// A part of the shop: monolith, users, catalog, reviews, inventory, recommendations, orders, payments, issuer, or all.
#[derive(Debug, Parser)]
#[command(name = "stubs", version)]
struct Args {
    /// Which part.
    part: String,
    /// Its port, 0 for a free one; `all` has the usual ones.
    #[arg(long)]
    port: Option<u16>,
    /// Where it listens.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    host: IpAddr,
    /// Where the shop keeps its store and the issuer's key; stubs with the same folder share them.
    #[arg(long, default_value = ".dev")]
    folder: PathBuf,
    /// Switches at start, as `PUT /__stub` takes them.
    #[arg(long, value_name = "JSON")]
    switches: Option<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> anyhow::Result<()> {
    let mut settings = Settings::default();
    if let Some(json) = &args.switches {
        let change: Change = serde_json::from_str(json)?;
        settings.change(change)?;
    }
    let parts: Vec<Part> = PARTS
        .into_iter()
        .filter(|part| args.part == "all" || args.part == part.name)
        .collect();
    if parts.is_empty() {
        let known: Vec<&str> = PARTS.iter().map(|part| part.name).collect();
        anyhow::bail!(
            "{:?} is no part of the shop; there is all, {}",
            args.part,
            known.join(", ")
        );
    }
    let with_ports: Vec<_> = parts
        .iter()
        .map(|part| {
            (
                *part,
                SocketAddr::new(
                    args.host,
                    args.port.filter(|_| parts.len() == 1).unwrap_or(part.port),
                ),
            )
        })
        .collect();
    let tasks = Tasks::new();
    let mut signals = Signals::listen()?;
    let places = Places::below(&args.folder);
    for (part, address) in shop::start(&with_ports, &places, |_| settings.clone(), &tasks)? {
        writeln!(std::io::stdout(), "{} http://{address}", part.name)?;
    }
    signals.next().await;
    tasks.stop();
    tasks.ended(DRAIN).await?;
    Ok(())
}
