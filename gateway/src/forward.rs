//! forward
pub mod config;
