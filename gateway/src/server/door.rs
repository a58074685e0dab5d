//! One listener of one thread: it accepts, and knows who is in.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use chassis::tasks::{Tasks, Unfinished};
use tokio::net::TcpListener;

use super::client_io::ClientIo;
use super::connection;
use super::state::{ConnectionState, Limits, Verdict};
use crate::forward::client::Peer;
use crate::listener::config::Listener;
use crate::per_core::{PerCore, Shared};

/// How long accepting pauses when there is no descriptor or no place left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A listener's connections on one thread. Each listener has places of its own: clients that fill the edge must not keep
/// out whoever they wait for.
#[derive(Debug)]
pub(super) struct Door {
    listener: Listener,
    tasks: Tasks,
    /// How many may be in.
    max: usize,
    open: RefCell<Vec<Weak<ConnectionState>>>,
}

impl Door {
    /// Nobody is in yet. Connections will be run in `tasks`.
    pub(super) fn new(listener: Listener, tasks: Tasks, max: usize) -> Self {
        Self {
            listener,
            tasks,
            max,
            open: RefCell::default(),
        }
    }

    /// Lets in whoever comes to `socket`, which closes when this is dropped.
    #[expect(
        clippy::infinite_loop,
        reason = "it ends when its future is dropped at the drain"
    )]
    pub(super) async fn accept(
        &self,
        core: &Rc<PerCore>,
        socket: TcpListener,
        now: &Arc<AtomicU32>,
    ) -> Infallible {
        loop {
            match socket.accept().await {
                Ok((stream, peer)) => {
                    // Those who come meanwhile stay in the kernel's queue.
                    while !self.make_room() {
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    let _ = stream.set_nodelay(true);
                    let stream = ClientIo::Plain(stream);
                    let state = Arc::new(ConnectionState::new(Arc::clone(now)));
                    self.add(&state);
                    let open = Open::new(core);
                    let peer = Peer::new(peer.ip(), self.listener);
                    let serving = connection::serve(Rc::clone(core), stream, peer, state);
                    self.tasks.spawn_local("client connection", async move {
                        let _open = open;
                        serving.await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn add(&self, state: &Arc<ConnectionState>) {
        self.open.borrow_mut().push(Arc::downgrade(state));
    }

    /// Whether there is a place. If not, whoever waits longest for nothing is asked to leave.
    fn make_room(&self) -> bool {
        let mut open = self.open.borrow_mut();
        if open.len() >= self.max {
            // Those that have ended since the last sweep.
            open.retain(|state| state.strong_count() > 0);
        }
        if open.len() < self.max {
            return true;
        }
        let idle = open
            .iter()
            .filter_map(Weak::upgrade)
            .filter_map(|state| Some((state.idle_since()?, state)));
        if let Some((_, oldest)) = idle.min_by_key(|(since, _)| *since) {
            oldest.judge(Verdict::Close);
        }
        false
    }

    /// Ends what has taken too long.
    pub(super) fn sweep(&self, limits: Limits) {
        self.open.borrow_mut().retain(|state| {
            let open = state.upgrade();
            if let Some(state) = &open {
                state.sweep(limits);
            }
            open.is_some()
        });
    }

    /// Asks everybody to leave when what runs is done.
    pub(super) fn close(&self) {
        for state in self.open.borrow().iter().filter_map(Weak::upgrade) {
            state.judge(Verdict::Close);
        }
        self.tasks.stop();
    }

    /// Waits until all have left.
    pub(super) async fn left(&self, within: Duration) -> Result<(), Unfinished> {
        self.tasks.ended(within).await
    }
}

/// Counts an open connection.
struct Open(Arc<Shared>);

impl Open {
    fn new(core: &PerCore) -> Self {
        core.shared
            .metrics
            .connections
            .fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&core.shared))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.metrics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}
