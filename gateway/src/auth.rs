//! auth
pub mod config;
