//! A data-path thread: its runtime, its listeners, its sweep.

use std::convert::Infallible;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use chassis::tasks::{Tasks, Unfinished};
use chassis::telemetry::lines::LineBuffer;
use tokio::net::TcpListener;
use tokio::sync::{Barrier, oneshot};
use tokio::task::LocalSet;
use tokio::time::Instant;

use super::door::Door;
use super::state::Limits;
use crate::listener::config::{EdgeConfig, Listener};
use crate::per_core::{PerCore, Shared};

/// How often time-outs are looked at, access lines handed over, unused connections closed.
const SWEEP: Duration = Duration::from_secs(1);

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
    pub edge: std::net::TcpListener,
    /// Its own socket of the internal one, where the file has that.
    pub internal: Option<std::net::TcpListener>,
    /// What it shares with the others.
    pub shared: Arc<Shared>,
    /// Its end of the access log.
    pub lines: LineBuffer,
    /// What it does until.
    pub stop: Tasks,
    /// Where all workers meet when their clients have left.
    pub clients_left: Arc<Barrier>,
    /// How many connections each of its listeners may hold.
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
            .spawn(move || LocalSet::new().block_on(&runtime, start(given)))?;
        Ok(Self { thread })
    }

    /// Waits for its end.
    pub fn join(self) -> Result<(), Unfinished> {
        self.thread
            .join()
            .unwrap_or_else(|_| Err(Unfinished(vec!["edge worker"])))
    }
}

/// Whatever the thread itself waits for is polled each time that anything moves on it: so all there is happens in a task,
/// and it waits for that one only.
async fn start(given: Given) -> Result<(), Unfinished> {
    let (tell, ended) = oneshot::channel();
    Tasks::new().spawn_local("edge worker", async move {
        let _ = tell.send(run(given).await);
    });
    ended.await.unwrap_or(Err(Unfinished(vec!["edge worker"])))
}

async fn run(given: Given) -> Result<(), Unfinished> {
    let socket =
        |socket| TcpListener::from_std(socket).map_err(|_| Unfinished(vec!["edge listener"]));
    let sockets = Sockets {
        edge: socket(given.edge)?,
        internal: given.internal.map(socket).transpose()?,
    };
    let core = PerCore::new(given.core, &given.shared, given.lines);
    let max = given.max_connections;
    let doors = Doors {
        edge: Door::new(Listener::Edge, core.tasks.clone(), max),
        internal: Door::new(Listener::Internal, Tasks::new(), max),
        now: Arc::default(),
    };
    let serving = serve(&core, &doors, sockets, &given.stop, &given.clients_left);
    let ended = tokio::select! {
        ended = serving => ended,
        never = sweep(&core, &doors) => match never {},
    };
    // Connections to upstreams wait for a next request; there will be none.
    core.transport.close();
    let closed = core.upstream_tasks.ended(SWEEP).await;
    core.sweep();
    ended.and(closed)
}

struct Sockets {
    edge: TcpListener,
    internal: Option<TcpListener>,
}

/// Who is in, and the sweep's count.
struct Doors {
    edge: Door,
    /// Nobody ever comes in where the file has no such listener.
    internal: Door,
    now: Arc<AtomicU32>,
}

/// Serves clients until the end is asked for, and callers until there is no client left who may need their answers.
async fn serve(
    core: &Rc<PerCore>,
    doors: &Doors,
    sockets: Sockets,
    stop: &Tasks,
    clients_left: &Barrier,
) -> Result<(), Unfinished> {
    let clients = async {
        tokio::select! {
            never = doors.edge.accept(core, sockets.edge, &doors.now) => match never {},
            () = stop.stopping() => {}
        }
        doors.edge.close();
        let patience = core.view().config.edge.drain;
        let end = Instant::now() + patience;
        let left = doors.edge.left(patience).await;
        // Parts of other cores' pages may come in here. Whoever does not come keeps nobody longer than the drain.
        let _ = tokio::time::timeout_at(end, clients_left.wait()).await;
        (left, end)
    };
    let callers = async {
        match sockets.internal {
            Some(socket) => doors.internal.accept(core, socket, &doors.now).await,
            None => std::future::pending().await,
        }
    };
    let (left, end) = tokio::select! {
        left = clients => left,
        never = callers => match never {},
    };
    doors.internal.close();
    let patience = end.saturating_duration_since(Instant::now());
    left.and(doors.internal.left(patience.max(SWEEP)).await)
}

#[expect(
    clippy::infinite_loop,
    reason = "it ends when its future is dropped at the drain"
)]
async fn sweep(core: &PerCore, doors: &Doors) -> Infallible {
    let mut tick = tokio::time::interval(SWEEP);
    loop {
        tick.tick().await;
        doors.now.fetch_add(1, Ordering::Relaxed);
        let limits = limits(&core.view().config.edge);
        doors.edge.sweep(limits);
        doors.internal.sweep(limits);
        core.sweep();
    }
}

fn limits(edge: &EdgeConfig) -> Limits {
    let counts = |duration: Duration| u32::try_from(duration.as_secs().max(1)).unwrap_or(u32::MAX);
    Limits {
        idle: counts(edge.idle_timeout),
        head: counts(edge.header_timeout),
        blocked: counts(edge.body_idle_timeout),
    }
}
