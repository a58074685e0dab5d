//! log
pub mod config;
