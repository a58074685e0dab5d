//! Builds and joins everything, and is the only place that does: the configuration is complete before a socket is
//! opened, every thread and task ends in the drain.

mod sockets;

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use arc_swap::ArcSwap;
use chassis::clock::Clock;
use chassis::listen::ListenError;
use chassis::tasks::Tasks;
use chassis::telemetry::lines::LineWriter;
use tokio::runtime::Runtime;
use tokio::sync::Barrier;

use self::sockets::Sockets;
use crate::admin::{self, AdminState};
use crate::auth::jwks;
use crate::config::report::Report;
use crate::config::source::Source;
use crate::config::{Config, load, read_endpoints_file};
use crate::decommission::noted::Waiting;
use crate::forward::{finding::Finder, tap::Memory};
use crate::judge;
use crate::metrics::registry::Metrics;
use crate::notify::relay::Relay;
use crate::per_core::Shared;
use crate::progress::{Change, Patience, Progress};
use crate::reload::{self, Cause, Environment, Reloader};
use crate::replicating;
use crate::server::worker::{Given, Worker};
use crate::shadow::kept;
use crate::shadow::runner::Runner;
use crate::shadow::state::Comparisons;
use crate::side::config::MigrationConfig;
use crate::snapshot::{BuildError, Snapshot};

/// The second runtime: admin, reload, keys. Two threads, so that a slow reload never holds up health.
const CONTROL_THREADS: usize = 2;

/// What may be kept of requests' bodies for another try, in the whole process.
const KEPT_FOR_RETRY: usize = 64 * 1024 * 1024;

/// What is not done when the data path has drained is not waited for much longer.
const CONTROL_DRAIN: Duration = Duration::from_secs(2);

/// What a gateway is started with.
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Where `${NAME}` comes from.
    pub environment: Environment,
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file cannot be read.
    #[error("{0}")]
    File(std::io::Error),
    /// The file has mistakes.
    #[error("{0}")]
    Config(Box<Report>),
    /// The file reads well and cannot be used all the same.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The access log cannot be opened.
    #[error("log.access: {0}")]
    AccessLog(std::io::Error),
    /// A client for copies of requests, or for health checks, cannot be set up.
    #[error("neither copies of requests nor health checks can be sent: {0}")]
    Asking(reqwest::Error),
    /// The client that posts to webhooks cannot be set up.
    #[error("webhooks cannot be told: {0}")]
    Webhooks(reqwest::Error),
    /// The machine refuses a thread or a runtime.
    #[error("a thread cannot be started: {0}")]
    Thread(std::io::Error),
}

/// A file that was read and holds together.
#[derive(Debug)]
pub struct Ready {
    /// The file's text.
    pub source: Source,
    /// What it says.
    pub config: Config,
    /// What somebody should look at.
    pub warnings: Report,
}

/// Reads and validates the file; nothing is opened yet.
pub fn read(options: &Options) -> Result<Ready, StartError> {
    let source = Source::read(&options.path).map_err(StartError::File)?;
    let loaded = load(&source, &*options.environment)
        .map_err(|report| StartError::Config(Box::new(report)))?;
    Ok(Ready {
        source,
        config: loaded.config,
        warnings: loaded.warnings,
    })
}

/// A gateway that runs.
#[derive(Debug)]
pub struct Running {
    /// Where clients come in.
    pub edge: SocketAddr,
    /// Where backends for frontends come in, where the file has it.
    pub internal: Option<SocketAddr>,
    /// Where operators come in.
    pub admin: SocketAddr,
    /// What all threads share.
    pub shared: Arc<Shared>,
    state: Arc<AdminState>,
    /// Ends the data path.
    edge_tasks: Tasks,
    /// Ends the control side, once the data path has drained: until then admin says so.
    control_tasks: Tasks,
    workers: Vec<Worker>,
    lines: LineWriter,
    control: Runtime,
}

/// Opens the sockets and starts all threads.
pub fn start(options: Options, ready: Ready) -> Result<Running, StartError> {
    let Ready { source, config, .. } = ready;
    let cores = sockets::workers(&config);
    let metrics = Arc::new(Metrics::new(cores));
    let (clock, comparisons) = (Clock::system(), Comparisons::default());
    let (progress, diffs, documents) = Progress::open(&config.state, clock.clone(), &source.text);
    kept::restore(&comparisons, documents, diffs);
    let (progress, config) = (Arc::new(progress), Arc::new(config));
    let (change, snapshot) = first(&config, &progress, &metrics, &comparisons)?;
    let lines = LineWriter::start(&config.log.access).map_err(StartError::AccessLog)?;
    let sockets = Sockets::open(&config, cores)?;
    // A process that does not start changes nothing for the one that has the addresses.
    change.done();

    let (edge_tasks, control_tasks) = (Tasks::new(), Tasks::new());
    let shared = Arc::new(Shared {
        current: ArcSwap::from_pointee(snapshot),
        metrics,
        kept_for_retry: Arc::new(Memory::new(KEPT_FOR_RETRY)),
        clock,
        notes: Waiting::default(),
        judged: judge::noted::Waiting::default(),
        comparisons,
    });
    let relay = relay(&progress, &shared.clock)?;
    let copies = Runner::new(&shared.clock, &control_tasks);
    let finder = Finder::new(read_endpoints_file, &control_tasks);
    let reloader = Reloader::new(
        options.path,
        options.environment,
        source.text,
        Arc::clone(&shared),
        Arc::clone(&progress),
        copies.map_err(StartError::Asking)?,
        finder.map_err(StartError::Asking)?,
    );
    let admin_state = Arc::new(AdminState {
        config: config.admin.clone(),
        shared: Arc::clone(&shared),
        reloader: Arc::new(reloader),
        progress,
        draining: Arc::default(),
        lines_dropped: lines.dropped(),
    });
    let control =
        control(&admin_state, sockets.admin, relay, &control_tasks).map_err(StartError::Thread)?;
    let (edge, internal) = (sockets.edge_address, sockets.internal_address);
    let admin = sockets.admin_address;
    let listeners = (sockets.edge, sockets.internal);
    let workers =
        start_workers(listeners, &shared, &lines, &edge_tasks).map_err(StartError::Thread)?;
    Ok(Running {
        edge,
        internal,
        admin,
        shared,
        state: admin_state,
        edge_tasks,
        control_tasks,
        workers,
        lines,
        control,
    })
}

