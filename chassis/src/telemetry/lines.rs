//! Access lines, written by a thread of their own: each core fills a buffer and hands it over whole.
//!
//! A slow disk or reader never slows a request: when the writer is behind, lines are dropped and counted.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// Buffers that may wait for the writer, over all cores.
const WAITING: usize = 64;

/// A core hands its buffer over at this size.
const FULL: usize = 32 * 1024;

/// Where lines go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    #[default]
    Stdout,
    /// A file, appended to.
    File(PathBuf),
    /// Nowhere.
    Off,
}

/// The writing thread. Dropping it waits until all that was handed over is written.
#[derive(Debug)]
pub struct LineWriter {
    sender: Option<SyncSender<Vec<u8>>>,
    dropped: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

/// One core's end of it.
#[derive(Debug)]
pub struct LineBuffer {
    lines: Vec<u8>,
    count: u64,
    sender: Option<SyncSender<Vec<u8>>>,
    dropped: Arc<AtomicU64>,
}

impl LineWriter {
    /// Starts the thread; the file is opened here, so that a wrong path is an error at start.
    pub fn start(target: &Target) -> io::Result<Self> {
        let out: Box<dyn Write + Send> = match target {
            Target::Off => {
                return Ok(Self {
                    sender: None,
                    dropped: Arc::default(),
                    thread: None,
                });
            }
            Target::Stdout => Box::new(io::stdout()),
            Target::File(path) => Box::new(append_to(path)?),
        };
        let (sender, receiver) = sync_channel(WAITING);
        let dropped = Arc::new(AtomicU64::new(0));
        let lost = Arc::clone(&dropped);
        let thread = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_all(&receiver, out, &lost))?;
        Ok(Self {
            sender: Some(sender),
            dropped,
            thread: Some(thread),
        })
    }

    /// A buffer for one core.
    pub fn buffer(&self) -> LineBuffer {
        LineBuffer {
            lines: Vec::new(),
            count: 0,
            sender: self.sender.clone(),
            dropped: Arc::clone(&self.dropped),
        }
    }

    /// How many lines were lost because the writer was behind or could not write.
    pub fn dropped(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.dropped)
    }
}

impl Drop for LineWriter {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl LineBuffer {
    /// Whether lines are wanted at all.
    pub fn is_on(&self) -> bool {
        self.sender.is_some()
    }

    /// Adds one line; `write` leaves out the line break.
    pub fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        if self.sender.is_none() {
            return;
        }
        write(&mut self.lines);
        self.lines.push(b'\n');
        self.count += 1;
        if self.lines.len() >= FULL {
            self.flush();
        }
    }

    /// Hands over what there is.
    pub fn flush(&mut self) {
        if self.lines.is_empty() {
            return;
        }
        let next = Vec::with_capacity(FULL + FULL / 8);
        let lines = std::mem::replace(&mut self.lines, next);
        let count = std::mem::take(&mut self.count);
        if let Some(sender) = &self.sender
            && sender.try_send(lines).is_err()
        {
            self.dropped.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl LineBuffer {
    /// Hands over what there is and takes no more, so that the writer may end while this buffer is still held.
    pub fn close(&mut self) {
        self.flush();
        self.sender = None;
    }
}

impl Drop for LineBuffer {
    fn drop(&mut self) {
        self.flush();
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    File::options().create(true).append(true).open(path)
}

fn write_all(receiver: &Receiver<Vec<u8>>, mut out: impl Write, lost: &AtomicU64) {
    for lines in receiver {
        if out.write_all(&lines).and_then(|()| out.flush()).is_err() {
            let count = lines.split(|byte| *byte == b'\n').count() - 1;
            lost.fetch_add(count as u64, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_arrives_before_the_writer_ends() {
        let path = std::env::temp_dir().join(format!("lines-{}", fastrand::u64(..)));
        let writer = LineWriter::start(&Target::File(path.clone())).unwrap();
        let mut buffer = writer.buffer();
        for n in 0..10_000 {
            buffer.line(|out| out.extend_from_slice(n.to_string().as_bytes()));
        }
        drop(buffer);
        let dropped = writer.dropped();
        drop(writer);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 0);
        assert_eq!(text.lines().count(), 10_000);
        assert_eq!(text.lines().last(), Some("9999"));
    }
}
