//! What the judge has seen of a route's step, and what it thinks of it: alive over reloads and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strangler::judge::{Step, Verdict};

use crate::store::rows::Document;

/// What was seen of a canary's step.
pub(super) const JUDGED: &str = "judged";

/// One step before the judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// Which of the route's steps, as its standing counts them.
    pub number: u32,
    /// What was seen.
    pub step: Step,
    /// How often it was looked at.
    pub looks: u64,
    /// What it came to, at the last look.
    pub verdict: Option<Verdict>,
}

/// By route.
pub type AllJudged = BTreeMap<String, Arc<Judged>>;

pub(super) fn document(route: &str, judged: Option<&Judged>) -> Document {
    Document {
        kind: JUDGED,
        name: route.to_owned(),
        body: judged.and_then(|judged| serde_json::to_string(judged).ok()),
    }
}
