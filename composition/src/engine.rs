//! One call from beginning to end: fresh copy, call in flight, backend, older copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::tasks::Tasks;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use tokio::time::{Instant, timeout_at};

use crate::budget::Allowance;
use crate::cache::{AnyValue, Cache, Key, Stored};
use crate::call::{Call, Kept};
use crate::carrier::{Carried, Carrier, Terms};
use crate::cohort::{Audience, Provenance, Side};
use crate::flight::{Flights, Joined, Joint, Landed};
use crate::inbound::Inbound;
use crate::known::{Asked, Known, Moment};
use crate::lost::Lost;
use crate::metrics::Stats;
use crate::need::Need;
use crate::reason::Reason;

/// How many fields a call has at least.
const FIELDS: usize = 8;

/// Everything that the screens of one process share.
#[derive(Debug)]
pub struct Engine {
    carrier: Arc<dyn Carrier>,
    /// `None` switches keeping and joining off.
    cache: Option<Cache>,
    flights: Flights,
    known: Known,
    tasks: Tasks,
    stats: Stats,
    agent: HeaderValue,
}

/// An answer, and how old it is.
#[derive(Debug)]
pub(crate) struct Got<T> {
    pub(crate) value: Arc<T>,
    /// How old, if it was kept.
    pub(crate) age: Option<Duration>,
    /// Why nothing younger could be had, if it is too old.
    pub(crate) stale: Option<Reason>,
    pub(crate) side: Option<Side>,
}

/// How a call is made: for whom, how badly, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How<'a> {
    pub(crate) inbound: &'a Arc<Inbound>,
    /// When that came in.
    pub(crate) moment: Moment,
    pub(crate) need: Need,
    /// The part's own time.
    pub(crate) timeout: Duration,
    /// What of it this request has.
    pub(crate) allowance: Allowance,
}

impl Engine {
    /// Over `carrier`, for the process that is called `agent`. At most `cache_bytes` of answers are kept, none when that
    /// is zero. Calls that several wait for run in `tasks`.
    pub fn new(
        carrier: Arc<dyn Carrier>,
        agent: &'static str,
        cache_bytes: u64,
        tasks: &Tasks,
    ) -> Arc<Self> {
        Arc::new(Self {
            known: Known::new(carrier.way()),
            carrier,
            cache: (cache_bytes > 0).then(|| Cache::new(cache_bytes)),
            flights: Flights::default(),
            tasks: tasks.clone(),
            stats: Stats::default(),
            agent: HeaderValue::from_static(agent),
        })
    }

    /// What is counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// A request comes in. Once for each, before its first call: it may take long, and what it says of the routes is true
    /// of its beginning.
    pub(crate) fn enter(&self, inbound: &Inbound) -> Moment {
        self.known.enter(inbound.state)
    }

