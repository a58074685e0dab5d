//! A child process on one core: how much CPU it has used, and that it does not outlive the run.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child as Process, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde_json::Value;

/// A core's number.
pub(crate) type Core = usize;

/// A running process with its children. Dropping it ends them.
#[derive(Debug)]
pub(crate) struct Child {
    name: &'static str,
    process: Process,
    log: PathBuf,
    /// Threads whose names begin so are counted; all of them where nothing is said.
    counted: &'static str,
}

impl Child {
    /// Starts what was [`pinned`]; what it says goes to `log`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| log.display().to_string())?;
        let process = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} does not start"))?;
        Ok(Self {
            name,
            process,
            log: log.to_owned(),
            counted: "",
        })
    }

    /// Counts only threads whose names begin so.
    pub(crate) fn counting(mut self, counted: &'static str) -> Self {
        self.counted = counted;
        self
    }

    /// The CPU time that it and its children have used, from the scheduler's own count.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let mut nanos = 0;
        for pid in self.family() {
            let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
                .with_context(|| format!("{} has ended", self.name))?;
            for task in tasks {
                let task = task?.path();
                let name = std::fs::read_to_string(task.join("comm"))?;
                if !name.starts_with(self.counted) {
                    continue;
                }
                let stat = std::fs::read_to_string(task.join("schedstat"))?;
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
                bail!("{} ended at once: {status}\n{}", self.name, self.said());
            }
            if done() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        bail!("{} is not ready after 10 s\n{}", self.name, self.said());
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has written its ready file, which a process does whole, and reads it.
    pub(crate) fn ready(&mut self, file: &Path) -> anyhow::Result<Value> {
        self.until(|| file.exists())?;
        serde_json::from_slice(&std::fs::read(file)?).with_context(|| file.display().to_string())
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
            .stderr(Stdio::null())
            .status();
        let ended = || matches!(self.process.try_wait(), Ok(Some(_)));
        if !asked.is_ok_and(|status| status.success()) || !soon(ended) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// A program that will run on this core only.
pub(crate) fn pinned(core: Core, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", &core.to_string()])
        .arg(program.as_ref());
    command
}

/// This thread, and those that it starts, will run on this core only.
pub(crate) fn stay_on(core: Core) -> anyhow::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    sched_setaffinity(None, &cores).context("this process cannot choose its core")
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
