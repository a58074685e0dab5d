//! Starts stubs in this process: the whole shop for the demo, one of them for a process of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use chassis::listen::{self, ListenError};
use chassis::tasks::Tasks;

use crate::issuer::{self, DevKey};
use crate::monolith;
use crate::service::Service;
use crate::store::Store;
use crate::stub::Stub;
use crate::switches::Settings;

/// A stub that can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is called.
    pub name: &'static str,
    /// The port that it has when nothing else is said.
    pub port: u16,
    /// The variable in routes.toml that names its port.
    pub variable: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Monolith,
    Service(Service),
    Issuer,
}

/// Everything, in the order in which it is shown.
pub const PARTS: [Part; 9] = [
    part("monolith", 7000, "MONOLITH_PORT", Kind::Monolith),
    part("users", 7001, "USERS_PORT", Kind::Service(Service::Users)),
    part(
        "catalog",
        7002,
        "CATALOG_PORT",
        Kind::Service(Service::Catalog),
    ),
    part(
        "reviews",
        7003,
        "REVIEWS_PORT",
        Kind::Service(Service::Reviews),
    ),
    part(
        "inventory",
        7004,
        "INVENTORY_PORT",
        Kind::Service(Service::Inventory),
    ),
    part(
        "recommendations",
        7005,
        "RECOMMENDATIONS_PORT",
        Kind::Service(Service::Recommendations),
    ),
    part(
        "orders",
        7006,
        "ORDERS_PORT",
        Kind::Service(Service::Orders),
    ),
    part(
        "payments",
        7007,
        "PAYMENTS_PORT",
        Kind::Service(Service::Payments),
    ),
    part("issuer", 9000, "ISSUER_PORT", Kind::Issuer),
];

const fn part(name: &'static str, port: u16, variable: &'static str, kind: Kind) -> Part {
    Part {
        name,
        port,
        variable,
        kind,
    }
}

/// Where the shop keeps what it makes.
#[derive(Clone, Debug)]
pub struct Places {
    /// The journal's folder.
    pub store: PathBuf,
    /// The issuer's key.
    pub key: PathBuf,
}

impl Places {
    /// Below one folder.
    pub fn below(folder: &Path) -> Self {
        Self {
            store: folder.join("store"),
            key: folder.join("issuer-key.pem"),
        }
    }
}

/// Why a stub does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Its port cannot be listened on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The store or the key cannot be read or written.
    #[error("{0}: {1}")]
    Place(PathBuf, std::io::Error),
    /// The socket cannot be used.
    #[error("{0}")]
    Socket(std::io::Error),
}

/// Starts `parts`, each on the address that comes with it and with the switches that `settings` says by its name; `tasks`
/// ends them. Gives the addresses that they have.
pub fn start(
    parts: &[(Part, SocketAddr)],
    places: &Places,
    settings: impl Fn(&str) -> Settings,
    tasks: &Tasks,
) -> Result<Vec<(Part, SocketAddr)>, StartError> {
    let store = Store::open(&places.store)
        .map_err(|error| StartError::Place(places.store.clone(), error))?;
    let store = Arc::new(store);
    let mut ready = Vec::new();
    for (part, address) in parts {
        let stub = Stub::new(part.name, &store, settings(part.name));
        let router = router(part.kind, &stub, places)?;
        ready.push((*part, stub, router, listen::alone(*address, part.variable)?));
    }
    // Nothing has begun while a key was missing or a port taken.
    let mut started = Vec::new();
    for (part, stub, router, listener) in ready {
        let address = listener.local_addr().map_err(StartError::Socket)?;
        chassis::serve::router(listener, router, tasks).map_err(StartError::Socket)?;
        let stopping = tasks.stopping();
        // A request that hangs on purpose would hold up the end.
        tasks.spawn("stub", async move {
            stopping.await;
            stub.switches.reset();
        });
        started.push((part, address));
    }
    Ok(started)
}

fn router(kind: Kind, stub: &Arc<Stub>, places: &Places) -> Result<Router, StartError> {
    Ok(match kind {
        Kind::Monolith => monolith::router(stub),
        Kind::Service(service) => service.router(stub),
        Kind::Issuer => {
            let key = DevKey::load_or_create(&places.key);
            issuer::router(
                stub,
                &key.map_err(|error| StartError::Place(places.key.clone(), error))?,
            )
        }
    })
}