/// Where state is kept, messages are.
fn relay(progress: &Progress, clock: &Clock) -> Result<Option<Relay>, StartError> {
    let relay = progress.store().ok();
    let relay = relay.map(|store| Relay::new(store, progress.desk(), clock));
    relay.transpose().map_err(StartError::Webhooks)
}

/// What may be in force at first: phases that may not be entered yet wait.
fn first<'p>(
    config: &Arc<Config>,
    progress: &'p Progress,
    metrics: &Metrics,
    comparisons: &Comparisons,
) -> Result<(Change<'p>, Snapshot), BuildError> {
    let mut change = progress.change();
    if let Some(redis) = &config.state.redis {
        replicating::catch_up(redis, &mut change);
    }
    // With `Wait` nothing is refused.
    let gate = |route: &str, migration: &MigrationConfig| {
        comparisons.gate(route, migration.shadow.as_deref())
    };
    let _ = change.admit(config, None, &gate, Patience::Wait);
    for (route, standing) in &change.standings().routes {
        if let Some(waits) = &standing.waits {
            tracing::warn!(route, waits, "the declared phase is not in force");
        }
    }
    let snapshot = Snapshot::build(
        Arc::clone(config),
        change.standings(),
        change.generation(),
        None,
        metrics,
        comparisons,
    )?;
    Ok((change, snapshot))
}

/// One for each socket of the edge.
fn start_workers(
    (edge, internal): (Vec<TcpListener>, Vec<TcpListener>),
    shared: &Arc<Shared>,
    lines: &LineWriter,
    stop: &Tasks,
) -> std::io::Result<Vec<Worker>> {
    let cores = edge.len();
    let max_connections = sockets::max_connections(&shared.current.load().config).div_ceil(cores);
    let clients_left = Arc::new(Barrier::new(cores));
    let mut internal = internal.into_iter();
    let start = |(core, edge)| {
        Worker::start(Given {
            core,
            edge,
            internal: internal.next(),
            shared: Arc::clone(shared),
            lines: lines.buffer(),
            stop: stop.clone(),
            clients_left: Arc::clone(&clients_left),
            max_connections,
        })
    };
    edge.into_iter().enumerate().map(start).collect()
}

/// Starts the control side: keys, the file's watch, SIGHUP, messages, the admin listener.
fn control(
    state: &Arc<AdminState>,
    listener: TcpListener,
    relay: Option<Relay>,
    tasks: &Tasks,
) -> std::io::Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()?;
    let inside = runtime.enter();
    let snapshot = state.shared.current.load();
    for ring in snapshot.rings() {
        jwks::keep_fresh(ring, tasks);
    }
    state.reloader.look_for_endpoints(&snapshot);
    state.reloader.copies().serve(snapshot.shadows());
    reload::watch(&state.reloader, tasks);
    reload_on_hangup(&state.reloader, tasks)?;
    reload::keep(&state.reloader, tasks);
    if let Some(relay) = relay {
        relay.start(tasks);
    }
    if let Some(redis) = &snapshot.config.state.redis {
        replicating::replicate(redis, &state.reloader, &state.progress, tasks);
    }
    reload::judge(&state.reloader, tasks);
    drop(snapshot);
    chassis::serve::router(listener, admin::router(Arc::clone(state)), tasks)?;
    drop(inside);
    Ok(runtime)
}

impl Running {
    /// How far its routes have got.
    pub fn progress(&self) -> &Progress {
        &self.state.progress
    }

    /// Runs a future of the control side, such as waiting for a signal.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.control.block_on(future)
    }

    /// From now on readiness says that it drains.
    pub fn say_draining(&self) {
        self.state.draining.store(true, Ordering::SeqCst);
    }

    /// Drains: not ready, no new connections, what runs may finish. Says what did not finish in time.
    pub fn stop(self) -> Vec<String> {
        self.say_draining();
        self.edge_tasks.stop();
        let ended = self
            .workers
            .into_iter()
            .filter_map(|worker| worker.join().err());
        let mut unfinished: Vec<String> = ended.map(|left| left.to_string()).collect();
        self.control_tasks.stop();
        let ended = self
            .control
            .block_on(self.control_tasks.ended(CONTROL_DRAIN));
        unfinished.extend(ended.err().map(|left| left.to_string()));
        self.state.progress.close();
        self.control.shutdown_timeout(CONTROL_DRAIN);
        drop(self.lines);
        unfinished
    }
}

fn reload_on_hangup(reloader: &Arc<Reloader>, tasks: &Tasks) -> std::io::Result<()> {
    let mut hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())?;
    let (reloader, stopping) = (Arc::clone(reloader), tasks.stopping());
    tasks.spawn("hangup", async move {
        let waiting = async {
            while hangups.recv().await.is_some() {
                let reloader = Arc::clone(&reloader);
                let _ = tokio::task::spawn_blocking(move || reloader.reload(Cause::Signal)).await;
            }
        };
        tokio::select! { () = waiting => {}, () = stopping => {} }
    });
    Ok(())
}
