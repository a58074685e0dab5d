//! One stub: its name, what it answers from, its switches, and what it has received.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::store::Store;
use crate::switches::{Settings, Switches};

/// Requests that are remembered.
const REMEMBERED: usize = 1_000;

/// One stub. Handlers share it.
#[derive(Debug)]
pub struct Stub {
    /// What it is called: `monolith`, `orders`, …
    pub name: &'static str,
    /// What all stubs share.
    pub store: Arc<Store>,
    /// What it does wrong.
    pub switches: Switches,
    /// What it has received.
    pub seen: Seen,
}

impl Stub {
    /// A stub over `store`.
    pub fn new(name: &'static str, store: &Arc<Store>, settings: Settings) -> Arc<Self> {
        let (store, switches) = (Arc::clone(store), Switches::new(settings));
        Arc::new(Self {
            name,
            store,
            switches,
            seen: Seen::default(),
        })
    }
}

/// The last requests of a stub, and how many there were.
#[derive(Debug, Default)]
pub struct Seen(Mutex<Log>);

#[derive(Debug, Default)]
struct Log {
    total: u64,
    requests: VecDeque<Request>,
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in lower case and values, in order.
    pub fields: Vec<(String, String)>,
    /// The body's length, bytes, as far as the request says it.
    pub body: Option<u64>,
}

impl Seen {
    /// Remembers one; the oldest goes.
    pub fn add(&self, request: Request) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.total += 1;
        if log.requests.len() == REMEMBERED {
            log.requests.pop_front();
        }
        log.requests.push_back(request);
    }

    /// How many there were, and the last of them.
    pub fn all(&self) -> (u64, Vec<Request>) {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (log.total, log.requests.iter().cloned().collect())
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Log::default();
    }
}
