//! Where an upstream's endpoints are: as written, by names that are looked up again and again, or in a watched file.
//!
//! What fails takes nothing away: a name that does not resolve keeps its last good answer, a broken file its last good
//! list. A changed answer drains what has gone and keeps what stays, with its connections and its health.

pub mod dns;
mod name;
mod slot;
mod file;

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use chassis::tasks::Tasks;
use tokio::time::Instant;

use crate::endpoint::{Endpoint, Place};
use crate::fleet::{self, Fleet, Member};

use dns::Resolver;
use file::Listed;
use slot::Slot;

/// One entry of an upstream's list of endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// As written.
    pub place: Place,
    /// Its share beside the others'. Each address of a name has it.
    pub weight: u32,
    /// How it becomes endpoints.
    pub lookup: Lookup,
}

/// How an entry becomes endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It is one.
    Fixed,
    /// By A and AAAA records of its host.
    Addresses,
    /// By SRV records of its host, which bring the port and shares of their own.
    Services,
}

impl Source {
    /// An address is an endpoint as it is, a name has to be looked up. `localhost` is left to whoever connects: it is
    /// this machine on whichever of its addresses somebody listens.
    pub fn new(place: Place, weight: u32) -> Self {
        let lookup = if place.address.is_some() || place.host == "localhost" {
            Lookup::Fixed
        } else {
            Lookup::Addresses
        };
        Self {
            place,
            weight,
            lookup,
        }
    }

    /// A service with SRV records; the place's port means nothing.
    pub fn service(place: Place, weight: u32) -> Self {
        Self {
            place,
            weight,
            lookup: Lookup::Services,
        }
    }
}

/// An endpoint that an entry has become.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    place: Place,
    /// Among those of the same entry.
    weight: u32,
}

/// Reads a file of endpoints; an error says what is wrong and what to do.
pub type ReadEndpoints = Arc<dyn Fn(&Path) -> Result<Vec<Source>, String> + Send + Sync>;

/// What looking needs.
#[derive(Clone)]
pub struct Finding {
    /// Whom names are asked of.
    pub resolver: Arc<dyn Resolver>,
    /// How a file of endpoints is read.
    pub read: ReadEndpoints,
    /// Where the looking runs.
    pub tasks: Tasks,
}

impl fmt::Debug for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finding")
            .field("resolver", &self.resolver)
            .finish_non_exhaustive()
    }
}

/// An upstream's list of endpoints, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The upstream's name.
    pub upstream: String,
    /// The entries; those of a file as far as they are known.
    pub sources: Vec<Source>,
    /// Where the entries stand, when they are not the configuration's own.
    pub file: Option<PathBuf>,
}

/// How looking goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Answers of name servers and readings of files, good or bad.
    pub looks: u64,
    /// The bad ones.
    pub failures: u64,
    /// When the last good one came.
    pub good_at: Option<Instant>,
}

impl Counts {
    fn add(&mut self, good: bool, now: Instant) {
        self.looks += 1;
        self.failures += u64::from(!good);
        if good {
            self.good_at = Some(now);
        }
    }
}

/// Finds an upstream's endpoints, as long as somebody keeps it.
#[derive(Debug)]
pub struct Discovery {
    list: List,
    fleet: Arc<Fleet>,
    listed: Option<Listed>,
    now: Mutex<Now>,
    finding: OnceLock<Finding>,
}

/// What is known now.
#[derive(Debug, Default)]
struct Now {
    slots: Vec<Arc<Slot>>,
    /// By id and weight, as the fleet has them.
    members: Vec<(u32, u32)>,
    counts: Counts,
}

impl Discovery {
    /// Of `list`. What `previous` knows of the same names is known here too, and its endpoints stay the same ones.
    /// Nothing is looked up before [`Discovery::start`].
    pub fn open(list: &List, settings: fleet::Settings, previous: Option<&Self>) -> Self {
        let slots = slots(
            &list.sources,
            &previous.map(Self::slots).unwrap_or_default(),
        );
        let known = previous.map(|previous| &*previous.fleet);
        let members = members(&list.upstream, &slots, known);
        let ids = members
            .iter()
            .map(|member| (member.endpoint.id(), member.weight));
        let counts = previous.map(Self::counts).unwrap_or_default();
        let now = Mutex::new(Now {
            members: ids.collect(),
            slots,
            counts,
        });
        let fleet = if members.is_empty() {
            Fleet::awaited(settings)
        } else {
            Fleet::new(settings, members)
        };
        Self {
            list: list.clone(),
            fleet: Arc::new(fleet.named(&list.upstream)),
            listed: list.file.as_deref().map(Listed::new),
            now,
            finding: OnceLock::new(),
        }
    }

    /// Whether this is what `list` asks for. What a file lists is followed here, so it may say something else by now.
    pub fn serves(&self, list: &List) -> bool {
        let (own, is_followed) = (&self.list, list.file.is_some());
        own.upstream == list.upstream
            && own.file == list.file
            && (is_followed || own.sources == list.sources)
    }

