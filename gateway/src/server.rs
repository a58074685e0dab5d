//! The listeners that carry requests: a thread per core, each with its own sockets and its own everything.

mod state;
mod client_io;
mod socket;
mod connection;
mod door;
pub mod worker;
