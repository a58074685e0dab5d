//! Runs parts in this process: all of them, or the one that a child process was started for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chassis::drain::Signals;
use chassis::tasks::Tasks;
use composition::{Bff, Settings};
use gateway::app::{self, Options, Running};
use rustix::process::{Signal, set_parent_process_death_signal};
use stubs::shop::{self, Part, Places};
use stubs::switches::Settings as Switches;
use tokio::runtime::Runtime;

use crate::ports::Ports;
use crate::{Args, places, tour, traffic};

/// The gateway's name among the parts.
pub(crate) const EDGE: &str = "edge";

/// What runs at the end gets this long.
const DRAIN: Duration = Duration::from_secs(5);

/// The whole shop, its BFFs and the gateway.
pub(crate) fn run_all(args: &Args, ports: &Ports) -> anyhow::Result<()> {
    let mut shop = Shop::start(args, &ports.parts)?;
    let gateway = gateway(args, ports)?;
    for (bff, address) in &ports.bffs {
        shop.add(bff, *address, args, ports)?;
    }
    shop.traffic(args, ports)?;
    tour::print(args, ports)?;
    shop.wait();
    gateway.stop();
    shop.stop()
}

/// One part of them.
pub(crate) fn run_one(name: &str, args: &Args, ports: &Ports) -> anyhow::Result<()> {
    // Whoever started all of them may be killed; nobody would end this one then.
    set_parent_process_death_signal(Some(Signal::TERM))?;
    if name == EDGE {
        let gateway = gateway(args, ports)?;
        gateway.block_on(async { anyhow::Ok(Signals::listen()?.next().await) })?;
        gateway.stop();
        return Ok(());
    }
    if let Some((bff, address)) = ports.bffs.iter().find(|(bff, _)| bff.name == name) {
        let mut alone = Shop::start(args, &[])?;
        alone.add(bff, *address, args, ports)?;
        alone.wait();
        return alone.stop();
    }
    let known = ports.parts.iter().find(|(part, _)| part.name == name);
    let shop = Shop::start(
        args,
        &[*known.with_context(|| format!("there is no part {name:?}"))?],
    )?;
    shop.wait();
    shop.stop()
}

fn gateway(args: &Args, ports: &Ports) -> anyhow::Result<Running> {
    let environment = ports.environment(&places::kept(args)?, std::env::vars_os());
    let options = Options {
        path: args.config.clone(),
        environment: Arc::new(move |name| environment.get(name).cloned()),
    };
    let ready = app::read(&options)?;
    chassis::telemetry::log::init(&ready.config.log.level, ready.config.log.format)?;
    Ok(app::start(options, ready)?)
}

/// Everything is right but one thing: the service that orders are about to move to has a mistake to be found.
fn at_start(part: &str) -> Switches {
    Switches {
        price_as_text: part == "orders",
        ..Switches::default()
    }
}

struct Shop {
    runtime: Runtime,
    tasks: Tasks,
    bffs: Vec<composition::Running>,
    signals: std::cell::RefCell<Signals>,
}

impl Shop {
    fn start(args: &Args, parts: &[(Part, SocketAddr)]) -> anyhow::Result<Self> {
        let runtime = Runtime::new()?;
        let tasks = Tasks::new();
        let signals = {
            let _inside = runtime.enter();
            // First, so that a signal during the start ends it in order.
            let signals = Signals::listen()?;
            shop::start(parts, &Places::below(&args.folder), at_start, &tasks).map_err(
                |error| {
                    anyhow::anyhow!(
                        "{error}\nall ports can be moved: --port-base {}",
                        args.port_base.saturating_add(10_000)
                    )
                },
            )?;
            signals
        };
        Ok(Self {
            runtime,
            tasks,
            bffs: Vec::new(),
            signals: std::cell::RefCell::new(signals),
        })
    }

    /// Adds a BFF, which asks the gateway's internal listener.
    fn add(
        &mut self,
        bff: &Bff,
        address: SocketAddr,
        args: &Args,
        ports: &Ports,
    ) -> anyhow::Result<()> {
        let log = places::file(args, &format!("{}.log", bff.name))?;
        let options = [
            format!("--bind={address}"),
            format!("--gateway-url=http://{}", ports.internal),
            format!("--access-log={}", log.display()),
        ];
        let settings = Settings::read(bff.name, bff.description, options)?;
        let _inside = self.runtime.enter();
        let running = composition::start(bff, &settings, &self.tasks)?;
        self.bffs.push(running);
        Ok(())
    }

    /// Callers for the judge.
    fn traffic(&self, args: &Args, ports: &Ports) -> anyhow::Result<()> {
        let _inside = self.runtime.enter();
        traffic::ask(ports.edge, args.traffic, &self.tasks)
    }

    /// Until somebody ends it.
    fn wait(&self) {
        self.runtime.block_on(self.signals.borrow_mut().next());
    }

    fn stop(self) -> anyhow::Result<()> {
        self.tasks.stop();
        Ok(self.runtime.block_on(self.tasks.ended(DRAIN))?)
    }
}
