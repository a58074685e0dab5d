//! What several gateways share of their progress, on its way between them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evidence::Judged;
use super::shared::Run;
use super::standing::Word;
use crate::store::rows::Event;

/// What was last the same everywhere.
pub(super) const SHARED: &str = "shared";

/// On which board.
pub(super) const ERA: &str = "shared_era";

/// The kill of all routes, on the board.
pub(super) const KILL: &str = "kill";

/// Routes' shared standings by name, and the kill of all routes: as they were when all gateways last agreed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bases {
    /// The board that they were on.
    pub(super) era: String,
    pub(super) kill: Option<Word>,
    pub(super) runs: BTreeMap<String, Run>,
}

/// One thing that is shared, as it stands on the board.
#[derive(Clone, Debug, PartialEq)]
pub enum Shared {
    /// The kill of all routes.
    Kill(Option<Word>),
    /// What stands over a route.
    Run(String, Box<Run>),
    /// What was seen of its canary; nothing of one that is none any more.
    Judged(String, Option<Arc<Judged>>),
}

/// What the board has that this gateway has not.
#[derive(Debug, Default)]
pub struct Adopted {
    /// The board was emptied: nobody knows what was shared before.
    pub anew: bool,
    /// Which board it is, where it was read.
    pub era: Option<String>,
    /// `shared` is all that the board has.
    pub all: bool,
    /// What was changed.
    pub shared: Vec<Shared>,
    /// What others told.
    pub events: Vec<Event>,
    /// What this one told when it changed the board, and is to tell webhooks of.
    pub own: Vec<Event>,
}

/// What the judge came to, before it is in force anywhere.
#[derive(Debug, Default)]
pub struct Decision {
    /// What is to be shared.
    pub shared: Vec<Shared>,
    /// What is to be told. They have their names.
    pub events: Vec<Event>,
}

impl Shared {
    /// Its name on the board.
    pub fn name(&self) -> String {
        match self {
            Self::Kill(_) => KILL.to_owned(),
            Self::Run(route, _) => run_name(route),
            Self::Judged(route, _) => format!("judged/{route}"),
        }
    }

    /// As it is written there: JSON.
    pub fn body(&self) -> serde_json::Result<String> {
        match self {
            Self::Kill(word) => serde_json::to_string(word),
            Self::Run(_, run) => serde_json::to_string(run),
            Self::Judged(_, judged) => serde_json::to_string(&judged.as_deref()),
        }
    }

    /// Reads it back; nothing where the name says that it is none of these.
    pub fn read(name: &str, body: &str) -> Option<serde_json::Result<Self>> {
        let named = |kind| name.strip_prefix(kind).map(str::to_owned);
        if name == KILL {
            return Some(serde_json::from_str(body).map(Self::Kill));
        }
        if let Some(route) = named("run/") {
            let run = serde_json::from_str(body);
            return Some(run.map(|run| Self::Run(route, Box::new(run))));
        }
        let route = named("judged/")?;
        let judged = serde_json::from_str::<Option<Judged>>(body);
        Some(judged.map(|judged| Self::Judged(route, judged.map(Arc::new))))
    }
}

/// Of a route's shared standing on the board.
pub(super) fn run_name(route: &str) -> String {
    format!("run/{route}")
}
