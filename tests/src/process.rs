//! A child process: its lines as they come, a polite stop, and no way to outlive the test.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::Notify;

use crate::wire::{PATIENCE, within};

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Option<Child>,
    pid: Pid,
    /// What it writes to standard output.
    pub stdout: Lines,
    /// What it writes to standard error.
    pub stderr: Lines,
    readers: Vec<JoinHandle<()>>,
}

/// How a child ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub stdout: String,
    /// All of its standard error.
    pub stderr: String,
}

impl Process {
    /// Starts it. `name` is what messages call it.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let pid = Pid::from_child(&child);
        let (stdout, first) = Lines::follow(child.stdout.take().expect("piped"));
        let (stderr, second) = Lines::follow(child.stderr.take().expect("piped"));
        Self {
            name: name.to_owned(),
            child: Some(child),
            pid,
            stdout,
            stderr,
            readers: vec![first, second],
        }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// How much memory it has, in KiB.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        number.expect("a number of KiB")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        if self.child.is_some() {
            let _ = kill_process(self.pid, signal);
        }
    }

    /// Asks it to end (SIGTERM) and waits for that.
    pub async fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Waits until it ends by itself.
    pub async fn ended(self) -> Ended {
        self.ended_within(PATIENCE).await
    }

    /// The same for what may take longer than tests usually wait.
    pub async fn ended_within(mut self, patience: Duration) -> Ended {
        let mut child = self.child.take().expect("a process ends once");
        let name = self.name.clone();
        let kill_late = KillLate(Some(self.pid));
        let waited = tokio::task::spawn_blocking(move || child.wait());
        let status = tokio::time::timeout(patience, waited).await;
        let status = status.unwrap_or_else(|_| panic!("{name} does not end\n{}", self.said()));
        kill_late.not_needed();
        let status: ExitStatus = status.expect("the wait ran").expect("the child is ours");
        for reader in self.readers.drain(..) {
            let _ = tokio::task::spawn_blocking(move || reader.join()).await;
        }
        Ended {
            code: status.code(),
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child
            .as_mut()
            .is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Everything it has said so far, for a failure's message.
    pub fn said(&self) -> String {
        format!(
            "--- {} stdout\n{}--- {} stderr\n{}",
            self.name,
            self.stdout.text(),
            self.name,
            self.stderr.text()
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            if std::thread::panicking() {
                eprint_said(&self.said());
            }
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a failed test shows what its processes said"
)]
fn eprint_said(said: &str) {
    eprintln!("{said}");
}

/// Kills a child whose end is being waited for in vain, so that the waiting thread ends too.
struct KillLate(Option<Pid>);

impl KillLate {
    fn not_needed(mut self) {
        self.0 = None;
    }
}

impl Drop for KillLate {
    fn drop(&mut self) {
        if let Some(pid) = self.0 {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// The lines of a stream so far.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    fn follow(stream: impl Read + Send + 'static) -> (Self, JoinHandle<()>) {
        let lines = Self::default();
        let writer = lines.clone();
        let thread = std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            while reader
                .read_until(b'\n', &mut line)
                .is_ok_and(|count| count > 0)
            {
                let text = String::from_utf8_lossy(&line);
                writer.change(|state| state.lines.push(text.trim_end_matches('\n').to_owned()));
                line.clear();
            }
            writer.change(|state| state.ended = true);
        });
        (lines, thread)
    }

    /// All lines so far.
    pub fn all(&self) -> Vec<String> {
        self.read(|state| state.lines.clone())
    }

    /// How many lines there are so far.
    pub fn count(&self) -> usize {
        self.read(|state| state.lines.len())
    }

    /// All lines so far as one text.
    pub fn text(&self) -> String {
        self.all().into_iter().map(|line| line + "\n").collect()
    }

    /// Waits for a line that `wanted` makes something of, starting with line `from`.
    pub async fn find<T>(
        &self,
        what: &str,
        from: usize,
        wanted: impl FnMut(&str) -> Option<T>,
    ) -> T {
        self.try_find(what, from, wanted)
            .await
            .unwrap_or_else(|| panic!("ended without {what}:\n{}", self.text()))
    }

    /// The same; `None` when the stream ends before.
    pub async fn try_find<T>(
        &self,
        what: &str,
        from: usize,
        mut wanted: impl FnMut(&str) -> Option<T>,
    ) -> Option<T> {
        let mut next = from;
        let search = async {
            loop {
                let changed = self.inner.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                let (fresh, ended) =
                    self.read(|state| (state.lines.get(next..).map(<[_]>::to_vec), state.ended));
                for line in fresh.unwrap_or_default() {
                    next += 1;
                    if let Some(found) = wanted(&line) {
                        return Some(found);
                    }
                }
                if ended {
                    return None;
                }
                changed.await;
            }
        };
        within(what, search).await
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(
            &self
                .inner
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(
            &mut self
                .inner
                .state
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        self.inner.changed.notify_waiters();
    }
}
