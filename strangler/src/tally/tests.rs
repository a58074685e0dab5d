mod keeping;
mod gates;

use super::*;
use crate::compare::{Difference, Kind};

const GATE: Gate = Gate {
    min_compared: 2000,
    max_mismatch_rate: 0.001,
};

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn difference(path: &str, sample: u64) -> Difference {
    Difference {
        path: path.to_owned(),
        kind: Kind::Value,
        ignored: false,
        left: sample.to_string(),
        right: (sample + 1).to_string(),
    }
}

/// A pair that differs at these places.
fn pair(paths: &[&str]) -> Comparison {
    Comparison {
        differences: paths.iter().map(|path| difference(path, 0)).collect(),
        truncated: false,
    }
}

fn ignored(path: &str) -> Comparison {
    let mut pair = pair(&[path]);
    pair.differences[0].ignored = true;
    pair
}

fn key(path: &str) -> DiffKey {
    DiffKey {
        path: path.to_owned(),
        kind: Kind::Value,
    }
}

fn diff<'a>(tally: &'a Tally, path: &str) -> Option<&'a Diff> {
    tally
        .diffs()
        .find(|(other, _)| **other == key(path))
        .map(|(_, diff)| diff)
}

fn class(tally: &Tally, path: &str) -> Class {
    tally.class(diff(tally, path).unwrap())
}

fn record(tally: &mut Tally, times: u64, paths: &[&str]) {
    for _ in 0..times {
        tally.record(&pair(paths), None, at(1));
    }
}
