//! Requests at a fixed rate for minutes, and whether the server's memory stays as it is meanwhile.

use std::net::{SocketAddr, ToSocketAddrs as _};

use anyhow::{Context as _, ensure};

use crate::steady::{Done, Steady};

/// Growth that is none: allocators round, and so does the kernel.
const SLACK_PERCENT: u64 = 5;
const SLACK_BYTES: u64 = 2 * 1024 * 1024;

const MIB: f64 = 1024.0 * 1024.0;

/// What one may choose.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What is asked for: `http://127.0.0.1:8080/products/7`. Loopback only.
    #[arg(long)]
    url: Url,
    /// Requests a second.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    rate: u32,
    /// How long.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u32).range(8..=7_200))]
    seconds: u32,
    /// The process whose memory is looked at, once a second.
    #[arg(long)]
    pid: u32,
    /// Kept connections.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
}

/// An address on this machine, and a path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Url {
    address: SocketAddr,
    path: String,
}

impl std::str::FromStr for Url {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let rest = text.strip_prefix("http://").context("http:// only")?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let mut addresses = host.to_socket_addrs().context("host:port")?;
        let address = addresses.next().context("an unknown host")?;
        ensure!(address.ip().is_loopback(), "loopback only");
        Ok(Self {
            address,
            path: format!("/{path}"),
        })
    }
}

/// All of it. Fails when a request did, when the rate was not kept, or when memory grew.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let steady = Steady {
        rate: options.rate,
        seconds: options.seconds,
        connections: options.connections,
    };
    let mut memory = Vec::new();
    let Url { address, path } = &options.url;
    let done = steady.run(*address, path, &[], || {
        memory.push(resident(options.pid)?);
        Ok(())
    })?;
    let memory = Memory::of(&memory).context("too short to say anything about memory")?;
    print(&report(&done, &memory));
    ensure!(done.failed == 0, "{} requests failed", done.failed);
    let kept = done.per_second >= f64::from(options.rate) * 0.99;
    ensure!(kept, "the rate of {} was not kept", options.rate);
    ensure!(memory.is_flat(), "memory grew");
    Ok(())
}

fn report(done: &Done, memory: &Memory) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people, to a hundredth")]
    let mib = |bytes: u64| bytes as f64 / MIB;
    let millis = |time: std::time::Duration| time.as_secs_f64() * 1e3;
    format!(
        "requests  {} answered, {} failed, {:.1}/s\n\
         latency   p50 {:.2} ms  p99 {:.2} ms\n\
         memory    {:.2} MiB at 10 %, {:.2} MiB at 50 %, {:.2} MiB at the end\n\
         means     {:.2} MiB in the second quarter, {:.2} MiB in the last: {}",
        done.answered,
        done.failed,
        done.per_second,
        millis(done.median),
        millis(done.p99),
        mib(memory.early),
        mib(memory.half),
        mib(memory.end),
        mib(memory.second_quarter),
        mib(memory.last_quarter),
        if memory.is_flat() { "flat" } else { "NOT FLAT" }
    )
}

/// Resident bytes at some times of the run, and the means of two quarters of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memory {
    early: u64,
    half: u64,
    end: u64,
    second_quarter: u64,
    last_quarter: u64,
}

impl Memory {
    /// `samples` are a second apart.
    fn of(samples: &[u64]) -> Option<Self> {
        let count = samples.len();
        let mean = |from: usize, to: usize| {
            let part = samples.get(from..to)?;
            part.iter().sum::<u64>().checked_div(part.len() as u64)
        };
        Some(Self {
            early: *samples.get(count / 10)?,
            half: *samples.get(count / 2)?,
            end: *samples.last()?,
            second_quarter: mean(count / 4, count / 2)?,
            last_quarter: mean(count - count / 4, count)?,
        })
    }

    /// The first quarter is for warming up.
    fn is_flat(&self) -> bool {
        let before = self.second_quarter;
        self.last_quarter <= before + before * SLACK_PERCENT / 100 + SLACK_BYTES
    }
}

/// What a process holds in memory, bytes.
fn resident(pid: u32) -> anyhow::Result<u64> {
    let file = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&file).with_context(|| format!("{pid} has ended"))?;
    let kib = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
    let kib: u64 = kib
        .with_context(|| format!("{file} has no VmRSS"))?
        .parse()?;
    Ok(kib * 1024)
}

#[expect(clippy::print_stdout, reason = "the figures are what this prints")]
fn print(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(sample: impl Fn(u64) -> u64) -> bool {
        let samples: Vec<u64> = (0..600).map(|second| sample(second) * 1024).collect();
        Memory::of(&samples).unwrap().is_flat()
    }

    #[test]
    fn warming_up_is_no_growth_and_a_leak_is() {
        assert!(flat(|second| 30_000 + 100 * second.min(100)));
        assert!(flat(|second| 30_000 + second % 7));
        // 20 bytes a request, at 1,000 requests a second: 12 MiB within ten minutes.
        assert!(!flat(|second| 30_000 + 20 * second));
        assert!(flat(|second| 50_000 - 20 * second));
    }

    #[test]
    fn memory_at_a_tenth_at_half_and_at_the_end() {
        let memory = Memory::of(&(0..=100).collect::<Vec<_>>()).unwrap();
        assert_eq!((memory.early, memory.half, memory.end), (10, 50, 100));
        assert_eq!((memory.second_quarter, memory.last_quarter), (37, 88));
        assert_eq!(Memory::of(&[]), None);
    }

    #[test]
    fn only_this_machine_is_asked() {
        let url: Url = "http://127.0.0.1:8080/products/7?a=b".parse().unwrap();
        assert_eq!(url.path, "/products/7?a=b");
        for wrong in [
            "http://192.0.2.1:80/",
            "https://127.0.0.1:1/",
            "127.0.0.1:1",
        ] {
            assert!(wrong.parse::<Url>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_process_has_memory() {
        assert!(resident(std::process::id()).unwrap() > 1024 * 1024);
        assert!(resident(u32::MAX).is_err());
    }
}
