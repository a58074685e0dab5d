//! What one data-path thread has to itself: connections to upstreams, verified tokens, access lines, and its view of
//! the current snapshot. Nothing here is locked or shared.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use arc_swap::ArcSwap;
use chassis::clock::Clock;
use chassis::tasks::Tasks;
use chassis::telemetry::lines::LineBuffer;
use http::Request;
use upstream::transport::hyper_h1::HyperH1;

use crate::auth::cache::TokenCache;
use crate::decommission::noted::Waiting;
use crate::forward::body::RequestBody;
use crate::forward::client::Client;
use crate::forward::tap::Memory;
use crate::judge;
use crate::log::record::{Ledger, Record};
use crate::metrics::registry::Metrics;
use crate::shadow::state::Comparisons;
use crate::snapshot::Snapshot;

/// What all threads share: each part is immutable, an atomic holder of something immutable, or a counter.
#[derive(Debug)]
pub struct Shared {
    /// The snapshot in force.
    pub current: ArcSwap<Snapshot>,
    /// The counters.
    pub metrics: Arc<Metrics>,
    /// What the copies of requests have come to.
    pub comparisons: Comparisons,
    /// What is kept of requests' bodies for another try, in the whole process.
    pub kept_for_retry: Arc<Memory>,
    /// The clock.
    pub clock: Clock,
    /// Whom legacy answered, until somebody adds it up.
    pub notes: Waiting,
    /// How the sides of canaries did, until the judge takes it.
    pub judged: judge::noted::Waiting,
}

/// One data-path thread's own things.
#[derive(Debug)]
pub struct PerCore {
    /// What it shares.
    pub shared: Arc<Shared>,
    /// What it does for clients.
    pub tasks: Tasks,
    /// Its connections to upstreams, which wait for a next request until they are closed.
    pub upstream_tasks: Tasks,
    /// Its connections.
    pub transport: HyperH1<RequestBody>,
    /// Its verified tokens.
    pub tokens: RefCell<TokenCache>,
    /// How the sides of canaries did.
    pub judged: Rc<judge::noted::Notes>,
    ledger: Rc<Ledger>,
    view: RefCell<Rc<View>>,
    underscored: Cell<u64>,
    /// The current second, and as a `Date` says it.
    date: Cell<(u64, [u8; 29])>,
}

/// This core's handle of a snapshot: handing it to a request touches no memory of another core.
#[derive(Debug)]
pub struct View(Arc<Snapshot>);

impl std::ops::Deref for View {
    type Target = Snapshot;

    fn deref(&self) -> &Snapshot {
        &self.0
    }
}

impl PerCore {
    /// For core number `core`.
    pub fn new(core: usize, shared: &Arc<Shared>, lines: LineBuffer) -> Rc<Self> {
        let clock = shared.clock.clone();
        let upstream_tasks = Tasks::new();
        Rc::new(Self {
            transport: HyperH1::new(clock.clone(), upstream_tasks.clone()),
            tasks: Tasks::new(),
            upstream_tasks,
            tokens: RefCell::default(),
            judged: Rc::default(),
            ledger: Ledger::new(core, clock, lines),
            view: RefCell::new(Rc::new(View(shared.current.load_full()))),
            underscored: Cell::new(0),
            date: Cell::new((0, *b"Thu, 01 Jan 1970 00:00:00 GMT")),
            shared: Arc::clone(shared),
        })
    }

    /// The snapshot in force.
    pub fn view(&self) -> Rc<View> {
        let current = self.shared.current.load();
        let mut view = self.view.borrow_mut();
        if !Arc::ptr_eq(&view.0, &current) {
            *view = Rc::new(View(Arc::clone(&current)));
        }
        Rc::clone(&view)
    }

    /// A request has come in.
    pub fn begin<B>(&self, view: &Snapshot, client: &Client, request: &Request<B>) -> Box<Record> {
        let method = request.method().clone();
        let mut record = Record::begin(
            &self.ledger,
            client.address,
            method,
            &self.shared.metrics.unrouted,
        );
        record.generation = view.generation;
        record.target = request.uri().path_and_query().cloned();
        record.user_agent = request.headers().get(http::header::USER_AGENT).cloned();
        record
    }

    /// The core's clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Now, as a `Date` field says it (RFC 9110, section 5.6.7). It is worked out once a second.
    pub fn date(&self) -> [u8; 29] {
        let now = self.clock().unix();
        let (second, mut text) = self.date.get();
        if second != now.as_secs() {
            let written = httpdate::fmt_http_date(UNIX_EPOCH + now);
            if let Ok(written) = written.as_bytes().try_into() {
                text = written;
            }
            self.date.set((now.as_secs(), text));
        }
        text
    }

    /// Fields that were dropped for an underscore.
    pub fn underscored(&self, fields: usize) {
        self.underscored.set(self.underscored.get() + fields as u64);
    }

    /// Hands over access lines and counts, closes what is unused. Called every second.
    pub fn sweep(&self) {
        // A snapshot that no request uses any more is let go even when no new request comes.
        drop(self.view());
        self.transport.sweep();
        self.ledger.flush();
        self.ledger.notes.hand_over(&self.shared.notes);
        let dropped = self.judged.hand_over(&self.shared.judged);
        let metrics = &self.shared.metrics;
        for (total, new) in [
            (&metrics.samples_dropped, dropped),
            (&metrics.underscored, self.underscored.take()),
        ] {
            total.fetch_add(new, Ordering::Relaxed);
        }
    }
}
