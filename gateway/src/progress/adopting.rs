//! What this gateway takes over of others, and what the others have yet to hear.

use std::collections::BTreeSet;
use std::sync::Arc;

use strangler::judge::Tick;

use super::change::Change;
use super::evidence;
use super::exchanged::{Adopted, Bases, Decision, ERA, KILL, SHARED, Shared, run_name};
use super::restored::{ALL, REPLICA};
use super::shared::{Run, merge, word};
use super::state::Progress;
use crate::store::rows::{Batch, Document, Event};

impl Change<'_> {
    /// Takes over what others said and found. What was said here meanwhile stays.
    pub fn adopt(&mut self, adopted: Adopted) {
        let era = adopted.era.unwrap_or_else(|| self.bases.era.clone());
        if adopted.anew || era != self.bases.era {
            self.batch.documents.push(Document {
                kind: ERA,
                name: ALL.to_owned(),
                body: serde_json::to_string(&era).ok(),
            });
            self.bases = Bases {
                era,
                ..Bases::default()
            };
        }
        if adopted.all {
            self.forget_lost(&adopted.shared);
        }
        for shared in adopted.shared {
            match shared {
                Shared::Kill(theirs) => {
                    let base = self.bases.kill.clone();
                    let mine = self.standings.killed.clone();
                    self.standings.killed = word(base.as_ref(), mine.as_ref(), theirs.as_ref());
                    self.agreed(Shared::Kill(theirs));
                }
                Shared::Run(route, theirs) => {
                    let base = self.bases.runs.get(&route).cloned();
                    let mine = Run::of(&self.standings.of(&route));
                    let merged = merge(&base.unwrap_or_default(), &mine, &theirs);
                    self.stand(&route, |standing| merged.put(standing));
                    self.agreed(Shared::Run(route, theirs));
                }
                Shared::Judged(route, judged) => {
                    let document = evidence::document(&route, judged.as_deref());
                    self.batch.documents.push(document);
                    let all = Arc::make_mut(&mut self.judged);
                    match judged {
                        Some(judged) => all.insert(route, judged),
                        None => all.remove(&route),
                    };
                }
            }
        }
        for event in &adopted.own {
            let messages = self.progress.desk().about(event);
            self.batch.messages.extend(messages);
        }
        self.batch.events.extend(adopted.events);
        self.batch.events.extend(adopted.own);
    }

    /// What the board has lost, the others have yet to hear anew.
    fn forget_lost(&mut self, shared: &[Shared]) {
        let known: BTreeSet<String> = shared.iter().map(Shared::name).collect();
        if !known.contains(KILL) {
            self.bases.kill = None;
        }
        let runs = &mut self.bases.runs;
        runs.retain(|route, _| known.contains(&run_name(route)));
    }

    /// From now on all gateways have this.
    pub fn agreed(&mut self, shared: Shared) {
        let name = shared.name();
        match shared {
            Shared::Kill(kill) => self.bases.kill = kill,
            Shared::Run(route, run) => {
                self.bases.runs.insert(route, *run);
            }
            Shared::Judged(..) => return,
        }
        let (kill, runs) = (&self.bases.kill, &self.bases.runs);
        let route = name.strip_prefix("run/");
        let body = match route {
            Some(route) => runs.get(route).map(serde_json::to_string),
            None => kill.as_ref().map(serde_json::to_string),
        };
        self.batch.documents.push(Document {
            kind: SHARED,
            name: route.unwrap_or(ALL).to_owned(),
            body: body.and_then(Result::ok),
        });
    }

    /// What this gateway says that the others have not heard.
    pub fn unheard(&self) -> Vec<Shared> {
        let bases = &self.bases;
        let kill = (self.standings.killed != bases.kill)
            .then(|| Shared::Kill(self.standings.killed.clone()));
        let nothing = Run::default();
        let runs = self
            .standings
            .routes
            .iter()
            .filter_map(|(route, standing)| {
                let run = Run::of(standing);
                let base = bases.runs.get(route).unwrap_or(&nothing);
                (run != *base).then(|| Shared::Run(route.clone(), Box::new(run)))
            });
        kill.into_iter().chain(runs).collect()
    }

    /// What this change would come to, for all gateways. It is not in force here.
    pub fn decision(mut self) -> Decision {
        let (old, new) = (&self.inner.standings, &self.standings);
        let runs = new.routes.iter().filter_map(|(route, standing)| {
            let (was, is) = (Run::of(&old.of(route)), Run::of(standing));
            (was != is).then(|| Shared::Run(route.clone(), Box::new(is)))
        });
        let known = &self.inner.judged;
        let judged = self.judged.iter().filter_map(|(route, judged)| {
            let same = known
                .get(route)
                .is_some_and(|known| Arc::ptr_eq(known, judged));
            (!same).then(|| Shared::Judged(route.clone(), Some(Arc::clone(judged))))
        });
        let gone = known
            .keys()
            .filter(|route| !self.judged.contains_key(*route));
        let gone = gone.map(|route| Shared::Judged(route.clone(), None));
        let shared = runs.chain(judged).chain(gone).collect();
        let mut events = std::mem::take(&mut self.batch.events);
        self.progress.desk().name(&mut events);
        Decision { shared, events }
    }
}

impl Progress {
    /// What other gateways are to hear of is remembered from now on. Gives the name that this gateway keeps over restarts.
    pub fn share(&self) -> String {
        let mut inner = self.lock();
        inner.untold = Some(Vec::new());
        if inner.replica.is_empty() {
            inner.replica = format!("{:08x}", fastrand::u32(..));
            let document = Document {
                kind: REPLICA,
                name: ALL.to_owned(),
                body: serde_json::to_string(&inner.replica).ok(),
            };
            self.push(Batch {
                documents: vec![document],
                ..Batch::default()
            });
        }
        inner.replica.clone()
    }

    /// Those of these events that are kept here.
    pub fn has_kept(&self, events: &[String]) -> BTreeSet<String> {
        let kept = self.store().ok();
        let kept = kept.and_then(|store| store.known_events(events.to_vec()).ok());
        kept.unwrap_or_default()
    }

    /// Events that other gateways have not heard of.
    pub fn untold(&self) -> Vec<Event> {
        self.lock().untold.clone().unwrap_or_default()
    }

    /// So many of the first of them they have heard of.
    pub fn told(&self, count: usize) {
        if let Some(untold) = &mut self.lock().untold {
            untold.drain(..count.min(untold.len()));
        }
    }

    /// What came in of canaries' requests since the last time, by route and step.
    pub fn take_collected(&self) -> Vec<(String, u32, Tick)> {
        self.lock().collected.take_all()
    }
}
