//! The figures: each round as it was, then medians, then the ratio within rounds.

use std::fmt::Write as _;
use std::time::Duration;

use crate::steady;
use crate::wrk::Done;

/// One target in one round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) name: &'static str,
    pub(crate) seconds: u32,
    pub(crate) done: Done,
    pub(crate) cpu: Duration,
    pub(crate) steady: Option<AtRate>,
}

/// The part of a round at a fixed rate.
#[derive(Clone, Debug)]
pub(crate) struct AtRate {
    pub(crate) rate: u32,
    pub(crate) done: steady::Done,
    pub(crate) cpu: Duration,
}

/// A figure of a round, where it has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    name: &'static str,
    of: fn(&Round) -> Option<f64>,
}

impl Measure {
    /// CPU time per request while the core is busy.
    pub(crate) const COST: Self = Self {
        name: "CPU per request",
        of: |round| Some(round.cost()),
    };
    /// The same at a fixed rate.
    pub(crate) const COST_AT_RATE: Self = Self {
        name: "CPU per request at the fixed rate",
        of: |round| round.steady.as_ref().map(AtRate::cost),
    };
    /// Latency while the core is busy.
    pub(crate) const P99: Self = Self {
        name: "p99",
        of: |round| Some(round.done.p99.as_secs_f64()),
    };
    /// The same at a fixed rate.
    pub(crate) const P99_AT_RATE: Self = Self {
        name: "p99 at the fixed rate",
        of: |round| {
            let steady = round.steady.as_ref()?;
            Some(steady.done.p99.as_secs_f64())
        },
    };

    fn ratio(self, round: &Round, base: &Round) -> Option<f64> {
        Some((self.of)(round)? / (self.of)(base)?)
    }
}

impl Round {
    /// Microseconds of CPU that one request cost.
    fn cost(&self) -> f64 {
        per_request(self.cpu, self.done.requests)
    }

    /// The share of its core that the target used.
    fn busy(&self) -> f64 {
        self.cpu.as_secs_f64() / f64::from(self.seconds) * 100.0
    }
}

impl AtRate {
    fn cost(&self) -> f64 {
        per_request(self.cpu, self.done.answered)
    }
}

fn per_request(cpu: Duration, requests: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
    let requests = requests as f64;
    cpu.as_secs_f64() * 1e6 / requests
}

/// The line of one target in one round, and a second one for the part at a fixed rate.
pub(crate) fn line(number: u32, round: &Round) -> String {
    let mut text = format!(
        "round {number:>2}  {:<11}{:>8.2} us/request {:>9.0} requests/s  {}  core {:>3.0} % busy",
        round.name,
        round.cost(),
        round.done.per_second,
        latency(round.done.median, round.done.p99),
        round.busy()
    );
    if let Some(steady) = &round.steady {
        let _ = write!(
            text,
            "\n                     {:>8.2} us/request {:>9.0} requests/s  {}  at a fixed rate of {}/s",
            steady.cost(),
            steady.done.per_second,
            latency(steady.done.median, steady.done.p99),
            steady.rate
        );
    }
    text
}

fn latency(median: Duration, p99: Duration) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    format!(
        "p50 {:>7.2} ms  p99 {:>7.2} ms",
        millis(median),
        millis(p99)
    )
}

/// Medians per target, and the ratios of the first one to each of the others, round by round.
pub(crate) fn summary(rounds: &[Vec<Round>], ratios: &[Measure]) -> String {
    let mut text = String::from("\n");
    let Some(first) = rounds.first() else {
        return text;
    };
    for (place, round) in first.iter().enumerate() {
        let of = |of: fn(&Round) -> f64| spread(rounds.iter().map(|round| of(&round[place]))).0;
        let _ = writeln!(
            text,
            "median    {:<11}{:>8.2} us/request {:>9.0} requests/s",
            round.name,
            of(Round::cost),
            of(|round| round.done.per_second)
        );
    }
    for (place, other) in first.iter().enumerate().skip(1) {
        for measure in ratios {
            let ratios = rounds.iter();
            let ratios = ratios.filter_map(|round| measure.ratio(&round[0], &round[place]));
            let (median, least, most) = spread(ratios);
            let _ = writeln!(
                text,
                "ratio     {} / {}: {median:.2} x {} (of {} rounds: {least:.2} to {most:.2})",
                first[0].name,
                other.name,
                measure.name,
                rounds.len()
            );
        }
    }
    text
}

/// Median, least and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
    let (below, above) = (at((values.len().max(1) - 1) / 2), at(values.len() / 2));
    (
        f64::midpoint(below, above),
        at(0),
        at(values.len().max(1) - 1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(name: &'static str, micros: u64) -> Round {
        let done = Done {
            requests: 1_000_000,
            per_second: 1.0,
            median: Duration::ZERO,
            p99: Duration::from_millis(micros),
        };
        Round {
            name,
            seconds: 1,
            done,
            cpu: Duration::from_secs(micros),
            steady: None,
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The second round ran on a slower machine; what counts did not change.
        let rounds = [(12, 10), (24, 20), (15, 10)]
            .map(|(ours, theirs)| vec![round("banyan", ours), round("nginx", theirs)]);
        let text = summary(&rounds, &[Measure::COST, Measure::P99]);
        for measure in ["CPU per request", "p99"] {
            let expected = format!("banyan / nginx: 1.20 x {measure} (of 3 rounds: 1.20 to 1.50)");
            assert!(text.contains(&expected), "{text}");
        }
    }

    #[test]
    fn the_first_target_is_compared_with_each_of_the_others() {
        let rounds = [vec![
            round("banyan", 10),
            round("node", 40),
            round("node-tuned", 20),
        ]];
        let text = summary(&rounds, &[Measure::COST]);
        let ratios: Vec<&str> = text
            .lines()
            .filter_map(|l| l.strip_prefix("ratio     "))
            .collect();
        let [node, tuned] = ratios[..] else {
            panic!("{text}");
        };
        assert!(node.starts_with("banyan / node: 0.25 x "), "{text}");
        assert!(tuned.starts_with("banyan / node-tuned: 0.50 x "), "{text}");
    }

    #[test]
    fn what_a_round_has_at_a_fixed_rate_stands_below_it() {
        let done = steady::Done {
            answered: 1_000,
            degraded: 0,
            failed: 0,
            per_second: 1_000.0,
            median: Duration::from_micros(5_200),
            p99: Duration::from_micros(6_400),
        };
        let steady = AtRate {
            rate: 1_000,
            done,
            cpu: Duration::from_millis(80),
        };
        let with = Round {
            steady: Some(steady),
            ..round("node", 9)
        };
        let text = line(1, &with);
        let (_, below) = text.split_once('\n').unwrap();
        assert!(below.contains(" 80.00 us/request"), "{below}");
        assert!(below.contains("p99    6.40 ms"), "{below}");
        let text = summary(&[vec![with.clone(), with]], &[Measure::P99_AT_RATE]);
        assert!(text.contains("1.00 x p99 at the fixed rate"), "{text}");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let (median, least, most) = spread([4.0, 1.0, 3.0, 2.0].into_iter());
        assert_eq!((median * 10.0, least, most), (25.0, 1.0, 4.0));
    }
}
