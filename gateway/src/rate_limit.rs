//! How much a caller may ask for.

pub mod config;
pub mod state;
pub mod compiled;
pub mod stage;
