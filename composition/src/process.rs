//! A BFF as a process: settings in, a listener, a drain. Everything is built here, and only here.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use axum::Router;
use axum::middleware::from_fn_with_state;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Clock;
use chassis::drain::Signals;
use chassis::listen;
use chassis::secret::SecretString;
use chassis::tasks::Tasks;
use chassis::telemetry::lines::LineWriter;
use chassis::telemetry::stamp::Stamp;
use utoipa_axum::router::OpenApiRouter;

use crate::carrier::HttpCarrier;
use crate::client_version::ClientPolicy;
use crate::cursor::Cursors;
use crate::door::{self, Book, Door};
use crate::engine::Engine;
use crate::figures::Figures;
use crate::openapi::{About, complete};
use crate::operations::{Operations, Shown, not_found, wrong_method};
use crate::settings::{self, Mode, Settings};
use crate::shop::Shop;
use crate::view::Meta;

/// What a BFF is, besides its screens.
#[derive(Clone, Copy, Debug)]
pub struct Bff {
    /// Its name: the binary's, and what backends hear as `User-Agent`.
    pub name: &'static str,
    /// What its description is headed.
    pub title: &'static str,
    /// What it is for, in a sentence or two.
    pub description: &'static str,
    /// The port that it has when nothing else is said.
    pub port: u16,
    /// When its answers have `_meta`.
    pub meta: Meta,
    /// Its screens.
    pub screens: fn(&Setup) -> anyhow::Result<OpenApiRouter>,
}

/// What screens are built from.
#[derive(Debug)]
pub struct Setup {
    /// Makes calls.
    pub engine: Arc<Engine>,
    /// The backends.
    pub shop: Shop,
    /// Signs cursors.
    pub cursor_secret: SecretString,
}

/// A BFF that runs.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub bind: SocketAddr,
    draining: Arc<AtomicBool>,
    door: Arc<Door>,
    _lines: LineWriter,
}

impl Drop for Running {
    fn drop(&mut self) {
        // A request that did not end in time still holds the door.
        self.door.close();
    }
}

