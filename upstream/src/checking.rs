//! Asks endpoints whether they are well, beside the requests: what is asked here counts nowhere else.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use chassis::http_client;
use chassis::tasks::Tasks;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use http::header::{CONNECTION, HOST, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::fleet::{Fleet, Member};
use crate::health::Settings;

/// Whom an endpoint finds in its log.
const AGENT: &str = concat!("banyan-health/", env!("CARGO_PKG_VERSION"));

/// The first checks of endpoints that come at once are spread over this time.
const SPREAD: Duration = Duration::from_secs(1);

/// How often it is looked which endpoints there are.
const LOOK: Duration = Duration::from_secs(1);

/// Who asks.
pub trait Ask: fmt::Debug + Send + Sync {
    /// The status of the answer, or in words why there is none.
    fn ask<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        request: Request<()>,
    ) -> BoxFuture<'a, Result<StatusCode, String>>;
}

/// How the endpoints of an upstream are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checking {
    /// The upstream's name.
    pub upstream: String,
    /// As written.
    pub settings: Settings,
    /// What stands in the request's `Host`; the endpoint's own authority where there is none.
    pub host: Option<HeaderValue>,
}

/// Checks a fleet's endpoints, as long as somebody keeps it.
#[derive(Debug)]
pub struct Checks {
    checking: Checking,
    fleet: Arc<Fleet>,
    good: AtomicU64,
    bad: AtomicU64,
    started: OnceLock<()>,
    /// The task ends when it is dropped.
    kept: watch::Sender<()>,
}

impl Checks {
    /// Nobody is asked before [`Checks::start`].
    pub fn new(checking: Checking, fleet: &Arc<Fleet>) -> Self {
        Self {
            checking,
            fleet: Arc::clone(fleet),
            good: AtomicU64::new(0),
            bad: AtomicU64::new(0),
            started: OnceLock::new(),
            kept: watch::Sender::new(()),
        }
    }

    /// Whether this is what would be made anew.
    pub fn serves(&self, checking: &Checking, fleet: &Arc<Fleet>) -> bool {
        self.checking == *checking && Arc::ptr_eq(&self.fleet, fleet)
    }

    /// The upstream's name.
    pub fn upstream(&self) -> &str {
        &self.checking.upstream
    }

    /// How many checks found an endpoint well.
    pub fn good(&self) -> u64 {
        self.good.load(Ordering::Relaxed)
    }

    /// How many did not.
    pub fn bad(&self) -> u64 {
        self.bad.load(Ordering::Relaxed)
    }

    /// Begins to ask; once is enough.
    pub fn start(self: &Arc<Self>, asker: &Arc<dyn Ask>, tasks: &Tasks) {
        if self.started.set(()).is_err() {
            return;
        }
        let (checks, asker) = (Arc::downgrade(self), Arc::clone(asker));
        let (mut kept, stopping) = (self.kept.subscribe(), tasks.stopping());
        tasks.spawn("health checks", async move {
            let asking = keep_asking(&checks, &asker);
            tokio::select! { () = asking => {}, _ = kept.changed() => {}, () = stopping => {} }
        });
    }

    /// One check of one endpoint.
    fn ask(
        &self,
        endpoint: Arc<Endpoint>,
        asker: &Arc<dyn Ask>,
        next: Instant,
    ) -> impl Future<Output = Checked> + use<> {
        let request = request(&endpoint, &self.checking);
        let (settings, asker) = (self.checking.settings.clone(), Arc::clone(asker));
        async move {
            let outcome = match request {
                Ok(request) => {
                    let asked = asker.ask(&endpoint, request);
                    match tokio::time::timeout(settings.timeout, asked).await {
                        Ok(answer) => answer,
                        Err(_) => Err("no answer in time".to_owned()),
                    }
                }
                Err(error) => Err(error.to_string()),
            };
            let outcome = outcome.and_then(|status| {
                let is_good = settings.statuses.iter().any(|good| good.contain(status));
                let said = || format!("it answered {}", status.as_u16());
                if is_good { Ok(()) } else { Err(said()) }
            });
            Checked {
                endpoint,
                outcome,
                next,
            }
        }
    }

