//! Documents of the store, told apart by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use strangler::LegacyClock;

use super::evidence::{AllJudged, JUDGED, Judged};
use super::exchanged::{Bases, ERA, SHARED};
use super::standing::{Standing, Standings};
use crate::store::rows::Document;

/// What stands over one route.
const STANDING: &str = "standing";
/// The kill of all routes.
const KILL: &str = "kill";
/// For how long nobody has used the old side of a route.
const CLOCK: &str = "legacy_clock";

/// The name that this gateway keeps.
pub(super) const REPLICA: &str = "replica";

/// The name of what is about all routes.
pub(super) const ALL: &str = "*";

/// Documents by kind, name and body.
pub type Documents = Vec<(String, String, String)>;

/// Rows that this version cannot read: they are said, and left as they are.
pub(super) type Unreadable = BTreeSet<(String, String)>;

#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) standings: Standings,
    pub(super) clocks: BTreeMap<String, LegacyClock>,
    pub(super) judged: AllJudged,
    pub(super) bases: Bases,
    pub(super) replica: String,
    /// Those that are not progress.
    pub(super) others: Documents,
    /// Those that cannot be read, by kind and name.
    pub(super) unreadable: Unreadable,
}

pub(super) fn read(documents: Documents) -> Restored {
    let mut restored = Restored::default();
    for (kind, name, body) in documents {
        let read = match kind.as_str() {
            STANDING => {
                let standing = parsed::<Standing>(&kind, &name, &body);
                standing.map(|standing| {
                    let routes = &mut restored.standings.routes;
                    routes.insert(name.clone(), standing);
                })
            }
            KILL => {
                let word = parsed(&kind, &name, &body);
                word.map(|word| restored.standings.killed = Some(word))
            }
            CLOCK => {
                let clock = parsed(&kind, &name, &body);
                clock.map(|clock| {
                    restored.clocks.insert(name.clone(), clock);
                })
            }
            REPLICA => {
                restored.replica = parsed(&kind, &name, &body).unwrap_or_default();
                continue;
            }
            ERA => {
                restored.bases.era = parsed(&kind, &name, &body).unwrap_or_default();
                continue;
            }
            SHARED if name == ALL => {
                restored.bases.kill = parsed(&kind, &name, &body);
                continue;
            }
            SHARED => {
                if let Some(run) = parsed(&kind, &name, &body) {
                    restored.bases.runs.insert(name, run);
                }
                continue;
            }
            JUDGED => {
                // Where it cannot be read, its step begins anew: nothing that a person said is lost.
                if let Some(judged) = parsed::<Judged>(&kind, &name, &body) {
                    restored.judged.insert(name, Arc::new(judged));
                }
                continue;
            }
            _ => {
                restored.others.push((kind, name, body));
                continue;
            }
        };
        if read.is_none() {
            restored.unreadable.insert((kind, name));
        }
    }
    restored
}

fn parsed<T: DeserializeOwned>(kind: &str, name: &str, body: &str) -> Option<T> {
    let read = serde_json::from_str(body);
    read.inspect_err(|error| tracing::error!(kind, name, %error, "a row of state cannot be read"))
        .ok()
}

/// What differs between two standings.
pub(super) fn changed(old: &Standings, new: &Standings) -> Vec<Document> {
    let mut documents = Vec::new();
    for (name, standing) in &new.routes {
        if old.routes.get(name) != Some(standing) {
            documents.push(Document {
                kind: STANDING,
                name: name.clone(),
                body: serde_json::to_string(standing).ok(),
            });
        }
    }
    if old.killed != new.killed {
        let body = new.killed.as_ref();
        documents.push(Document {
            kind: KILL,
            name: ALL.to_owned(),
            body: body.and_then(|word| serde_json::to_string(word).ok()),
        });
    }
    documents
}

pub(super) fn clock(route: &str, clock: &LegacyClock) -> Document {
    Document {
        kind: CLOCK,
        name: route.to_owned(),
        body: serde_json::to_string(clock).ok(),
    }
}