    /// The endpoints.
    pub fn fleet(&self) -> &Arc<Fleet> {
        &self.fleet
    }

    /// Whether there is something to look for again and again.
    pub fn follows(&self) -> bool {
        let is_fixed = |slot: &Arc<Slot>| slot.source.lookup == Lookup::Fixed;
        self.listed.is_some() || !self.slots().iter().all(is_fixed)
    }

    /// Begins to look; once is enough.
    pub fn start(self: &Arc<Self>, finding: &Finding) {
        if self.finding.set(finding.clone()).is_err() {
            return;
        }
        for slot in self.slots() {
            slot.follow(self, finding);
        }
        if let Some(listed) = &self.listed {
            listed.follow(self, finding);
        }
    }

    /// What is not as it should be.
    pub fn trouble(&self) -> Option<String> {
        let slots = self.slots();
        let of_file = self.listed.as_ref().and_then(Listed::trouble);
        let mut said: Vec<String> = of_file.into_iter().collect();
        said.extend(slots.iter().filter_map(|slot| slot.trouble()));
        (!said.is_empty()).then(|| said.join("; "))
    }

    /// How looking goes.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// A file lists other entries.
    fn set_sources(self: &Arc<Self>, sources: &[Source]) {
        let mut now = self.lock();
        let next = slots(sources, &now.slots);
        let new = next.iter().filter(|slot| {
            let known = |known| Arc::ptr_eq(known, *slot);
            !now.slots.iter().any(known)
        });
        let new: Vec<Arc<Slot>> = new.map(Arc::clone).collect();
        now.slots = next;
        self.publish(&mut now);
        drop(now);
        if let Some(finding) = self.finding.get() {
            for slot in new {
                slot.follow(self, finding);
            }
        }
    }

    /// An entry's answer, or why it has none.
    fn heard(&self, slot: &Slot, heard: Result<Heard, String>) {
        let mut now = self.lock();
        now.counts.add(heard.is_ok(), Instant::now());
        let trouble = match heard {
            Ok(heard) => {
                slot.set_found(heard.found);
                self.publish(&mut now);
                heard.missing
            }
            Err(why) => Some(why),
        };
        drop(now);
        slot.set_trouble(&self.list.upstream, trouble);
        // Who has been waiting for the first answer need not wait for the next.
        if !self.fleet.is_known() && self.slots().iter().all(|slot| slot.has_been_asked()) {
            self.fleet.set(Vec::new(), Instant::now());
        }
    }

    /// A file was read, or could not be.
    fn read(&self, good: bool) {
        self.lock().counts.add(good, Instant::now());
    }

    /// Tells the fleet, when it is not what it has. No endpoint at all is never an answer.
    fn publish(&self, now: &mut Now) {
        let members = members(&self.list.upstream, &now.slots, Some(&self.fleet));
        let ids = members
            .iter()
            .map(|member| (member.endpoint.id(), member.weight));
        let ids: Vec<(u32, u32)> = ids.collect();
        if members.is_empty() || ids == now.members {
            return;
        }
        let added = ids.iter().filter(|id| !now.members.contains(id)).count();
        let gone = now.members.iter().filter(|id| !ids.contains(id)).count();
        tracing::info!(
            upstream = self.list.upstream,
            endpoints = ids.len(),
            added,
            gone,
            "the endpoints have changed"
        );
        now.members = ids;
        self.fleet.set(members, Instant::now());
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        self.lock().slots.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an entry has become.
#[derive(Debug)]
struct Heard {
    found: Vec<Found>,
    missing: Option<String>,
}

/// One slot an entry; those that were there stay, or hand on what they know when only the share has changed.
fn slots(sources: &[Source], known: &[Arc<Slot>]) -> Vec<Arc<Slot>> {
    let slot = |source: &Source| {
        let same = |slot: &&Arc<Slot>| slot.source == *source;
        match known.iter().find(same) {
            Some(slot) => Arc::clone(slot),
            None => Arc::new(Slot::new(source, known)),
        }
    };
    sources.iter().map(slot).collect()
}

/// The endpoints of all entries, each place once; those that `known` has are the same ones.
fn members(upstream: &str, slots: &[Arc<Slot>], known: Option<&Fleet>) -> Vec<Member> {
    let mut seen = HashSet::new();
    let mut members = Vec::new();
    for slot in slots {
        for found in slot.found() {
            if !seen.insert(found.place.clone()) {
                continue;
            }
            let endpoint = known.and_then(|known| known.find(&found.place));
            let endpoint = match endpoint {
                Some(endpoint) => endpoint,
                None => match Endpoint::new(found.place) {
                    Ok(endpoint) => Arc::new(endpoint),
                    Err(error) => {
                        tracing::warn!(upstream, %error, "an endpoint is left out");
                        continue;
                    }
                },
            };
            let weight = slot.source.weight.saturating_mul(found.weight);
            members.push(Member { endpoint, weight });
        }
    }
    members
}

#[cfg(test)]
mod tests;
