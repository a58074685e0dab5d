//! Runs proxies side by side in interleaved rounds and prints the CPU that one request costs, from the kernel.

mod child;
mod target;
mod nginx;
mod banyan;
mod wrk;
mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use crate::child::Core;
use crate::report::Round;
use crate::target::Target;
use crate::wrk::Load;

/// Where the proxies run.
const PROXY_CORE: Core = 1;

/// Where the load and the origin run.
const OTHER_CORE: Core = 0;

/// Before the first round: connections open, caches warm.
const WARM_UP_SECONDS: u32 = 2;

#[derive(Debug, Parser)]
#[command(about = "CPU per request, side by side")]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Keep-alive HTTP/1.1, answers of 1 KB, a hundred routes, a limit, access log and metrics on.
    Plain(Options),
}

#[derive(Debug, clap::Args)]
struct Options {
    /// How often each proxy is measured.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Kept connections.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    connections: u32,
    /// What is measured, in this order; ratios are to the last one.
    #[arg(long, value_delimiter = ',', default_values = ["banyan", "nginx"])]
    targets: Vec<Name>,
    /// The gateway's binary.
    #[arg(long, default_value = "target/dist/banyan")]
    banyan: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Banyan,
    Nginx,
}

fn main() -> anyhow::Result<()> {
    let Scenario::Plain(options) = Arguments::parse().scenario;
    plain(&options)
}

fn plain(options: &Options) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > PROXY_CORE, "two cores are needed, here is {cores}");
    let folder = tempfile::tempdir()?;
    let (_origin, origin) = nginx::origin(OTHER_CORE, folder.path())?;
    let targets: Vec<Target> = options
        .targets
        .iter()
        .map(|name| match name {
            Name::Nginx => nginx::proxy(PROXY_CORE, folder.path(), origin),
            Name::Banyan => banyan::start(&options.banyan, PROXY_CORE, folder.path(), origin),
        })
        .collect::<anyhow::Result<_>>()?;
    print(&format!(
        "{} connections, {} s a round; load average {}",
        options.connections,
        options.seconds,
        load_average()
    ));
    let warm_up = Load {
        connections: options.connections,
        seconds: WARM_UP_SECONDS,
    };
    for target in &targets {
        target.check()?;
        warm_up.run(OTHER_CORE, target.address)?;
        target.take_log_lines()?;
    }
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        rounds.push(round(number, options, &targets)?);
    }
    print(&report::summary(&rounds));
    Ok(())
}

fn round(number: u32, options: &Options, targets: &[Target]) -> anyhow::Result<Vec<Round>> {
    let load = Load {
        connections: options.connections,
        seconds: options.seconds,
    };
    let mut measured = Vec::new();
    for target in targets {
        let before = target.process.cpu()?;
        let done = load.run(OTHER_CORE, target.address)?;
        let cpu = target.process.cpu()?.saturating_sub(before);
        check_log(target, done.requests)?;
        let round = Round {
            name: target.name,
            done,
            cpu,
        };
        print(&report::line(number, &round, options.seconds));
        measured.push(round);
    }
    Ok(measured)
}

/// A proxy that skips its log would win unfairly. Some lines may still be on their way.
fn check_log(target: &Target, requests: u64) -> anyhow::Result<()> {
    let lines = target.take_log_lines()? as u64;
    ensure!(
        lines * 10 > requests * 9,
        "{} wrote {lines} access lines for {requests} requests",
        target.name
    );
    Ok(())
}

fn load_average() -> String {
    std::fs::read_to_string(Path::new("/proc/loadavg"))
        .context("no /proc/loadavg")
        .map(|text| text.split(' ').next().unwrap_or_default().to_owned())
        .unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "the figures are what this prints")]
fn print(line: &str) {
    println!("{line}");
}
