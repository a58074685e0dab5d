//! The gateway beside nginx: what a request costs that goes through to one upstream.

mod nginx;
mod banyan;

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;

use self::banyan::Kind;
use crate::http::ask;
use crate::report::Measure;
use crate::rounds::{self, OTHER_CORE, PROXY_CORE, Scenario};
use crate::steady::Steady;
use crate::target::Target;
use crate::wrk::Load;

/// How many routes a proxy has.
const ROUTES: usize = 100;

/// How long the answer's content is.
const CONTENT: usize = 1024;

/// What is asked for: on a route in the middle of the others.
const PATH: &str = "/service-050/items/17";

/// More than any client sends in a second: the limit is checked, never met.
const RATE: u32 = 1_000_000;

/// What one may choose.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    rounds: rounds::Options,
    /// What is measured, in this order; ratios are of the first to each of the others.
    #[arg(long, value_delimiter = ',', default_values = ["banyan", "nginx"])]
    targets: Vec<Name>,
    /// The gateway's binary.
    #[arg(long, default_value = "target/dist/banyan")]
    banyan: PathBuf,
    /// Another build of it, to be compared as `before`.
    #[arg(long, default_value = "target/dist/banyan-before")]
    before: PathBuf,
    /// Afterwards the same at so many requests a second, whatever the answers take.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=50_000))]
    rate: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Banyan,
    Nginx,
    /// Another build of the gateway.
    Before,
    /// The gateway with routes that move and have only begun to. Of this and the next ones only the threads count that
    /// answer requests.
    Legacy,
    /// One caller in ten is copied to the service, and the answers compared.
    Shadow,
    /// Half of the callers are the service's.
    Canary,
}

/// All of it.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    rounds::prepare()?;
    let folder = tempfile::tempdir()?;
    let (_origin, origin) = nginx::origin(OTHER_CORE, folder.path())?;
    let start = |name: &Name| match name {
        Name::Nginx => nginx::proxy(PROXY_CORE, folder.path(), origin),
        Name::Banyan => banyan::start(&options.banyan, Kind::Plain, folder.path(), origin),
        Name::Before => banyan::start(&options.before, Kind::Before, folder.path(), origin),
        Name::Legacy => banyan::start(&options.banyan, Kind::Legacy, folder.path(), origin),
        Name::Shadow => banyan::start(&options.banyan, Kind::Shadow, folder.path(), origin),
        Name::Canary => banyan::start(&options.banyan, Kind::Canary, folder.path(), origin),
    };
    let targets: Vec<Target> = options
        .targets
        .iter()
        .map(start)
        .collect::<anyhow::Result<_>>()?;
    for target in &targets {
        check(target).with_context(|| target.name.to_owned())?;
    }
    let scenario = Scenario {
        load: Load {
            path: PATH,
            fields: &[("x-device-id", "device-17")],
            connections: options.rounds.connections,
            seconds: options.rounds.seconds,
        },
        steady: options.rate.map(|rate| Steady {
            rate,
            seconds: options.rounds.seconds,
            connections: options.rounds.connections,
        }),
        ratios: if options.rate.is_some() {
            &[Measure::COST, Measure::COST_AT_RATE, Measure::P99_AT_RATE]
        } else {
            &[Measure::COST]
        },
    };
    rounds::run(&options.rounds, &scenario, &targets)
}

/// Asks once, and looks at everything that the comparison takes for granted.
fn check(target: &Target) -> anyhow::Result<()> {
    let answer = ask(target.address, PATH, &[])?;
    ensure!(answer.status == 200, "answers {}", answer.status);
    let length = answer.content.len();
    ensure!(length == CONTENT, "{length} bytes of content");
    // The origin tells what reached it.
    let told = |name: &str, value: &str| answer.field(name) == Some(value);
    ensure!(
        told("x-origin", "yes") && told("x-seen-forwarded-for", "127.0.0.1"),
        "did not ask the origin as a proxy does: {answer:?}"
    );
    Ok(())
}
