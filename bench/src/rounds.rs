//! Interleaved rounds, A B A B: what every scenario does once its targets are ready.

use anyhow::{Context as _, ensure};

use crate::child::{Core, stay_on};
use crate::report::{self, AtRate, Measure, Round};
use crate::steady::Steady;
use crate::target::Target;
use crate::wrk::Load;

/// Where the servers run.
pub(crate) const PROXY_CORE: Core = 1;

/// Where the load and the origin run.
pub(crate) const OTHER_CORE: Core = 0;

/// Before the first round, connections and seconds: gently at first, while code is still being compiled, then as hard as
/// it will be.
const WARM_UP: [(u32, u32); 2] = [(4, 3), (64, 3)];

/// What every scenario lets one choose.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Options {
    /// How often each target is measured.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// How long each time.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// Kept connections.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) connections: u32,
}

/// What is asked, and which of the figures are compared.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// A closed loop: as many requests as the target answers.
    pub(crate) load: Load,
    /// Afterwards the same at a fixed rate, where a scenario looks at latency.
    pub(crate) steady: Option<Steady>,
    pub(crate) ratios: &'static [Measure],
}

/// Leaves the servers' core alone, this process too.
pub(crate) fn prepare() -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism()?.get();
    ensure!(cores > PROXY_CORE, "two cores are needed, here is {cores}");
    stay_on(OTHER_CORE)
}

/// Measures and prints.
pub(crate) fn run(
    options: &Options,
    scenario: &Scenario,
    targets: &[Target],
) -> anyhow::Result<()> {
    print(&format!(
        "{} connections, {} s a round; load average {}",
        options.connections,
        options.seconds,
        load_average()
    ));
    for target in targets {
        warm_up(scenario.load, target).with_context(|| target.name.to_owned())?;
    }
    let mut rounds = Vec::new();
    for number in 1..=options.rounds {
        match round(number, scenario, targets) {
            Ok(measured) => rounds.push(measured),
            // Something else had the machine. What is left still has to be most of it.
            Err(error) => print(&format!("round {number:>2}  left out: {error:#}")),
        }
    }
    ensure!(
        rounds.len() * 2 > options.rounds as usize,
        "{} of {} rounds are a result",
        rounds.len(),
        options.rounds
    );
    print(&report::summary(&rounds, scenario.ratios));
    Ok(())
}

fn round(number: u32, scenario: &Scenario, targets: &[Target]) -> anyhow::Result<Vec<Round>> {
    let mut measured = Vec::new();
    for target in targets {
        let round = measure(scenario, target).with_context(|| target.name.to_owned())?;
        print(&report::line(number, &round));
        measured.push(round);
    }
    Ok(measured)
}

fn warm_up(load: Load, target: &Target) -> anyhow::Result<()> {
    for (connections, seconds) in WARM_UP {
        let load = Load {
            connections: connections.min(load.connections),
            seconds,
            ..load
        };
        load.run(OTHER_CORE, target.address)?;
    }
    Ok(())
}

fn measure(scenario: &Scenario, target: &Target) -> anyhow::Result<Round> {
    target.take_log_lines()?;
    let before = target.process.cpu()?;
    let done = scenario.load.run(OTHER_CORE, target.address)?;
    let cpu = target.process.cpu()?.saturating_sub(before);
    target.check_log(done.requests)?;
    let steady = scenario.steady.as_ref();
    Ok(Round {
        name: target.name,
        seconds: scenario.load.seconds,
        done,
        cpu,
        steady: steady
            .map(|steady| at_rate(steady, scenario.load, target))
            .transpose()?,
    })
}

fn at_rate(steady: &Steady, load: Load, target: &Target) -> anyhow::Result<AtRate> {
    let before = target.process.cpu()?;
    let done = steady.run(target.address, load.path, load.fields, || Ok(()))?;
    let cpu = target.process.cpu()?.saturating_sub(before);
    let whole = done.failed == 0 && done.degraded == 0;
    ensure!(whole, "not every request was answered well: {done:?}");
    target.check_log(done.answered)?;
    Ok(AtRate {
        rate: steady.rate,
        done,
        cpu,
    })
}

fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

#[expect(clippy::print_stdout, reason = "the figures are what this prints")]
fn print(line: &str) {
    println!("{line}");
}
