//! The figures: each round as it was, then medians, then the ratio within rounds.

use std::fmt::Write as _;
use std::time::Duration;

use crate::wrk::Done;

/// One proxy in one round.
#[derive(Clone, Debug)]
pub(crate) struct Round {
    pub(crate) name: &'static str,
    pub(crate) done: Done,
    pub(crate) cpu: Duration,
}

impl Round {
    /// Microseconds of CPU that one request cost.
    pub(crate) fn cost(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let requests = self.done.requests as f64;
        self.cpu.as_secs_f64() * 1e6 / requests
    }

    /// The share of its core that the proxy used.
    fn busy(&self, seconds: u32) -> f64 {
        self.cpu.as_secs_f64() / f64::from(seconds) * 100.0
    }
}

/// The line of one proxy in one round.
pub(crate) fn line(number: u32, round: &Round, seconds: u32) -> String {
    let Done {
        per_second,
        median,
        p99,
        ..
    } = &round.done;
    format!(
        "round {number:>2}  {:<8}{:>8.2} us/request {per_second:>9.0} requests/s  p50 {median:>8}  p99 {p99:>8}  core {:>3.0} % busy",
        round.name,
        round.cost(),
        round.busy(seconds)
    )
}

/// Medians per proxy, and the ratio of each to the last one, round by round.
pub(crate) fn summary(rounds: &[Vec<Round>]) -> String {
    let mut text = String::from("\n");
    let Some(first) = rounds.first() else {
        return text;
    };
    for (place, round) in first.iter().enumerate() {
        let (cost, _, _) = spread(rounds.iter().map(|round| round[place].cost()));
        let (speed, _, _) = spread(rounds.iter().map(|round| round[place].done.per_second));
        let _ = writeln!(
            text,
            "median    {:<8}{cost:>8.2} us/request {speed:>9.0} requests/s",
            round.name
        );
    }
    let Some((base, others)) = first.split_last() else {
        return text;
    };
    for (place, other) in others.iter().enumerate() {
        let last = first.len() - 1;
        let ratios = rounds
            .iter()
            .map(|round| round[place].cost() / round[last].cost());
        let (median, least, most) = spread(ratios);
        let _ = writeln!(
            text,
            "ratio     {} / {}: {median:.2} x CPU per request (of {} rounds: {least:.2} to {most:.2})",
            other.name,
            base.name,
            rounds.len()
        );
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
            median: String::new(),
            p99: String::new(),
        };
        Round {
            name,
            done,
            cpu: Duration::from_secs(micros),
        }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // The second round ran on a slower machine; what counts did not change.
        let rounds = [(12, 10), (24, 20), (15, 10)]
            .map(|(ours, theirs)| vec![round("banyan", ours), round("nginx", theirs)]);
        let text = summary(&rounds);
        let expected = "banyan / nginx: 1.20 x CPU per request (of 3 rounds: 1.20 to 1.50)";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        let (median, least, most) = spread([4.0, 1.0, 3.0, 2.0].into_iter());
        assert_eq!((median * 10.0, least, most), (25.0, 1.0, 4.0));
    }
}
