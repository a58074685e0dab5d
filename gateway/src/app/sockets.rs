//! The sockets of all listeners, opened together before anything serves; and how much is served on them.

use std::net::{SocketAddr, TcpListener};

use chassis::descriptors;
use chassis::listen;

use super::StartError;
use crate::config::Config;

/// All listening sockets.
pub(super) struct Sockets {
    /// One per core.
    pub(super) edge: Vec<TcpListener>,
    pub(super) edge_address: SocketAddr,
    /// One per core, or none.
    pub(super) internal: Vec<TcpListener>,
    pub(super) internal_address: Option<SocketAddr>,
    pub(super) admin: TcpListener,
    pub(super) admin_address: SocketAddr,
}

impl Sockets {
    pub(super) fn open(config: &Config, cores: usize) -> Result<Self, StartError> {
        let admin = listen::alone(config.admin.bind, "admin.bind")?;
        let edge = listen::per_core(config.edge.bind, cores, "edge.bind")?;
        let internal = match &config.internal {
            Some(internal) => listen::per_core(internal.bind, cores, "internal.bind")?,
            None => Vec::new(),
        };
        let address = |listener: &TcpListener| listener.local_addr().map_err(StartError::Thread);
        Ok(Self {
            edge_address: address(&edge[0])?,
            internal_address: internal.first().map(address).transpose()?,
            admin_address: address(&admin)?,
            edge,
            internal,
            admin,
        })
    }
}

/// How many data-path threads.
pub(super) fn workers(config: &Config) -> usize {
    match config.edge.workers {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
        workers => workers,
    }
}

/// Of each listener. A connection needs a descriptor here and mostly one to an upstream; the rest is for files, admin
/// and health checks.
pub(super) fn max_connections(config: &Config) -> usize {
    let affordable = usize::try_from(descriptors::raise_limit() / 20 * 9).unwrap_or(usize::MAX);
    let listeners = 1 + usize::from(config.internal.is_some());
    config.edge.max_connections.min(affordable / listeners)
}
