//! What every process here does the same way.
//!
//! Modules stand lowest first: one may use those above it, never those below.
//! Nothing in this crate knows a route, a backend or a screen.

pub mod clock;
pub mod secret;
pub mod hex;
pub mod request_id;
pub mod trace;
pub mod handover;
pub mod identity;
pub mod principal;
pub mod problem;
pub mod tasks;
pub mod drain;
pub mod descriptors;
pub mod listen;
pub mod serve;
pub mod http_client;
pub mod telemetry;
