//! What comparisons found, as the store keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use strangler::tally::{Diff, DiffKey, Totals};

use super::state::{Changed, Comparisons, Kept};
use crate::store::rows::{self, Batch, Document};

/// The kind of a route's counts among documents.
const SHADOW: &str = "shadow";

/// A route's counts.
#[derive(Debug, Serialize, Deserialize)]
struct Counts {
    rules: u32,
    totals: Totals,
    dropped: Vec<(String, u64)>,
    sent: u64,
    mirrored: u64,
}

/// Adds what has changed to what is written next.
pub fn write(comparisons: &Comparisons, batch: &mut Batch) {
    for changed in comparisons.changes() {
        let Changed {
            route,
            rules,
            anew,
            totals,
            diffs,
            removed,
            dropped,
            sent,
            mirrored,
        } = changed;
        if anew {
            batch.compared_anew.push(route.clone());
        }
        let gone = removed.into_iter().map(|key| (key, None));
        let diffs = diffs.into_iter().map(|(key, diff)| (key, Some(diff)));
        for (key, diff) in gone.chain(diffs) {
            let Ok(key) = serde_json::to_string(&key) else {
                continue;
            };
            batch.diffs.push(rows::Diff {
                route: route.clone(),
                key,
                body: diff.and_then(|diff| serde_json::to_string(&diff).ok()),
            });
        }
        let dropped = dropped.into_iter();
        let counts = Counts {
            rules,
            totals,
            dropped: dropped
                .map(|(why, count)| (why.to_owned(), count))
                .collect(),
            sent,
            mirrored,
        };
        batch.documents.push(Document {
            kind: SHADOW,
            name: route,
            body: serde_json::to_string(&counts).ok(),
        });
    }
}

/// Takes up what was written: documents by kind, name and body, and all differences.
pub fn restore(
    comparisons: &Comparisons,
    documents: Vec<(String, String, String)>,
    diffs: Vec<rows::Diff>,
) {
    let mut by_route: BTreeMap<String, Vec<(DiffKey, Diff)>> = BTreeMap::new();
    for row in diffs {
        let key = serde_json::from_str(&row.key);
        let diff = serde_json::from_str(row.body.as_deref().unwrap_or_default());
        match (key, diff) {
            (Ok(key), Ok(diff)) => by_route.entry(row.route).or_default().push((key, diff)),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(route = row.route, %error, "a kept difference cannot be read");
            }
        }
    }
    for (kind, route, body) in documents {
        if kind != SHADOW {
            continue;
        }
        match serde_json::from_str::<Counts>(&body) {
            Ok(counts) => {
                let kept = Kept {
                    rules: counts.rules,
                    totals: counts.totals,
                    diffs: by_route.remove(&route).unwrap_or_default(),
                    dropped: counts.dropped,
                    sent: counts.sent,
                    mirrored: counts.mirrored,
                };
                comparisons.restore(&route, kept);
            }
            Err(error) => {
                tracing::error!(route, %error, "kept counts of a comparison cannot be read");
            }
        }
    }
}
