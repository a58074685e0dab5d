//! The public listener: a thread per core, each with its own sockets and its own everything.

mod state;
mod socket;
mod connection;
pub mod worker;