    /// Makes a call, or finds its answer.
    pub(crate) async fn fetch<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        call: &Call<T>,
        how: How<'_>,
    ) -> Result<Got<T>, Lost> {
        let kept = self
            .cache
            .as_ref()
            .and_then(|cache| Some((cache, Key::of(call, how.inbound)?)));
        let Some((cache, (key, kept))) = kept else {
            if !how.allowance.may_begin {
                return Err(Lost::new(Reason::Budget));
            }
            let stored = self.ask(call, how).await?;
            return got(stored, None);
        };
        let fits = |stored: &Stored, longest: Duration| {
            let caller = || how.inbound.caller();
            stored.age() < longest && self.known.admits(&stored.from, how.moment, caller)
        };
        if let Some(stored) = cache.find(&key, |stored| fits(stored, kept.fresh)) {
            self.stats.kept("fresh");
            let age = stored.age();
            return got(stored, Some(age));
        }
        // Boxed, so that a call that is not kept does not carry the room for it.
        let lost = match Box::pin(self.shared(call, how, &key, kept)).await {
            Ok(stored) => return got(stored, None),
            Err(lost) => lost,
        };
        if lost.purges() && (key.is_one_users() || !lost.is_about_the_caller()) {
            cache.forget(&key, &lost.from);
        }
        let longest = kept.fresh + kept.stale_if_error;
        let older = lost
            .may_be_masked()
            .then(|| cache.find(&key, |stored| fits(stored, longest)));
        let reason = lost.reason;
        let stored = older.flatten().ok_or(lost)?;
        self.stats.kept("stale");
        let age = stored.age();
        let got = got(stored, Some(age))?;
        Ok(Got {
            stale: Some(reason),
            ..got
        })
    }

    /// Joins a call in flight or makes one that others may join.
    async fn shared<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        call: &Call<T>,
        how: How<'_>,
        key: &Key,
        kept: Kept,
    ) -> Result<Stored, Lost> {
        if !how.allowance.may_begin {
            return Err(Lost::new(Reason::Budget));
        }
        let (mut landed, mut joined) = self.fly(call, how, key, kept).await?;
        // It had begun long before: who joined late has time left of their own.
        let was_late = matches!(&landed, Some(Landed { result: Err(lost), .. }) if lost.reason == Reason::Timeout);
        if was_late && joined == Joined::Waiting && Instant::now() < how.allowance.ends {
            (landed, joined) = self.fly(call, how, key, kept).await?;
        }
        let Some(Landed { result, leader }) = landed else {
            return match joined {
                Joined::Leading => Err(Lost::new(Reason::Decode)),
                // A panic is its leader's; the others ask for themselves.
                Joined::Waiting | Joined::Nobody => self.ask_alone(call, how, key, kept).await,
            };
        };
        if joined == Joined::Leading {
            return result;
        }
        let caller = || how.inbound.caller();
        let from = result
            .as_ref()
            .map_or_else(|lost| &*lost.from, |stored| &stored.from);
        let is_theirs = match &result {
            Ok(_) => true,
            Err(lost) => !lost.is_about_the_caller() || leader == caller(),
        };
        if !(is_theirs && self.known.admits(from, how.moment, caller)) {
            return self.ask_alone(call, how, key, kept).await;
        }
        if result.is_ok() {
            self.stats.kept("joined");
        }
        result
    }

    /// Makes a call that nobody joins.
    async fn ask_alone<T: Send + Sync + 'static>(
        &self,
        call: &Call<T>,
        how: How<'_>,
        key: &Key,
        kept: Kept,
    ) -> Result<Stored, Lost> {
        let stored = self.ask(call, how).await?;
        self.keep((key.clone(), kept), &stored);
        Ok(stored)
    }

    /// Waits for a call in flight, or for one that this makes; `None` when its task has panicked, or nobody's call may be
    /// one with this one.
    async fn fly<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        call: &Call<T>,
        how: How<'_>,
        key: &Key,
        kept: Kept,
    ) -> Result<(Option<Landed>, Joined), Lost> {
        let caller = || how.inbound.caller();
        let company = self.known.company(self.asked(call), how.moment, caller);
        let Some(company) = company else {
            return Ok((None, Joined::Nobody));
        };
        let lead = || {
            let (engine, call, key) = (Arc::clone(self), call.clone(), key.clone());
            let (inbound, moment) = (Arc::clone(how.inbound), how.moment);
            let (need, timeout) = (how.need, how.timeout);
            async move {
                let how = How {
                    inbound: &inbound,
                    moment,
                    need,
                    timeout,
                    // The part's own time, for all who wait.
                    allowance: Allowance {
                        may_begin: true,
                        ends: Instant::now() + timeout,
                        reason: Reason::Timeout,
                    },
                };
                Landed {
                    result: engine.ask_alone(&call, how, &key, kept).await,
                    leader: inbound.caller(),
                }
            }
        };
        let joint = Joint {
            key: key.clone(),
            company,
            moment: how.moment,
            need: how.need,
            timeout: how.timeout,
        };
        let (mut flight, joined) = self.flights.join(joint, &self.tasks, lead);
        let landed = timeout_at(how.allowance.ends, flight.wait_for(Option::is_some))
            .await
            .map_err(|_| Lost::new(how.allowance.reason))?;
        Ok((landed.ok().and_then(|landed| landed.clone()), joined))
    }

    /// A call, as far as it decides which route takes it.
    fn asked<T: 'static>(&self, call: &Call<T>) -> Asked {
        let thing = call.kept.map(|_| (&call.target, &call.fields));
        self.known.asked::<T>(call.backend.name, thing)
    }

    fn keep(&self, (key, kept): (Key, Kept), stored: &Stored) {
        // What is only joined is never given again, nor is what nobody may be given.
        let lasts = !(kept.fresh + kept.stale_if_error).is_zero()
            && stored.from.audience != Audience::Nobody
            && stored
                .from
                .route
                .as_ref()
                .is_none_or(|routed| routed.generation > 0);
        if let Some(cache) = self.cache.as_ref().filter(|_| lasts) {
            cache.keep(key, stored);
        }
    }

    /// Asks the backend.
    async fn ask<T: Send + Sync + 'static>(
        &self,
        call: &Call<T>,
        how: How<'_>,
    ) -> Result<Stored, Lost> {
        let backend = &call.backend;
        let (asked, caller) = (self.asked(call), || how.inbound.caller());
        let terms = Terms {
            allowance: how.allowance,
            need: how.need,
            side: self.known.side(asked, caller),
        };
        let request = self.request(call, how)?;
        let late = |lost| {
            if lost == Reason::Timeout {
                how.allowance.reason
            } else {
                lost
            }
        };
        let carried = self.carrier.carry(backend, request, terms).await;
        let carried = carried.map_err(|lost| Lost {
            reason: late(lost.reason),
            ..lost
        })?;
        let from = self.known.learn(asked, how.moment, caller, &carried.fields);
        let body = carried.body.map_err(late);
        usable(call, Carried { body, ..carried }, from)
    }

    fn request<T>(&self, call: &Call<T>, how: How<'_>) -> Result<Request<Bytes>, Lost> {
        let path = format!("{}{}", call.backend.base_path, call.target);
        let path = if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        };
        let mut request = Request::new(Bytes::new());
        // Every part of it was escaped.
        *request.uri_mut() = Uri::try_from(path).map_err(|_| Lost::new(Reason::Decode))?;
        let fields = request.headers_mut();
        fields.reserve(FIELDS + call.fields.len());
        fields.extend(call.fields.iter().cloned());
        fields.insert(ACCEPT, HeaderValue::from_static("application/json"));
        fields.insert(USER_AGENT, self.agent.clone());
        let left = how.allowance.ends.saturating_duration_since(Instant::now());
        how.inbound.identity.tell(fields, left);
        Ok(request)
    }
}

