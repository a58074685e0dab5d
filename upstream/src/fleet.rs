//! The endpoints of one upstream, alive: who is there, who of them is asked, and what their answers and checks come to.
//!
//! A pick reads one immutable rotation. Whatever changes it (an endpoint put out or back, a check, a discovery)
//! takes the lock and publishes the next one. Nobody waits for a time: the first pick after it builds the next
//! rotation.

mod rotation;
mod shown;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::rotation::Rotation;
pub use self::shown::{Shown, State};
use crate::balance::Balance;
use crate::balance::ring::Ring;
use crate::endpoint::condition::{Rules, Standing};
use crate::endpoint::{Endpoint, Place};
use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::{ejection, health};

/// As written of an upstream's endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Which endpoint gets the next request.
    pub balance: Balance,
    /// How long an endpoint takes to grow into its share, when it is new or back. Zero is at once.
    pub slow_start: Duration,
    /// When one that fails is left out.
    pub ejection: ejection::Settings,
    /// Whether somebody checks them. What earlier checks have found counts only as long as somebody does.
    pub checked: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            slow_start: Duration::from_secs(10),
            ejection: ejection::Settings::default(),
            checked: false,
        }
    }
}

impl Settings {
    fn rules<'a>(&self, upstream: &'a str) -> Rules<'a> {
        Rules {
            upstream,
            ejected: self.ejection.consecutive_5xx > 0,
            checked: self.checked,
            slow_start: self.slow_start,
        }
    }
}

/// An endpoint and what it can take beside the others.
#[derive(Clone, Debug)]
pub struct Member {
    /// The endpoint.
    pub endpoint: Arc<Endpoint>,
    /// Twice the weight, twice the requests. Zero is taken as 1.
    pub weight: u32,
}

/// Where a request goes.
#[derive(Debug)]
pub struct Picked {
    /// There.
    pub endpoint: Arc<Endpoint>,
    /// So few endpoints are well that all are asked.
    pub panic: bool,
}

/// Who is there, and where callers belong if the balance goes by caller.
#[derive(Debug, Default)]
struct Held {
    members: Vec<Member>,
    ring: Option<Arc<Ring>>,
}

/// The endpoints of one upstream.
#[derive(Debug)]
pub struct Fleet {
    settings: Settings,
    /// The upstream's, for logs.
    name: String,
    rotation: ArcSwap<Rotation>,
    held: Mutex<Held>,
    /// How many picks took their turn.
    turns: AtomicU64,
    is_known: AtomicBool,
    became_known: Notify,
}

impl Fleet {
    /// With these from the start. One that was in a fleet before stays as it is; beside such, a new one grows into its
    /// share.
    pub fn new(settings: Settings, members: Vec<Member>) -> Self {
        let fleet = Self::awaited(settings);
        fleet.set(members, Instant::now());
        fleet
    }

    /// Nobody has said yet who is there.
    pub fn awaited(settings: Settings) -> Self {
        Self {
            settings,
            name: String::new(),
            rotation: ArcSwap::from_pointee(Rotation::default()),
            held: Mutex::default(),
            turns: AtomicU64::new(0),
            is_known: AtomicBool::new(false),
            became_known: Notify::new(),
        }
    }

    /// The same, called so in logs.
    #[must_use]
    pub fn named(self, upstream: &str) -> Self {
        Self {
            name: upstream.to_owned(),
            ..self
        }
    }

    /// As written.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// These are there now. Who was there before stays as it is, known by its object or by its place, and takes its
    /// new weight. Who is no longer there gets no more requests and finishes those it has.
    pub fn set(&self, members: Vec<Member>, now: Instant) {
        let mut held = self.lock();
        let next = merged(&held.members, members);
        if !same(&held.members, &next) {
            join(&held.members, &next, now);
            held.ring = match self.settings.balance {
                Balance::Hash(_) => Some(Arc::new(ring(&next))),
                _ => None,
            };
            held.members = next;
            self.publish(&held, now);
        }
        self.is_known.store(true, Ordering::Release);
        self.became_known.notify_waiters();
    }

    /// Who is there, in the order they were given.
    pub fn members(&self) -> Vec<Member> {
        self.lock().members.clone()
    }

    /// The endpoint at `place`, if it is there.
    pub fn find(&self, place: &Place) -> Option<Arc<Endpoint>> {
        let held = self.lock();
        let found = held.members.iter().find(|m| m.endpoint.place() == place);
        found.map(|member| Arc::clone(&member.endpoint))
    }

    /// Whether it has been said who is there.
    pub fn is_known(&self) -> bool {
        self.is_known.load(Ordering::Acquire)
    }

    /// Waits until it is said for the first time who is there.
    pub async fn known(&self) {
        loop {
            let became_known = self.became_known.notified();
            if self.is_known() {
                return;
            }
            became_known.await;
        }
    }

    /// Where the next request goes. None of `tried` (ids of endpoints) while another one is well; `key` tells callers
    /// apart where the balance goes by caller; `dice(n)` gives a number below `n`.
    ///
    /// `None` when there is nobody, or nobody well and the file says never to panic.
    pub fn pick(
        &self,
        now: Instant,
        tried: &[u32],
        key: Option<u64>,
        dice: impl FnMut(usize) -> usize,
    ) -> Option<Picked> {
        let mut rotation = self.rotation.load();
        if rotation.is_over(now) {
            self.renew(now);
            rotation = self.rotation.load();
        }
        let endpoint = rotation.pick(now, tried, key, &self.turns, dice)?;
        Some(Picked {
            endpoint: Arc::clone(endpoint),
            panic: rotation.is_panic(),
        })
    }

