//! The listeners that carry requests: a thread per core, each with its own sockets and its own everything.

mod protocol;
mod state;
mod client_io;
mod h1;
mod http2;
mod connection;
mod door;
pub mod worker;
