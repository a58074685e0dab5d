//! The load: Debian's wrk, a closed loop over kept connections.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::child::{Core, pinned};

/// What is asked for, how hard, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) path: &'static str,
    /// Sent with every request.
    pub(crate) fields: &'static [(&'static str, &'static str)],
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// What a run of it says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) requests: u64,
    pub(crate) per_second: f64,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

impl Load {
    /// Runs it to its end. Anything but answers of 200 is an error.
    pub(crate) fn run(self, core: Core, address: SocketAddr) -> anyhow::Result<Done> {
        let mut command = pinned(core, "wrk");
        command
            .args(["--threads", "1", "--latency"])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds)]);
        for (name, value) in self.fields {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        let output = command
            .arg(format!("http://{address}{}", self.path))
            .output()
            .context("wrk does not start")?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            bail!("wrk: {said}{}", String::from_utf8_lossy(&output.stderr));
        }
        parse(&said)
    }
}

fn parse(said: &str) -> anyhow::Result<Done> {
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        bail!("not every request was answered well:\n{said}");
    }
    let after = |label: &str| {
        let line = said
            .lines()
            .map(str::trim)
            .find_map(|line| line.strip_prefix(label));
        line.map(str::trim)
            .with_context(|| format!("wrk says no {label:?}:\n{said}"))
    };
    let counted = said.lines().find(|line| line.contains(" requests in "));
    let counted = counted.and_then(|line| line.split_whitespace().next());
    Ok(Done {
        requests: counted.context("wrk counts no requests")?.parse()?,
        per_second: after("Requests/sec:")?.parse()?,
        median: time(after("50%")?)?,
        p99: time(after("99%")?)?,
    })
}

/// A time as wrk prints it, with its unit.
fn time(text: &str) -> anyhow::Result<Duration> {
    // The longer units first: "ms" ends in "s" as well.
    let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
    let read = units.iter().find_map(|(unit, seconds)| {
        let number: f64 = text.strip_suffix(unit)?.parse().ok()?;
        Duration::try_from_secs_f64(number * seconds).ok()
    });
    read.with_context(|| format!("wrk says a time that is none: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Running 5s test @ http://127.0.0.1:1/x
  1 threads and 64 connections
  Latency Distribution
     50%    1.57ms
     75%    1.61ms
     99%    3.20ms
  200123 requests in 5.00s, 225.11MB read
Requests/sec:  40024.60
Transfer/sec:     45.02MB
";

    #[test]
    fn figures_are_read_from_what_wrk_prints() {
        let done = parse(GOOD).unwrap();
        assert_eq!(done.requests, 200_123);
        assert!((done.per_second - 40_024.6).abs() < 0.01);
        assert_eq!(
            (done.median, done.p99),
            (Duration::from_micros(1_570), Duration::from_micros(3_200))
        );
    }

    #[test]
    fn times_have_units() {
        let micros = |text| time(text).map(|time| time.as_micros()).ok();
        let read = ["350.00us", "1.20s", "2.00m", "7", ""].map(micros);
        assert_eq!(
            read,
            [Some(350), Some(1_200_000), Some(120_000_000), None, None]
        );
    }

    #[test]
    fn a_run_with_failures_is_no_result() {
        let line = "  Non-2xx or 3xx responses: 3\n";
        assert!(parse(&format!("{GOOD}{line}")).is_err());
    }
}
