//! A backend in a process of its own, which can be killed at any moment and started again where it was.

use std::net::SocketAddr;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::origin::Refusing;
use crate::shop::Stub;

/// What it answers to at once: `ok`.
pub const PATH: &str = "/healthz";

/// The backend.
#[derive(Debug)]
pub struct Backend {
    stub: Stub,
    place: Place,
}

/// It does not run; whoever connects is refused.
#[derive(Debug)]
#[must_use = "it does not run before `again`"]
pub struct Killed {
    place: Place,
}

#[derive(Debug)]
struct Place {
    folder: TempDir,
    /// Keeps the port while nobody listens on it, so that nobody else gets it.
    port: Refusing,
}

impl Backend {
    /// Starts one on a free port.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = Refusing::for_now();
        Self::at(Place { folder, port }).await
    }

    async fn at(place: Place) -> Self {
        let port = place.port.address().port();
        let stub = Stub::start("catalog", place.folder.path(), port).await;
        Self { stub, place }
    }

    /// As an endpoint in a routes file.
    pub fn url(&self) -> String {
        self.place.port.url()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.stub.address
    }

    /// How many requests this process got.
    pub async fn asked(&self) -> u64 {
        self.stub.asked().await
    }

    /// `kill -9`: what it was at is lost, and its connections end.
    pub async fn killed(self) -> Killed {
        self.stub.process.signal(Signal::KILL);
        self.stub.process.ended().await;
        Killed { place: self.place }
    }
}

impl Killed {
    /// Starts it again, on the same port.
    pub async fn again(self) -> Backend {
        Backend::at(self.place).await
    }
}
