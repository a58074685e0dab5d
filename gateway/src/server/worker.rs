//! A data-path thread: its runtime, its listener, its sweep.

use std::cell::RefCell;
use std::convert::Infallible;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use chassis::tasks::{Tasks, Unfinished};
use chassis::telemetry::lines::LineBuffer;
use tokio::task::LocalSet;

use super::connection;
use super::state::{ConnectionState, Limits, Verdict};
use crate::listener::config::EdgeConfig;
use crate::per_core::{PerCore, Shared};

/// How often time-outs are looked at, access lines handed over, unused connections closed.
const SWEEP: Duration = Duration::from_secs(1);

/// How long accepting pauses when there is no descriptor or no place left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// One data-path thread.
#[derive(Debug)]
pub struct Worker {
    thread: JoinHandle<Result<(), Unfinished>>,
}

/// What a worker is given.
#[derive(Debug)]
pub struct Given {
    /// Its number.
    pub core: usize,
    /// Its own socket of the public listener.
    pub listener: TcpListener,
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its end of the access log.
    pub lines: LineBuffer,
    /// What it does until.
    pub stop: Tasks,
    /// How many connections it may hold.
    pub max_connections: usize,
}

impl Worker {
    /// Starts the thread. It serves until `stop` is asked for and its connections are done, or the drain is over.
    pub fn start(given: Given) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let name = format!("edge-{}", given.core);
        let thread = std::thread::Builder::new()
            .name(name)
            .spawn(move || LocalSet::new().block_on(&runtime, run(given)))?;
        Ok(Self { thread })
    }

    /// Waits for its end.
    pub fn join(self) -> Result<(), Unfinished> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(Unfinished(vec!["edge worker"])))
    }
}

/// The connections of one thread.
#[derive(Debug, Default)]
struct Connections {
    open: RefCell<Vec<Weak<ConnectionState>>>,
}

async fn run(given: Given) -> Result<(), Unfinished> {
    let Given {
        core,
        listener,
        shared,
        lines,
        stop,
        max_connections,
    } = given;
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return Err(Unfinished(vec!["edge listener"]));
    };
    let core = PerCore::new(core, &shared, lines);
    let connections = Rc::new(Connections::default());
    let now = Arc::new(AtomicU32::new(0));
    let accepting = accept(&core, &listener, &connections, &now, max_connections);
    let sweeping = sweep(&core, &connections, &now);
    tokio::select! {
        never = accepting => match never {},
        never = sweeping => match never {},
        () = stop.stopping() => {}
    }
    drop(listener);
    drain(&core, &connections, &now).await
}

#[expect(
    clippy::infinite_loop,
    reason = "it ends when its future is dropped at the drain"
)]
async fn accept(
    core: &Rc<PerCore>,
    listener: &tokio::net::TcpListener,
    connections: &Rc<Connections>,
    now: &Arc<AtomicU32>,
    max: usize,
) -> Infallible {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Those who come meanwhile stay in the kernel's queue.
                while !connections.make_room(max) {
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                let _ = stream.set_nodelay(true);
                let state = Arc::new(ConnectionState::new(Arc::clone(now)));
                connections.add(&state);
                let open = Open::new(core);
                let serving = connection::serve(Rc::clone(core), stream, peer.ip(), state);
                core.tasks.spawn_local("client connection", async move {
                    let _open = open;
                    serving.await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "accept failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

#[expect(
    clippy::infinite_loop,
    reason = "it ends when its future is dropped at the drain"
)]
async fn sweep(core: &PerCore, connections: &Connections, now: &AtomicU32) -> Infallible {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        now.fetch_add(1, Ordering::Relaxed);
        connections.sweep(limits(&core.view().config.edge));
        core.sweep();
    }
}

/// Lets what runs finish, and ends what does not.
async fn drain(
    core: &PerCore,
    connections: &Connections,
    now: &AtomicU32,
) -> Result<(), Unfinished> {
    connections.judge(Verdict::Close);
    core.tasks.stop();
    let patience = core.view().config.edge.drain;
    let ended = {
        let ended = std::pin::pin!(core.tasks.ended(patience));
        let sweeping = std::pin::pin!(sweep(core, connections, now));
        tokio::select! {
            ended = ended => ended,
            never = sweeping => match never {},
        }
    };
    // Connections to upstreams wait for a next request; there will be none.
    core.transport.close();
    let closed = core.upstream_tasks.ended(SWEEP).await;
    core.sweep();
    ended.and(closed)
}

fn limits(edge: &EdgeConfig) -> Limits {
    let counts = |duration: Duration| u32::try_from(duration.as_secs().max(1)).unwrap_or(u32::MAX);
    Limits {
        idle: counts(edge.idle_timeout),
        head: counts(edge.header_timeout),
        blocked: counts(edge.body_idle_timeout),
    }
}

impl Connections {
    fn add(&self, state: &Arc<ConnectionState>) {
        self.open.borrow_mut().push(Arc::downgrade(state));
    }

    /// Whether there is a place. If not, whoever waits longest for nothing is asked to leave.
    fn make_room(&self, max: usize) -> bool {
        let mut open = self.open.borrow_mut();
        if open.len() >= max {
            // Those that have ended since the last sweep.
            open.retain(|state| state.strong_count() > 0);
        }
        if open.len() < max {
            return true;
        }
        let idle = open
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|state| Some((state.idle_since()?, state)));
        if let Some((_, oldest)) = idle.min_by_key(|(since, _)| *since) {
            oldest.judge(Verdict::Close);
        }
        false
    }

    fn sweep(&self, limits: Limits) {
        self.open.borrow_mut().retain(|state| {
            let open = state.upgrade();
            if let Some(state) = &open {
                state.sweep(limits);
            }
            open.is_some()
        });
    }

    fn judge(&self, verdict: Verdict) {
        for state in self.open.borrow().iter().filter_map(Weak::upgrade) {
            state.judge(verdict);
        }
    }
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Open {
    fn new(core: &PerCore) -> Self {
        core.shared
            .metrics
            .connections
            .fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&core.shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
