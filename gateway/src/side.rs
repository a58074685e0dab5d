//! side
pub mod config;