    /// `endpoint` answered well.
    pub fn succeeded(&self, endpoint: &Arc<Endpoint>, took: Duration, now: Instant) {
        endpoint.succeeded(took, now);
    }

    /// A caller of `endpoint` left after it had waited so long.
    pub fn left(&self, endpoint: &Arc<Endpoint>, waited: Duration, now: Instant) {
        endpoint.left(waited, now);
    }

    /// `endpoint` failed: `why`, in a word.
    pub fn failed(
        &self,
        endpoint: &Arc<Endpoint>,
        why: &'static str,
        took: Duration,
        now: Instant,
    ) {
        let ejection = &self.settings.ejection;
        let row = endpoint.failed(took, ejection.interval, now);
        if ejection.consecutive_5xx > 0 && row >= ejection.consecutive_5xx {
            endpoint.forget_failures();
            self.eject(endpoint, row, why, now);
        }
    }

    fn eject(&self, endpoint: &Arc<Endpoint>, failures: u32, why: &'static str, now: Instant) {
        let held = self.lock();
        let members = &held.members;
        if !members.iter().any(|m| Arc::ptr_eq(&m.endpoint, endpoint)) {
            return;
        }
        let rules = self.settings.rules(&self.name);
        let (mut out, mut others) = (0, 0);
        for member in members {
            match member.endpoint.standing(rules, now) {
                Standing::Ejected { .. } => out += 1,
                Standing::Down => {}
                _ if Arc::ptr_eq(&member.endpoint, endpoint) => {}
                Standing::Up | Standing::Growing { .. } => others += 1,
            }
        }
        let ejection = &self.settings.ejection;
        let mut condition = endpoint.condition();
        let is_out = condition.ejection.until().is_some();
        if !is_out {
            if !ejection.may_eject(members.len(), out, others) {
                return;
            }
            condition.ejection.begin(failures, why, ejection, now);
            condition.health.begin_row();
        }
        let until = condition.ejection.until();
        drop(condition);
        // A fleet of an earlier file may have put it out, which this one sees only now.
        if !is_out || self.rotation.load().trusts(endpoint) {
            self.publish(&held, now);
        }
        drop(held);
        if let Some(until) = until.filter(|_| !is_out) {
            tracing::warn!(
                upstream = self.name,
                %endpoint,
                failures,
                last = why,
                for_s = until.saturating_duration_since(now).as_secs(),
                "an endpoint is put out: it failed too often in a row"
            );
        }
    }

    /// Somebody asked `endpoint` only how it is, and it came out so.
    pub fn checked(
        &self,
        endpoint: &Arc<Endpoint>,
        outcome: Result<(), String>,
        settings: &health::Settings,
        now: Instant,
    ) {
        let held = self.lock();
        let mut condition = endpoint.condition();
        let turned = condition.health.checked(outcome, settings, now);
        let is_good = condition.health.is_good(settings);
        let is_back = is_good && condition.ejection.end(now);
        if is_back || (turned && is_good) {
            condition.grow(now);
            endpoint.forget_latency();
        }
        drop(condition);
        if turned || is_back {
            self.publish(&held, now);
        }
        drop(held);
        if is_back {
            let upstream = &*self.name;
            tracing::info!(upstream, %endpoint, "an endpoint is back: a health check found it well");
        }
    }

    /// Whether so few are well that all are asked.
    pub fn panics(&self) -> bool {
        self.rotation.load().is_panic()
    }

    /// Each of them as an operator sees it.
    pub fn shown(&self, now: Instant) -> Vec<Shown> {
        let (held, rules) = (self.lock(), self.settings.rules(&self.name));
        let shown = |member| Shown::new(member, rules, &self.settings.ejection, now);
        held.members.iter().map(shown).collect()
    }

    /// The time of the rotation is over. One core builds the next, the others go on with this one.
    fn renew(&self, now: Instant) {
        let held = match self.held.try_lock() {
            Ok(held) => held,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.publish(&held, now);
    }

    fn publish(&self, held: &Held, now: Instant) {
        let rotation = Rotation::new(held, (&self.name, &self.settings), now);
        self.rotation.store(Arc::new(rotation));
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `wanted`, each place once, with the objects of `held` where they stand for the same place.
fn merged(held: &[Member], wanted: Vec<Member>) -> Vec<Member> {
    let held: HashMap<&Place, &Arc<Endpoint>> = held
        .iter()
        .map(|member| (member.endpoint.place(), &member.endpoint))
        .collect();
    let mut seen = HashSet::new();
    let kept = wanted.into_iter().filter_map(|mut member| {
        if let Some(known) = held.get(member.endpoint.place()) {
            member.endpoint = Arc::clone(known);
        }
        let is_first = seen.insert(member.endpoint.place().clone());
        is_first.then_some(member)
    });
    kept.collect()
}

/// Who is new beside others that are not grows into its share.
fn join(held: &[Member], next: &[Member], now: Instant) {
    let is_running = (held.iter().chain(next)).any(|m| !m.endpoint.condition().is_new());
    for member in next {
        let mut condition = member.endpoint.condition();
        if is_running && condition.is_new() {
            condition.grow(now);
        }
    }
    for member in next {
        member.endpoint.condition().join();
    }
}

fn ring(members: &[Member]) -> Ring {
    Ring::new(members.iter().map(|m| (m.endpoint.place(), m.weight)))
}

fn same(held: &[Member], next: &[Member]) -> bool {
    held.len() == next.len()
        && std::iter::zip(held, next).all(|(one, other)| {
            Arc::ptr_eq(&one.endpoint, &other.endpoint) && one.weight == other.weight
        })
}

#[cfg(test)]
mod tests;
