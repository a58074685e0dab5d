//! What a comparison found, place by place.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strangler::Class;
use strangler::tally::{Diff, DiffKey, Tally};
use utoipa::ToSchema;

use super::ShadowRow;
use crate::progress::window::rate;
use crate::shadow::state::Pairs;

/// All that a route's sides differ in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Differences {
    /// The route.
    pub route: String,
    /// The counts.
    pub totals: ShadowRow,
    /// Regressions first, then by how often.
    pub diffs: Vec<DiffRow>,
}

/// One place and kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DiffRow {
    /// Such as `$.items[*].price`, `status`, `header:content-type`, `body`, `answer`.
    pub path: String,
    /// `type`, `value`, `missing`, `extra`, `order`, `length`.
    pub kind: String,
    /// `regression`, `undecided`, `noise`.
    pub class: String,
    /// In how many pairs.
    pub count: u64,
    /// In which share of them.
    pub share: f64,
    /// Seconds since 1970.
    pub first_seen: f64,
    /// Seconds since 1970.
    pub last_seen: f64,
    /// What both sides said, redacted and short.
    pub samples: Vec<SampleRow>,
}

/// What both sides said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SampleRow {
    /// Legacy.
    pub legacy: String,
    /// The service.
    pub service: String,
    /// Seconds since 1970.
    pub at: f64,
}

/// The differences of a route's pairs.
pub fn differences(pairs: &Pairs, totals: ShadowRow) -> Differences {
    let mut diffs: Vec<DiffRow> = pairs.see(|tally| {
        let compared = tally.totals().compared;
        tally
            .diffs()
            .map(|(key, diff)| row(tally, key, diff, compared))
            .collect()
    });
    let rank = |class: &str| {
        ["regression", "undecided", "noise"]
            .iter()
            .position(|known| *known == class)
    };
    diffs.sort_by_key(|diff| (rank(&diff.class), std::cmp::Reverse(diff.count)));
    Differences {
        route: pairs.name().to_owned(),
        totals,
        diffs,
    }
}

fn row(tally: &Tally, key: &DiffKey, diff: &Diff, compared: u64) -> DiffRow {
    let class = match tally.class(diff) {
        Class::Regression => "regression",
        Class::Undecided => "undecided",
        Class::Noise => "noise",
    };
    let seconds = |time: Duration| time.as_secs_f64();
    let samples = diff.samples.iter().map(|sample| SampleRow {
        legacy: sample.left.clone(),
        service: sample.right.clone(),
        at: seconds(sample.at),
    });
    DiffRow {
        path: key.path.clone(),
        kind: key.kind.as_str().to_owned(),
        class: class.to_owned(),
        count: diff.count,
        share: rate(diff.count, compared),
        first_seen: seconds(diff.first_seen),
        last_seen: seconds(diff.last_seen),
        samples: samples.collect(),
    }
}
