//! What asks a process to end: SIGTERM from whoever runs it, SIGINT (Ctrl-C) from whoever started it.

use tokio::signal::unix::{SignalKind, signal};

/// The signals, listened to from the moment of [`Signals::listen`] on, so that none is missed while a process starts.
#[derive(Debug)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts to listen. Needs a runtime.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and says which it was.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
