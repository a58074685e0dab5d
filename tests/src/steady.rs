//! So many GETs a second, whatever comes back: the load under which something else happens.
//!
//! An open loop over kept connections. A request that was due while its connection was still busy counts from when it was
//! due: what is slow cannot make the load gentler.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::wire::{Wire, within};

/// Clients that come at a steady rate.
#[derive(Debug)]
pub struct Steady {
    stop: watch::Sender<bool>,
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Shared {
    tally: Mutex<Tally>,
    changed: Notify,
}

/// What came back so far.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Answers by status.
    pub statuses: BTreeMap<u16, usize>,
    latencies: Vec<Duration>,
}

/// When which client asks.
#[derive(Clone, Copy, Debug)]
struct Pace {
    start: Instant,
    between: Duration,
    clients: u32,
}

impl Steady {
    /// Asks for `path` so many times a second, over so many connections.
    pub fn start(server: SocketAddr, path: &str, rate: u32, connections: u32) -> Self {
        let (stop, stopped) = watch::channel(false);
        let shared: Arc<Shared> = Arc::default();
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        let pace = Pace {
            start: Instant::now(),
            between: Duration::from_secs(1) / rate,
            clients: connections,
        };
        let mut clients = JoinSet::new();
        for client in 0..connections {
            let (request, shared) = (request.clone(), Arc::clone(&shared));
            let mut stopped = stopped.clone();
            clients.spawn(async move {
                let mut wire = Wire::connect(server).await;
                for due in pace.of(client) {
                    tokio::select! {
                        () = tokio::time::sleep_until(due) => {}
                        _ = stopped.wait_for(|stopped| *stopped) => return,
                    }
                    wire.send(&request).await;
                    let status = wire.answer().await.status;
                    shared.came(status, due.elapsed());
                }
            });
        }
        Self {
            stop,
            shared,
            clients,
        }
    }

    /// What came back so far.
    pub fn tally(&self) -> Tally {
        self.shared.lock().clone()
    }

    /// Waits until so many more answers have come, and says what they were.
    pub async fn goes_on(&self, count: usize) -> Tally {
        let before = self.tally();
        let coming = async {
            loop {
                let changed = self.shared.changed.notified();
                let tally = self.tally();
                if tally.answers() >= before.answers() + count {
                    return tally.since(&before);
                }
                changed.await;
            }
        };
        within("the load", coming).await
    }

    /// The same for everything within this time.
    pub async fn lasts(&self, time: Duration) -> Tally {
        let before = self.tally();
        tokio::time::sleep(time).await;
        self.tally().since(&before)
    }

    /// Ends it; a client without an answer fails the test.
    pub async fn stop(self) -> Tally {
        let _ = self.stop.send(true);
        self.clients.join_all().await;
        self.shared.lock().clone()
    }
}

impl Pace {
    /// When a client's requests are due, one after the other.
    fn of(self, client: u32) -> impl Iterator<Item = Instant> {
        let first = self.start + self.between * client;
        std::iter::successors(Some(first), move |due| {
            Some(*due + self.between * self.clients)
        })
    }
}

impl Shared {
    fn came(&self, status: u16, took: Duration) {
        let mut tally = self.lock();
        *tally.statuses.entry(status).or_default() += 1;
        tally.latencies.push(took);
        drop(tally);
        self.changed.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    /// How many answers came.
    pub fn answers(&self) -> usize {
        self.latencies.len()
    }

    /// How many had this status.
    pub fn count(&self, status: u16) -> usize {
        self.statuses.get(&status).copied().unwrap_or_default()
    }

    /// What came after `before`.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let later = |(&status, &count): (&u16, &usize)| {
            let later = count - before.count(status);
            (later > 0).then_some((status, later))
        };
        Self {
            statuses: self.statuses.iter().filter_map(later).collect(),
            latencies: self.latencies[before.answers()..].to_vec(),
        }
    }

    /// So many hundredths of the answers took no longer than this.
    pub fn percentile(&self, hundredths: usize) -> Duration {
        let mut sorted = self.latencies.clone();
        sorted.sort_unstable();
        let at = (sorted.len() * hundredths).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().expect("answers to count")
    }

    /// Fails unless every answer had this status.
    #[track_caller]
    pub fn all(&self, status: u16) {
        let expected = BTreeMap::from([(status, self.answers())]);
        assert_eq!(self.statuses, expected);
    }
}
