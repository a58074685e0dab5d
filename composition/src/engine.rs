//! One call from beginning to end: fresh copy, call in flight, bulkhead, backend, older copy.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chassis::tasks::Tasks;
use http::header::{ACCEPT, USER_AGENT};
use http::{HeaderValue, Request, StatusCode, Uri};
use tokio::time::{Instant, timeout_at};

use crate::budget::Allowance;
use crate::bulkhead::Need;
use crate::cache::{AnyValue, Cache, Key, Stored};
use crate::call::{Call, Kept};
use crate::carrier::{Carried, Carrier};
use crate::cohort::{Audience, Side};
use crate::flight::{Flights, Joined, Joint, Landed};
use crate::inbound::Inbound;
use crate::known::{Company, Kind, Known};
use crate::lost::Lost;
use crate::metrics::Stats;
use crate::reason::Reason;

/// When to come back after a full bulkhead, seconds.
const COME_BACK: u64 = 1;

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
            carrier,
            cache: (cache_bytes > 0).then(|| Cache::new(cache_bytes)),
            flights: Flights::default(),
            known: Known::default(),
            tasks: tasks.clone(),
            stats: Stats::default(),
            agent: HeaderValue::from_static(agent),
        })
    }

    /// What is counted.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Makes a call, or finds its answer.
    pub(crate) async fn fetch<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        call: &Call<T>,
        how: How<'_>,
    ) -> Result<Got<T>, Lost> {
        self.known.enter(how.inbound.state);
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
            stored.age() < longest && self.known.admits(&stored.from, how.inbound.state, caller)
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
            cache.forget(&key, lost.from.audience);
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
        let caller = || how.inbound.caller();
        let Some(Landed { result, leader }) = landed else {
            return match joined {
                Joined::Leading => Err(Lost::new(Reason::Decode)),
                // A panic is its leader's; the others ask for themselves.
                Joined::Waiting => self.ask(call, how).await,
            };
        };
        match result {
            result if joined == Joined::Leading => result,
            Ok(stored)
                if leader == caller()
                    || self.known.admits(&stored.from, how.inbound.state, caller) =>
            {
                self.stats.kept("joined");
                Ok(stored)
            }
            Err(lost)
                if leader == caller()
                    || !lost.is_about_the_caller()
                        && self.known.admits(&lost.from, how.inbound.state, caller) =>
            {
                Err(lost)
            }
            // It was for callers of another side, or about its own caller.
            Ok(_) | Err(_) => {
                let stored = self.ask(call, how).await?;
                self.keep((key.clone(), kept), &stored);
                Ok(stored)
            }
        }
    }

    /// Waits for a call in flight, or for one that this makes; `None` when its task has panicked.
    async fn fly<T: Send + Sync + 'static>(
        self: &Arc<Self>,
        call: &Call<T>,
        how: How<'_>,
        key: &Key,
        kept: Kept,
    ) -> Result<(Option<Landed>, Joined), Lost> {
        let lead = || {
            let (engine, call, key) = (Arc::clone(self), call.clone(), key.clone());
            let (inbound, need, timeout) = (Arc::clone(how.inbound), how.need, how.timeout);
            async move {
                engine
                    .lead(&call, &inbound, need, timeout, (key, kept))
                    .await
            }
        };
        let joint = Joint {
            key: key.clone(),
            company: self.company(call, how),
            state: how.inbound.state,
            need: how.need,
            timeout: how.timeout,
        };
        let (mut flight, joined) = self.flights.join(joint, &self.tasks, lead);
        let landed = timeout_at(how.allowance.ends, flight.wait_for(Option::is_some))
            .await
            .map_err(|_| Lost::new(how.allowance.reason))?;
        Ok((landed.ok().and_then(|landed| landed.clone()), joined))
    }

    /// Makes a call for all who wait, in the part's own time.
    async fn lead<T: Send + Sync + 'static>(
        &self,
        call: &Call<T>,
        inbound: &Arc<Inbound>,
        need: Need,
        timeout: Duration,
        key: (Key, Kept),
    ) -> Landed {
        let how = How {
            inbound,
            need,
            timeout,
            allowance: Allowance {
                may_begin: true,
                ends: Instant::now() + timeout,
                reason: Reason::Timeout,
            },
        };
        let result = self.ask(call, how).await;
        if let Ok(stored) = &result {
            self.keep(key, stored);
        }
        Landed {
            result,
            leader: inbound.caller(),
        }
    }

    /// Whose calls may be one with this one.
    fn company<T: 'static>(&self, call: &Call<T>, how: How<'_>) -> Company {
        let kind = Kind::of::<T>(call.backend.name);
        self.known.company(kind, || how.inbound.caller())
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
        let side = self.company(call, how).side();
        let Some(_permit) = backend.enter(how.need, side) else {
            return Err(Lost {
                retry_after: Some(COME_BACK),
                ..Lost::new(Reason::BulkheadFull)
            });
        };
        let request = self.request(call, how)?;
        backend.calls.inc();
        let Allowance { ends, reason, .. } = how.allowance;
        let carried = self.carrier.carry(backend, request, ends).await;
        let carried = carried.map_err(|lost| match lost.reason {
            Reason::Timeout => Lost::new(reason),
            _ => lost,
        })?;
        let caller = || how.inbound.caller();
        let kind = Kind::of::<T>(backend.name);
        let from = self.known.learn(kind, caller, &carried.fields);
        let Carried {
            status,
            fields,
            body,
        } = carried;
        if !status.is_success() {
            let lost = Lost::answered(status, &fields, from);
            if lost.status.is_none() {
                tracing::warn!(
                    backend = backend.name,
                    status = status.as_u16(),
                    "the gateway does not take this BFF's calls: look at its internal listener"
                );
            }
            return Err(lost);
        }
        // Another success is not the thing that was asked for: a part of it, or nothing.
        if status != StatusCode::OK {
            return Err(Lost::new(Reason::Decode));
        }
        let value = (call.decode)(&body).map_err(|undecodable| {
            tracing::warn!(backend = backend.name, %undecodable, "an answer cannot be read");
            Lost::new(Reason::Decode)
        })?;
        Ok(Stored {
            value: Arc::new(value) as AnyValue,
            from,
            at: Instant::now(),
            size: body.len(),
        })
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