    fn heard(&self, checked: Checked) {
        let count = match &checked.outcome {
            Ok(()) => &self.good,
            Err(_) => &self.bad,
        };
        count.fetch_add(1, Ordering::Relaxed);
        let Checked {
            endpoint, outcome, ..
        } = checked;
        let why = outcome.as_ref().err().cloned().unwrap_or_default();
        let is_ill = || endpoint.condition().health.is_ill();
        let was_ill = is_ill();
        let settings = &self.checking.settings;
        self.fleet
            .checked(&endpoint, outcome, settings, Instant::now());
        let upstream = &self.checking.upstream;
        match (was_ill, is_ill()) {
            (false, true) => tracing::warn!(
                upstream,
                %endpoint,
                why,
                "an endpoint is down: so many health checks in a row were bad"
            ),
            (true, false) => tracing::info!(upstream, %endpoint, "an endpoint is up again"),
            _ => {}
        }
    }
}

struct Checked {
    endpoint: Arc<Endpoint>,
    outcome: Result<(), String>,
    /// When it is asked again.
    next: Instant,
}

/// Asks each endpoint in its own time, and those that come later too.
async fn keep_asking(checks: &Weak<Checks>, asker: &Arc<dyn Ask>) {
    let mut schedule = Schedule::default();
    let mut running = FuturesUnordered::new();
    let mut look = Instant::now();
    while let Some(strong) = checks.upgrade() {
        let now = Instant::now();
        let interval = strong.checking.settings.interval;
        if look <= now {
            schedule.refresh(&strong.fleet.members(), now, SPREAD.min(interval));
            look = now + LOOK;
        }
        while let Some(endpoint) = schedule.take(now) {
            let next = now + interval.mul_f64(0.9 + 0.2 * fastrand::f64());
            running.push(strong.ask(endpoint, asker, next));
        }
        drop(strong);
        let wake = schedule.next().map_or(look, |next| next.min(look));
        tokio::select! {
            Some(checked) = running.next() => {
                schedule.again(&checked);
                if let Some(strong) = checks.upgrade() {
                    strong.heard(checked);
                }
            }
            () = tokio::time::sleep_until(wake) => {}
        }
    }
}

/// Who is asked when.
#[derive(Default)]
struct Schedule {
    due: BTreeMap<(Instant, u32), Arc<Endpoint>>,
    /// By id, those that are being asked too.
    known: HashSet<u32>,
}

impl Schedule {
    /// These are there now; the new ones are asked some time within `spread`.
    fn refresh(&mut self, members: &[Member], now: Instant, spread: Duration) {
        let ids: HashSet<u32> = members.iter().map(|member| member.endpoint.id()).collect();
        self.due.retain(|(_, id), _| ids.contains(id));
        for Member { endpoint, .. } in members {
            if !self.known.contains(&endpoint.id()) {
                let at = now + spread.mul_f64(fastrand::f64());
                self.due.insert((at, endpoint.id()), Arc::clone(endpoint));
            }
        }
        self.known = ids;
    }

    /// Somebody whose time has come.
    fn take(&mut self, now: Instant) -> Option<Arc<Endpoint>> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    fn next(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// It has been asked; if it is still there it is asked again.
    fn again(&mut self, checked: &Checked) {
        let id = checked.endpoint.id();
        if self.known.contains(&id) {
            let endpoint = Arc::clone(&checked.endpoint);
            self.due.insert((checked.next, id), endpoint);
        }
    }
}

fn request(endpoint: &Endpoint, checking: &Checking) -> http::Result<Request<()>> {
    let path = format!("{}{}", endpoint.base_path(), checking.settings.path);
    let host = checking.host.as_ref().unwrap_or(endpoint.authority());
    Request::get(path)
        .header(HOST, host)
        .header(USER_AGENT, AGENT)
        // Each check connects anew: whether connections come about is part of the question.
        .header(CONNECTION, "close")
        .body(())
}

/// Asks over HTTP/1.1.
#[derive(Debug)]
pub struct Asker(reqwest::Client);

impl Asker {
    /// Nothing is asked yet.
    ///
    /// # Errors
    /// The TLS library cannot be set up.
    pub fn new() -> reqwest::Result<Self> {
        // Each upstream has a limit of its own below this one.
        http_client::build(Duration::from_mins(5)).map(Self)
    }
}

impl Ask for Asker {
    fn ask<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        request: Request<()>,
    ) -> BoxFuture<'a, Result<StatusCode, String>> {
        Box::pin(async move {
            let to = match endpoint.address() {
                Some(address) => address.to_string(),
                None => String::from_utf8_lossy(endpoint.authority().as_bytes()).into_owned(),
            };
            let url = format!("http://{to}{}", request.uri());
            let asked = self.0.get(url).headers(request.into_parts().0.headers);
            match asked.send().await {
                Ok(answer) => Ok(answer.status()),
                Err(error) => Err(http_client::in_words(&error.without_url())),
            }
        })
    }
}

#[cfg(test)]
mod tests;
