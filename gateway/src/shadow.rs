//! Requests that one side of a migration has answered are copied to the other, and the two answers compared.
//!
//! Nothing here can fail, delay or alter a client's answer: a core only keeps what passes anyway, up to bounds, and hands
//! it over without waiting; the copies are sent, read and compared on the control side. What is over any bound is
//! dropped and counted by its reason.

pub mod config;
pub mod compiled;
pub mod job;
pub mod state;
pub mod kept;
pub mod stage;
pub mod decode;
pub mod copy;
pub mod pair;
mod comparing;
pub mod runner;
