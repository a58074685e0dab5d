//! server
pub mod config;
