//! A BFF beside the same on Node, written twice: what one screen costs that is composed of three backends' answers.

pub(crate) mod origin;
mod process;
mod check;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use clap::ValueEnum;

use self::process::Places;
use crate::child::pinned;
use crate::report::Measure;
use crate::rounds::{self, OTHER_CORE, PROXY_CORE, Scenario};
use crate::steady::Steady;
use crate::target::Target;
use crate::wrk::Load;

/// The screen.
const PATH: &str = "/products/7";

/// What an edge sends along with every request.
const FIELDS: &[(&str, &str)] = &[
    ("traceparent", check::TRACEPARENT),
    ("x-request-id", check::REQUEST_ID),
    ("x-request-deadline-ms", check::DEADLINE_MS),
];

/// What an experienced operator sets: a young generation that is large enough for the garbage of requests in flight.
const NODE_FLAGS: &[&str] = &["--max-semi-space-size=64"];

/// What one may choose.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    rounds: rounds::Options,
    /// What is measured, in this order; ratios are of the first to each of the others.
    #[arg(long, value_delimiter = ',', default_values = ["banyan", "node", "node-tuned"])]
    targets: Vec<Name>,
    /// Requests a second where latency is measured at a fixed rate.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// The BFF's binary.
    #[arg(long, default_value = "target/dist/bff-mobile")]
    bff_mobile: PathBuf,
    /// Node: by default the release that the lock file pins, whatever the machine's own is.
    #[arg(long, default_value = "bench/node-bff/node_modules/.bin/node")]
    node: PathBuf,
    /// The folder of the BFFs on Node.
    #[arg(long, default_value = "bench/node-bff")]
    node_bff: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Banyan,
    /// As a good team writes it.
    Node,
    /// As far as hand-work gets.
    NodeTuned,
}

/// All of it.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    rounds::prepare()?;
    let folder = tempfile::tempdir()?;
    let (_origin, backends) = origin::start(OTHER_CORE, folder.path())?;
    let places = Places {
        folder: folder.path(),
        backends: &backends,
    };
    let targets: Vec<Target> = options
        .targets
        .iter()
        .map(|name| start(*name, options, &places))
        .collect::<anyhow::Result<_>>()?;
    check::all(&targets, &backends)?;
    let scenario = Scenario {
        load: Load {
            path: PATH,
            fields: FIELDS,
            connections: options.rounds.connections,
            seconds: options.rounds.seconds,
        },
        steady: Some(Steady {
            rate: options.rate,
            seconds: options.rounds.seconds,
            connections: options.rounds.connections,
        }),
        ratios: &[
            Measure::COST,
            Measure::P99,
            Measure::COST_AT_RATE,
            Measure::P99_AT_RATE,
        ],
    };
    rounds::run(&options.rounds, &scenario, &targets)
}

fn start(name: Name, options: &Options, places: &Places<'_>) -> anyhow::Result<Target> {
    match name {
        Name::Banyan => {
            let command = pinned(PROXY_CORE, &options.bff_mobile);
            process::start("banyan", command, places)
        }
        Name::Node => process::start("node", on_node(options, "usual"), places),
        Name::NodeTuned => process::start("node-tuned", on_node(options, "tuned"), places),
    }
    .context("the target does not start")
}

/// Both are started alike.
fn on_node(options: &Options, folder: &str) -> Command {
    let mut command = pinned(PROXY_CORE, &options.node);
    command.args(NODE_FLAGS);
    command.arg(options.node_bff.join(folder).join("server.mjs"));
    command.env("NODE_ENV", "production");
    command
}
