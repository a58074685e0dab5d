//! rate_limit
pub mod config;
