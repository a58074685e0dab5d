//! `banyan diffs ROUTE`: what both sides answer differently.

use chassis::clock::Clock;

use super::remote::{Remote, RemoteArgs};
use super::status::{ago, gate_in_words, percent};
use super::{Output, print};
use crate::scoreboard::diffs::{DiffRow, Differences};

/// So many samples of each difference are shown to eyes.
const SAMPLES: usize = 3;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The route's name.
    route: String,
    /// All different samples that are kept, instead of the newest few.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    remote: RemoteArgs,
    /// How to say it.
    #[arg(long, value_enum, default_value = "text")]
    output: Output,
}

pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let found: Differences =
        Remote::at(&args.remote)?.get(&["migrations", &args.route, "diffs"])?;
    if args.output == Output::Json {
        print::line(&serde_json::to_string(&found)?);
        return Ok(());
    }
    let samples = if args.all { usize::MAX } else { SAMPLES };
    print::line(&in_words(
        &found,
        samples,
        Clock::system().unix().as_secs_f64(),
    ));
    Ok(())
}

fn in_words(found: &Differences, samples: usize, now: f64) -> String {
    let totals = &found.totals;
    let mut lines = vec![format!(
        "{}: {} pairs compared, {} matched, {} differ only where it is ignored, {} differ",
        found.route, totals.compared, totals.matched, totals.ignored, totals.mismatched
    )];
    if totals.noise_pairs > 0 {
        lines.push(format!(
            "{} times the side that answers was asked twice, to tell noise from regressions",
            totals.noise_pairs
        ));
    }
    if let Some(gate) = &totals.gate {
        lines.push(format!(
            "of the recent pairs {} count as different; gate {}",
            percent(totals.mismatch_rate),
            gate_in_words(gate)
        ));
    }
    for diff in &found.diffs {
        lines.push(String::new());
        lines.extend(one(diff, samples, now));
    }
    lines.join("\n")
}

fn one(diff: &DiffRow, samples: usize, now: f64) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {}  {} times ({}), last {}  [{}]",
        diff.path,
        diff.kind,
        diff.count,
        percent(diff.share),
        ago(now - diff.last_seen),
        diff.class
    )];
    let newest = diff.samples.iter().rev();
    let newest =
        newest.map(|sample| format!("  legacy {}   service {}", sample.legacy, sample.service));
    let mut different: Vec<String> = Vec::new();
    for sample in newest {
        if different.len() < samples && !different.contains(&sample) {
            different.push(sample);
        }
    }
    lines.extend(different);
    lines
}