/// What came of a call, if it can be used.
fn usable<T: Send + Sync + 'static>(
    call: &Call<T>,
    carried: Carried,
    from: Provenance,
) -> Result<Stored, Lost> {
    let Carried {
        status,
        fields,
        body,
    } = carried;
    let backend = call.backend.name;
    if !status.is_success() {
        let lost = Lost::answered(status, &fields, from);
        if lost.status.is_none() {
            tracing::warn!(
                backend,
                status = status.as_u16(),
                "the gateway does not take this BFF's calls: look at its internal listener"
            );
        }
        return Err(lost);
    }
    // Another success is not the thing that was asked for: a part of it, or nothing.
    if status != StatusCode::OK {
        return Err(Lost::of(Reason::Decode, from));
    }
    let body = match body {
        Ok(body) => body,
        Err(reason) => return Err(Lost::of(reason, from)),
    };
    match (call.decode)(&body) {
        Ok(value) => Ok(Stored {
            value: Arc::new(value) as AnyValue,
            from,
            at: Instant::now(),
            size: body.len(),
        }),
        Err(undecodable) => {
            tracing::warn!(backend, %undecodable, "an answer cannot be read");
            Err(Lost::of(Reason::Decode, from))
        }
    }
}

/// The key names the type, so the value is of it.
fn got<T: Send + Sync + 'static>(stored: Stored, age: Option<Duration>) -> Result<Got<T>, Lost> {
    let value = stored.value.downcast();
    Ok(Got {
        value: value.map_err(|_| Lost::new(Reason::Decode))?,
        age,
        stale: None,
        side: stored.from.side,
    })
}
