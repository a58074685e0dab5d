//! A process for each part: this program again, told to be only one of them.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use chassis::drain::Signals;
use chassis::tasks::Tasks;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

use crate::ports::Ports;
use crate::{Args, parts, tour, traffic};

/// How often a part's port is tried while it starts.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A part that does not listen after so many looks has a problem that it has told by then.
const LOOKS: u32 = 500;

/// Starts them, waits, and ends them.
pub(crate) fn run(args: &Args, ports: &Ports) -> anyhow::Result<()> {
    let runtime = Runtime::new()?;
    let mut signals = runtime.block_on(async { Signals::listen() })?;
    let shop = ports
        .parts
        .iter()
        .map(|(part, address)| (part.name, *address));
    let bffs = ports.bffs.iter().map(|(bff, address)| (bff.name, *address));
    // The edge last, so that nothing is asked of what has not begun.
    let all = shop
        .chain(bffs)
        .chain(std::iter::once((parts::EDGE, ports.edge)));
    let mut children = Children(Vec::new());
    for (name, address) in all {
        children.start(name, address, args)?;
    }
    let tasks = Tasks::new();
    {
        let _inside = runtime.enter();
        traffic::ask(ports.edge, args.traffic, &tasks)?;
    }
    tour::print(args, ports)?;
    runtime.block_on(signals.next());
    tasks.stop();
    children.stop()
}

/// Ended with this process, however it ends.
struct Children(Vec<(&'static str, Child)>);

impl Children {
    fn start(
        &mut self,
        name: &'static str,
        address: SocketAddr,
        args: &Args,
    ) -> anyhow::Result<()> {
        if TcpStream::connect(address).is_ok() {
            let free = args.port_base.saturating_add(10_000);
            bail!(
                "{name}: {address} is taken by another process; all ports can be moved: --port-base {free}"
            );
        }
        let child = Command::new(std::env::current_exe()?)
            .args(["--only", name, "--port-base", &args.port_base.to_string()])
            .arg("--config")
            .arg(&args.config)
            .arg("--folder")
            .arg(&args.folder)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        self.0.push((name, child));
        for _ in 0..LOOKS {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some((_, child)) = self.0.last_mut()
                && child.try_wait()?.is_some()
            {
                bail!("{name} did not start");
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("{name} does not listen on {address}");
    }

    /// The edge first, so that nothing is asked of what has gone.
    fn stop(mut self) -> anyhow::Result<()> {
        while let Some((name, mut child)) = self.0.pop() {
            terminate(&child);
            let status = child.wait()?;
            if !status.success() {
                bail!("{name} ended with {status}");
            }
        }
        Ok(())
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for (_, child) in &mut self.0 {
            terminate(child);
            let _ = child.wait();
        }
    }
}

fn terminate(child: &Child) {
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, Signal::TERM);
    }
}
