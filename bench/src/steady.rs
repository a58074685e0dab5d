//! A load at a fixed rate, whatever the answers take: an open loop over kept connections.
//!
//! Request n is due n / rate seconds after the start, on the connection n modulo their number. One whose connection was
//! still busy when it was due counts from when it was due: a slow server cannot make the load gentler and look fast.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::histogram::Histogram;
use crate::http::{Connection, get};

/// Requests that are late by more are given up.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// How many, how often, for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    /// Requests a second.
    pub(crate) rate: u32,
    pub(crate) seconds: u32,
    pub(crate) connections: u32,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Done {
    /// Answers of 200.
    pub(crate) answered: u64,
    /// Of these, those that say that something is left out.
    pub(crate) degraded: u64,
    /// Everything else.
    pub(crate) failed: u64,
    pub(crate) per_second: f64,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
}

struct Run<'a> {
    steady: Steady,
    address: SocketAddr,
    request: &'a str,
    start: Instant,
    histogram: Histogram,
    degraded: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicBool,
}

impl Steady {
    /// Runs it to its end; `each_second` is called meanwhile, and its first error ends the run.
    pub(crate) fn run(
        self,
        address: SocketAddr,
        path: &str,
        fields: &[(&str, &str)],
        mut each_second: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Done> {
        let run = Run {
            steady: self,
            address,
            request: &get(address, path, fields),
            start: now(),
            histogram: Histogram::new(),
            degraded: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        };
        thread::scope(|scope| {
            for number in 0..self.connections {
                let run = &run;
                scope.spawn(move || run.connection(number));
            }
            (1..=self.seconds).try_for_each(|second| {
                sleep_until(run.start + Duration::from_secs(second.into()));
                each_second().inspect_err(|_| run.stopped.store(true, Ordering::Relaxed))
            })
        })?;
        Ok(run.done())
    }
}

impl Run<'_> {
    /// Every request of one connection, in turn.
    fn connection(&self, number: u32) {
        let Steady {
            rate,
            seconds,
            connections,
        } = self.steady;
        let mut connection = None;
        let total = u64::from(rate) * u64::from(seconds);
        for place in (u64::from(number)..total).step_by(connections as usize) {
            let due = self.start + Duration::from_nanos(place * 1_000_000_000 / u64::from(rate));
            let busy = now() > due;
            sleep_until(due);
            let begun = now();
            if self.stopped.load(Ordering::Relaxed) {
                return;
            }
            if begun.saturating_duration_since(due) > GIVEN_UP || !self.ask(&mut connection) {
                self.failed.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            let from = if busy { due } else { begun };
            self.histogram.add(now().saturating_duration_since(from));
        }
    }

    /// Whether the answer was 200. A connection that fails is opened again by the next request.
    fn ask(&self, kept: &mut Option<Connection>) -> bool {
        let mut asked = || {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => Connection::open(self.address)?,
            };
            let answer = connection.ask(self.request)?;
            *kept = Some(connection);
            let degraded = answer.field("x-degraded").is_some();
            self.degraded.fetch_add(degraded.into(), Ordering::Relaxed);
            anyhow::Ok(answer.status == 200)
        };
        asked().unwrap_or(false)
    }

    fn done(&self) -> Done {
        let answered = self.histogram.count();
        let took = now().saturating_duration_since(self.start);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52 requests")]
        let per_second = answered as f64 / took.as_secs_f64();
        Done {
            answered,
            degraded: self.degraded.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            per_second,
            median: self.histogram.percentile(50),
            p99: self.histogram.percentile(99),
        }
    }
}

fn sleep_until(due: Instant) {
    thread::sleep(due.saturating_duration_since(now()));
}

#[expect(
    clippy::disallowed_methods,
    reason = "what measures reads the machine's clock, and builds without the house's crates"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers every connection's requests, each after `delay`.
    fn server(delay: Duration, answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut socket in listener.incoming().map(Result::unwrap) {
                thread::spawn(move || {
                    while socket.read(&mut [0; 1024]).is_ok_and(|length| length > 0) {
                        thread::sleep(delay);
                        socket.write_all(answer).unwrap();
                    }
                });
            }
        });
        address
    }

    fn run(steady: Steady, address: SocketAddr) -> Done {
        steady.run(address, "/", &[], || Ok(())).unwrap()
    }

    const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const HALF: &[u8] = b"HTTP/1.1 200 OK\r\nx-degraded: a\r\ncontent-length: 0\r\n\r\n";
    const BUSY: &[u8] = b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n";

    #[test]
    fn every_request_is_sent_and_counted_as_what_came_of_it() {
        let steady = Steady {
            rate: 200,
            seconds: 1,
            connections: 4,
        };
        let counts = |answer| {
            let done = run(steady, server(Duration::ZERO, answer));
            (done.answered, done.degraded, done.failed)
        };
        assert_eq!(counts(OK), (200, 0, 0));
        assert_eq!(counts(HALF), (200, 200, 0));
        assert_eq!(counts(BUSY), (0, 0, 200));
    }

    #[test]
    fn waiting_for_a_slow_server_counts() {
        // One connection, 100 a second, 20 ms each: the last of 100 is a second late.
        let steady = Steady {
            rate: 100,
            seconds: 1,
            connections: 1,
        };
        let done = run(steady, server(Duration::from_millis(20), OK));
        assert_eq!(done.answered, 100);
        assert!(done.p99 > Duration::from_millis(900), "{done:?}");
    }

    #[test]
    fn the_first_error_of_the_watcher_ends_the_run() {
        let steady = Steady {
            rate: 100,
            seconds: 60,
            connections: 2,
        };
        let done = steady.run(server(Duration::ZERO, OK), "/", &[], || {
            anyhow::bail!("the process is gone")
        });
        assert!(done.is_err());
    }
}
