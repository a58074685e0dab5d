//! Which side of a migration answers a request.

pub mod config;
pub mod compiled;
pub mod visitor;
pub mod sticky;
pub mod stage;
