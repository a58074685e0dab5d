//! One entry of a list: what it has become, and the task that looks again.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::dns::Resolver;
use super::name::{Addresses, Known, Targets};
use super::{Discovery, Finding, Found, Heard, Lookup, Source};
use crate::endpoint::Place;

/// A time to live below would have us ask without pause.
const TTL_MIN: Duration = Duration::from_secs(1);

/// A time to live above would have us notice a move too late.
const TTL_MAX: Duration = Duration::from_mins(5);

/// After a failure the next question comes after this, doubling up to [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// While there has been no answer at all requests fail, so that it comes sooner.
const RETRY_UNKNOWN: Duration = Duration::from_secs(5);

/// One entry.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) source: Source,
    state: Mutex<State>,
    /// Its task ends when it is dropped.
    kept: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    found: Vec<Found>,
    trouble: Option<String>,
}

impl Slot {
    /// With what one of `known` knows of the same name.
    pub(super) fn new(source: &Source, known: &[Arc<Self>]) -> Self {
        let same = known.iter().find(|known| {
            known.source.place == source.place && known.source.lookup == source.lookup
        });
        let found = match source.lookup {
            Lookup::Fixed => vec![Found {
                place: source.place.clone(),
                weight: 1,
            }],
            _ => same.map(|same| same.found()).unwrap_or_default(),
        };
        Self {
            source: source.clone(),
            state: Mutex::new(State {
                found,
                trouble: None,
            }),
            kept: watch::Sender::new(()),
        }
    }

    pub(super) fn found(&self) -> Vec<Found> {
        self.lock().found.clone()
    }

    pub(super) fn set_found(&self, found: Vec<Found>) {
        self.lock().found = found;
    }

    /// Whether there has been an answer, good or bad.
    pub(super) fn has_been_asked(&self) -> bool {
        let state = self.lock();
        state.trouble.is_some() || !state.found.is_empty()
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().trouble.clone()
    }

    /// Said once, not at every question.
    pub(super) fn set_trouble(&self, upstream: &str, why: Option<String>) {
        let mut state = self.lock();
        let host = &self.source.place.host;
        let after = if state.found.is_empty() {
            "there has been no answer yet"
        } else {
            "the last answer stays"
        };
        let trouble = why.map(|why| format!("{host} does not resolve: {why}; {after}"));
        let before = std::mem::replace(&mut state.trouble, trouble.clone());
        drop(state);
        match (before, trouble) {
            (before, Some(trouble)) if before.as_ref() != Some(&trouble) => {
                tracing::warn!(upstream, "{trouble}");
            }
            (Some(_), None) => tracing::info!(upstream, "{host} resolves again"),
            _ => {}
        }
    }

    /// Looks again and again, until the slot or the discovery is gone or the process ends.
    pub(super) fn follow(self: &Arc<Self>, discovery: &Arc<Discovery>, finding: &Finding) {
        if self.source.lookup == Lookup::Fixed {
            return;
        }
        let (slot, discovery) = (Arc::downgrade(self), Arc::downgrade(discovery));
        let (mut kept, stopping) = (self.kept.subscribe(), finding.tasks.stopping());
        let resolver = Arc::clone(&finding.resolver);
        let mut asking = Asking::new(&self.source, &self.found());
        finding.tasks.spawn("discovery", async move {
            let following = async {
                let mut retry = RETRY_FIRST;
                loop {
                    let (heard, wait) = match asking.ask(&*resolver).await {
                        Ok((heard, ttl)) => {
                            retry = RETRY_FIRST;
                            (Ok(heard), ttl.clamp(TTL_MIN, TTL_MAX))
                        }
                        Err(why) => {
                            let wait = retry;
                            retry = (retry * 2).min(RETRY_MAX);
                            (Err(why), wait)
                        }
                    };
                    let (Some(slot), Some(discovery)) = (slot.upgrade(), discovery.upgrade())
                    else {
                        return;
                    };
                    discovery.heard(&slot, heard);
                    let wait = if slot.found().is_empty() {
                        wait.min(RETRY_UNKNOWN)
                    } else {
                        wait
                    };
                    drop((slot, discovery));
                    tokio::time::sleep(wait).await;
                }
            };
            tokio::select! { () = following => {}, _ = kept.changed() => {}, () = stopping => {} }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked.
enum Asking {
    Addresses(Place, Addresses),
    Targets(Place, Targets),
}

impl Asking {
    fn new(source: &Source, last: &[Found]) -> Self {
        let place = source.place.clone();
        if source.lookup == Lookup::Services {
            let targets = Targets::new(&place.host, last);
            return Self::Targets(place, targets);
        }
        let addresses = last.iter().filter_map(|found| found.place.address);
        let addresses = Addresses::new(&place.host, addresses);
        Self::Addresses(place, addresses)
    }

    async fn ask(&mut self, resolver: &dyn Resolver) -> Result<(Heard, Duration), String> {
        match self {
            Self::Addresses(place, addresses) => {
                let found = |address| Found {
                    place: Place {
                        address: Some(address),
                        ..place.clone()
                    },
                    weight: 1,
                };
                heard(addresses.look_up(resolver), found).await
            }
            Self::Targets(place, targets) => {
                let found = |(service, address): (super::dns::Service, _)| Found {
                    place: Place {
                        host: service.target.trim_end_matches('.').to_owned(),
                        port: service.port,
                        address: Some(address),
                        ..place.clone()
                    },
                    // With 0 it would never be asked, not even where all have it.
                    weight: u32::from(service.weight).max(1),
                };
                heard(targets.look_up(resolver), found).await
            }
        }
    }
}

async fn heard<T>(
    looked: impl Future<Output = Result<Known<T>, String>>,
    found: impl Fn(T) -> Found,
) -> Result<(Heard, Duration), String> {
    let known = looked.await?;
    let heard = Heard {
        found: known.found.into_iter().map(found).collect(),
        missing: known.missing,
    };
    Ok((heard, known.ttl))
}