impl Running {
    /// From now on it says that it wants no more traffic.
    pub fn drain(&self) {
        self.draining
            .store(true, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Runs a BFF until it is told to end.
pub fn main(bff: &Bff) -> ExitCode {
    let options = std::env::args_os().skip(1);
    let settings = match Settings::read(bff.name, bff.description, options) {
        Ok(settings) => settings,
        Err(wrong) if wrong.use_stderr() => {
            let _ = writeln!(std::io::stderr(), "{}", settings::explain(&wrong));
            return ExitCode::FAILURE;
        }
        // Help, or the version.
        Err(said) => {
            let _ = said.print();
            return ExitCode::SUCCESS;
        }
    };
    match run(bff, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(bff: &Bff, settings: &Settings) -> anyhow::Result<()> {
    chassis::telemetry::log::init(&settings.log_level, settings.log_format.into())
        .context("BFF_LOG_LEVEL")?;
    let runtime = match settings.workers {
        1 => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?,
        0 => tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?,
        workers => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()?,
    };
    runtime.block_on(serve(bff, settings))
}

async fn serve(bff: &Bff, settings: &Settings) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let tasks = Tasks::new();
    let running = start(bff, settings, &tasks)?;
    if let Some(path) = &settings.ready_file {
        write_ready(path, running.bind)?;
    }
    tracing::info!(bind = %running.bind, "ready");
    let signal = signals.next().await;
    tracing::info!(signal, "draining");
    running.drain();
    tasks.stop();
    if let Err(left) = tasks.ended(settings.drain.0).await {
        tracing::warn!(%left, "the drain was cut short");
    }
    tracing::info!("stopped");
    Ok(())
}

/// Starts a BFF in this runtime; `tasks` ends it.
///
/// # Errors
/// A setting is wrong, a screen does not hold together, or the address cannot be listened on.
pub fn start(bff: &Bff, settings: &Settings, tasks: &Tasks) -> anyhow::Result<Running> {
    let shop = Shop::new(settings.places()?, &settings.protection())?;
    let setup = Setup {
        cursor_secret: cursor_secret(settings)?,
        engine: engine(bff, settings, tasks)?,
        shop,
    };
    let clients = clients(settings);
    let about = About {
        title: bff.title,
        description: bff.description,
        meta: bff.meta,
        upgrade: (!clients.minimum.is_empty()).then_some(clients.status),
    };
    let (screens, api) = (bff.screens)(&setup)?.split_for_parts();
    let document = complete(&api, &about);

    let lines = LineWriter::start(&settings.access_log.0).context("BFF_ACCESS_LOG")?;
    let door = Arc::new(Door {
        trusted: settings.trusted_callers.clone(),
        tenant: settings.tenant_field.clone(),
        clients,
        stats: setup.engine.stats().clone(),
        clock: Clock::system(),
        lines: Mutex::new(Book {
            lines: lines.buffer(),
            stamp: Stamp::default(),
        }),
    });
    let address = settings
        .bind
        .unwrap_or((Ipv4Addr::LOCALHOST, bff.port).into());
    let listener = listen::alone(address, "BFF_BIND")?;
    let bind = listener.local_addr()?;
    let draining = Arc::new(AtomicBool::new(false));
    let operations = Operations::new(Shown {
        stats: setup.engine.stats().clone(),
        figures: Figures {
            backends: setup.shop.backends().map(Arc::clone).into(),
            lines_dropped: lines.dropped(),
        },
        document: document.to_string().into(),
        draining: Arc::clone(&draining),
    });
    let screens = screens
        .merge(operations.document())
        .fallback(|| async { not_found() })
        .method_not_allowed_fallback(|| async { wrong_method() })
        // Within the door, so that what panicked has its id and its line, too.
        .layer(chassis::serve::catch_panics())
        .layer(from_fn_with_state(Arc::clone(&door), door::pass));
    let router: Router = operations.router().merge(screens);
    hand_lines_over(Arc::clone(&door), tasks);
    chassis::serve::router(listener, router, tasks)?;
    Ok(Running {
        bind,
        draining,
        door,
        _lines: lines,
    })
}

fn engine(bff: &Bff, settings: &Settings, tasks: &Tasks) -> anyhow::Result<Arc<Engine>> {
    let carrier = match settings.mode {
        Mode::Gateway => HttpCarrier::to_gateway(),
        Mode::Direct => HttpCarrier::to_backends(),
    };
    let carrier = Arc::new(carrier.map_err(|error| anyhow::anyhow!("{error}"))?);
    let bytes = settings.cache_bytes.as_u64();
    Ok(Engine::new(carrier, bff.name, bytes, tasks))
}

fn cursor_secret(settings: &Settings) -> anyhow::Result<SecretString> {
    if let Some(secret) = &settings.cursor_secret {
        // Said at start, also where no screen has a cursor yet.
        Cursors::new(secret, "").context("BFF_CURSOR_SECRET")?;
        return Ok(secret.clone());
    }
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).context("there is no randomness")?;
    Ok(SecretString::from(URL_SAFE_NO_PAD.encode(bytes)))
}

fn clients(settings: &Settings) -> ClientPolicy {
    let minimum = settings.min_client.iter();
    let store = settings.store_url.iter();
    ClientPolicy {
        minimum: minimum
            .map(|pair| (pair.name.clone(), pair.value))
            .collect(),
        store: store
            .map(|pair| (pair.name.clone(), pair.value.to_string()))
            .collect(),
        status: settings.upgrade_status,
    }
}

fn hand_lines_over(door: Arc<Door>, tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn("access lines", async move {
        let mut tick = tokio::time::interval(door::FLUSH);
        let flushing = async {
            loop {
                tick.tick().await;
                door.flush();
            }
        };
        tokio::select! { () = flushing => {}, () = stopping => {} }
    });
}

/// Written beside and renamed, so that whoever waits for it reads all of it.
fn write_ready(path: &Path, bind: SocketAddr) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let address = serde_json::json!({ "bind": bind });
    let written =
        std::fs::write(&beside, address.to_string()).and_then(|()| std::fs::rename(&beside, path));
    written.with_context(|| format!("--ready-file {}", path.display()))
}
