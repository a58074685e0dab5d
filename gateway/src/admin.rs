//! admin
pub mod config;
