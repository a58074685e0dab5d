//! A child process on one core: how much CPU it has used, and that it does not outlive the run.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child as Process, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};

/// A core's number.
pub(crate) type Core = usize;

/// A running process with its children. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    process: Process,
}

impl Child {
    /// Starts it on `core`; what it says goes to `log`.
    pub(crate) fn start<S: AsRef<OsStr>>(
        name: &'static str,
        core: Core,
        arguments: impl IntoIterator<Item = S>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let log = File::create(log).with_context(|| log.display().to_string())?;
        let process = pinned(core)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self { name, process })
    }

    /// The CPU time that it and its children have used, from the scheduler's own count.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for pid in self.family() {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
                .with_context(|| format!("{} has ended", self.name))?;
            for task in tasks {
                let stat = std::fs::read_to_string(task?.path().join("schedstat"))?;
                let on_cpu = stat.split(' ').next().unwrap_or_default();
                nanos += on_cpu
                    .parse::<u64>()
                    .context("this kernel keeps no schedstat")?;
            }
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Waits until `done`, for as long as the process lives.
    pub(crate) fn until(&mut self, mut done: impl FnMut() -> bool) -> anyhow::Result<()> {
        for _ in 0..1000 {
            if let Some(status) = self.process.try_wait()? {
                bail!("{} ended at once: {status}", self.name);
            }
            if done() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{} is not ready after 10 s", self.name);
    }

    /// The process and its direct children, oldest first.
    fn family(&self) -> Vec<u32> {
        let parent = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        let children = children.unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        std::iter::once(parent).chain(children).collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Asked first, so that a parent takes its children along.
        let asked = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let ended = || matches!(self.process.try_wait(), Ok(Some(_)));
        if !asked.is_ok_and(|status| status.success()) || !soon(ended) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// A command that will run on this core only.
pub(crate) fn pinned(core: Core) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]);
    command
}

fn soon(mut done: impl FnMut() -> bool) -> bool {
    for _ in 0..300 {
        if done() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    false
}
